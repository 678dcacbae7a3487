#pragma once

#include "catalog/objects.h"
#include "syntax/ast.h"

namespace millrace::sql {

/// What CREATE TABLE … LIKE takes over from `source`, by Flink's merging rules. INCLUDING ALL is
/// the default, OPTIONS are overwritten.
Status ApplyLike(const Table& source, const syntax::LikeClause& like,
                 const syntax::CreateTable& statement, Table* table);

}  // namespace millrace::sql
