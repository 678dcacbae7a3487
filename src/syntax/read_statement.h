#pragma once

#include "syntax/ast_statement.h"
#include "syntax/cursor.h"

namespace millrace::syntax {

/// One statement, up to its ';', which is left.
StatementPtr ReadStatement(Cursor& cursor);

/// The ';' behind a statement, and the comment that trails it.
StatementPtr ReadTerminator(Cursor& cursor, StatementPtr statement);

// Each of these reads from the first word of its statement on.
StatementNode ReadCreate(Cursor& cursor);
Drop ReadDrop(Cursor& cursor);
Alter ReadAlter(Cursor& cursor);
StatementNode ReadShow(Cursor& cursor);
Describe ReadDescribe(Cursor& cursor);
SetOption ReadSet(Cursor& cursor);
ResetOption ReadReset(Cursor& cursor);

ColumnDefinition ReadColumn(Cursor& cursor, std::optional<PrimaryKey>* primary_key);
bool ReadWatermark(Cursor& cursor,
                   std::optional<WatermarkDefinition>* watermark);            ///< false: none here
bool ReadPrimaryKey(Cursor& cursor, std::optional<PrimaryKey>* primary_key);  ///< false: none here
FunctionLanguage ReadLanguage(Cursor& cursor);  ///< LANGUAGE word, if it is there

}  // namespace millrace::syntax
