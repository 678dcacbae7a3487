#pragma once

#include <string>
#include <vector>

#include "types/batch.h"
#include "types/schema.h"

namespace millrace::sql_script {

/// A row of a result, its values as the shell prints them.
struct Change {
  RowKind kind = RowKind::kInsert;
  std::vector<std::string> cells;
};

struct Changes {
  ChangelogMode mode = ChangelogMode::kAppend;
  std::vector<int> key;  ///< of an upsert stream
  std::vector<Change> rows;
};

Status AppendChanges(const Schema& schema, const Batch& batch, std::vector<Change>* out);

/// "1 | ab", an empty text as "(empty)".
std::string LineOf(const Change& change);
/// "+U | 1 | ab".
std::string SignedLineOf(const Change& change);
Result<Change> ParseSignedLine(const std::string& line);

/// The rows that are left, in the order of their last change. Taking back what is not there is an
/// error.
Result<std::vector<std::string>> Materialize(const Changes& changes);

}  // namespace millrace::sql_script
