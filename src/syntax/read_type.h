#pragma once

#include "syntax/ast_expression.h"
#include "syntax/cursor.h"

namespace millrace::syntax {

/// A type with its [NOT] NULL.
SqlType ReadType(Cursor& cursor);

/// `DAY(3) TO SECOND(6)` into the fields of `literal`.
void ReadIntervalQualifier(Cursor& cursor, IntervalLiteral* literal);

}  // namespace millrace::syntax
