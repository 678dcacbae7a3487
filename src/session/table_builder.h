#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"

namespace millrace {

/// A small table of texts: the answer of SHOW and DESCRIBE.
class TableBuilder {
 public:
  using Cell = std::optional<std::string>;  ///< empty: NULL

  explicit TableBuilder(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  /// One cell per column.
  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  Result<std::shared_ptr<arrow::RecordBatch>> Finish() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace millrace
