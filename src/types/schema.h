#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "types/sql_type.h"

namespace millrace {

/// The columns of a table, port or expression list. Names may repeat in the middle of a plan.
class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<SqlField> columns) : columns_(std::move(columns)) {}

  const std::vector<SqlField>& columns() const { return columns_; }
  const SqlField& column(int index) const { return columns_[static_cast<size_t>(index)]; }
  int size() const { return static_cast<int>(columns_.size()); }
  void Add(std::string name, SqlType type) {
    columns_.push_back({std::move(name), std::move(type), {}});
  }

  int Find(
      std::string_view name) const;  ///< index of the first column of that name, -1 where absent
  std::vector<std::string> Names() const;

  std::shared_ptr<arrow::Schema> ToArrow() const;
  static Result<Schema> FromArrow(const arrow::Schema& schema);

  std::string ToString() const;  ///< "(`a` INT, `b` STRING NOT NULL)"
  bool operator==(const Schema&) const = default;

 private:
  std::vector<SqlField> columns_;
};

}  // namespace millrace
