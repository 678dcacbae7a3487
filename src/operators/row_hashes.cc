#include "operators/row_hashes.h"

#include <functional>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "state/value_codec.h"

namespace millrace {

Result<RowHashes> RowHashes::Make(const Schema& schema) {
  std::vector<int> flat, nested;
  for (int c = 0; c < schema.size(); ++c) {
    (schema.column(c).type.is_nested() ? nested : flat).push_back(c);
  }
  ARROW_ASSIGN_OR_RAISE(auto encoder, KeyEncoder::Make(schema, std::move(flat)));
  RowHashes hashes(std::move(encoder));
  hashes.nested_ = std::move(nested);
  return hashes;
}

Status RowHashes::Of(const arrow::RecordBatch& rows, std::vector<uint64_t>* hashes) {
  ARROW_RETURN_NOT_OK(flat_.Encode(rows, &keys_));
  *hashes = keys_.hashes;
  for (const int column : nested_) {
    const arrow::Array& values = *rows.column(column);
    for (size_t i = 0; i < hashes->size(); ++i) {
      bytes_.clear();
      const auto row = static_cast<int64_t>(i);
      if (values.IsValid(row)) EncodeValue(values, row, &bytes_);
      uint64_t& hash = (*hashes)[i];
      hash = hash * 0x9e3779b97f4a7c15u + std::hash<std::string_view>()(bytes_);
    }
  }
  return Status::OK();
}

}  // namespace millrace
