#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/type_fwd.h>

#include "types/batch.h"
#include "types/row_keys.h"
#include "types/schema.h"

namespace millrace {

/// The rows that a changelog leaves: a view of it, kept up to date. One thread at a time.
class ChangelogTable {
 public:
  /// `key`: the unique key of an upsert stream; empty: rows are told apart by all their columns.
  static Result<ChangelogTable> Make(const Schema& schema, const std::vector<int>& key);

  Status Apply(const Batch& changes);
  int64_t size() const { return size_; }
  /// The rows in the order of their last change.
  Result<std::shared_ptr<arrow::Table>> ToTable() const;

 private:
  struct Place {
    size_t batch;
    int32_t row;
  };
  struct Kept {
    std::shared_ptr<arrow::RecordBatch> rows;  ///< null once none of them is left
    std::vector<bool> live;
    int64_t num_live = 0;
  };

  ChangelogTable(std::shared_ptr<arrow::Schema> schema, KeyEncoder encoder)
      : schema_(std::move(schema)), encoder_(std::move(encoder)) {}

  void Insert(std::string_view key, Place place);
  void Remove(std::string_view key, const arrow::RecordBatch& rows, int32_t row);
  bool SameUnkeyed(Place place, const arrow::RecordBatch& rows, int32_t row) const;

  std::shared_ptr<arrow::Schema> schema_;
  KeyEncoder encoder_;
  bool is_upsert_ = false;
  std::vector<int>
      unkeyed_;  ///< ARRAY and MAP columns of a stream without key: compared one by one
  std::vector<Kept> kept_;
  std::unordered_map<std::string, std::vector<Place>> index_;
  RowKeys keys_;
  int64_t size_ = 0;
};

}  // namespace millrace
