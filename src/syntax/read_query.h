#pragma once

#include <string>
#include <vector>

#include "syntax/ast_query.h"
#include "syntax/cursor.h"

namespace millrace::syntax {

QueryPtr ReadQuery(Cursor& cursor);

/// Whether SELECT, WITH or VALUES stands here. (A query may also begin with a parenthesis.)
bool StartsQuery(const Cursor& cursor);

/// Whether what stands here goes on with the query in parentheses that was just read: UNION, ORDER
/// BY …
bool ContinuesQuery(const Cursor& cursor);

/// The rest of a query whose first operand was read: `first` UNION …, ORDER BY …
QueryPtr ReadQueryAfter(Cursor& cursor, QueryPtr first);

/// One of FROM: a table, a subquery, a join, … with its alias.
RelationPtr ReadRelation(Cursor& cursor);

/// A call in FROM: `f(…)`, `TABLE(f(…))`, with LATERAL read before; without alias.
RelationPtr ReadTableFunction(Cursor& cursor, bool lateral);

/// From MATCH_RECOGNIZE on, over `input`; without alias.
RelationPtr ReadMatchRecognize(Cursor& cursor, RelationPtr input);

/// A row pattern, as in PATTERN (…), without the parentheses.
Ptr<Pattern> ReadPattern(Cursor& cursor);

std::vector<Hint> ReadHints(Cursor& cursor);  ///< none where there is no hint comment

/// `('k' = 'v', 'm' = MAP['a', 'b'])`.
std::vector<Property> ReadProperties(Cursor& cursor);
Property ReadProperty(Cursor& cursor);

}  // namespace millrace::syntax
