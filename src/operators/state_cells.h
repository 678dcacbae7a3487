#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"

namespace millrace {

// Single rows of an operator's state, cell by cell: where there are few of them.

/// Empty for NULL.
template <class Array>
std::string_view TextAt(const arrow::Array& array, int64_t row) {
  return array.IsNull(row) ? std::string_view() : static_cast<const Array&>(array).GetView(row);
}

inline Result<std::shared_ptr<arrow::Array>> OneText(const std::string& text) {
  arrow::StringBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Append(text));
  return builder.Finish();
}

inline Result<std::shared_ptr<arrow::Array>> OneNumber(int64_t number) {
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.Append(number));
  return builder.Finish();
}

/// One row: `columns`, of which the first are those of `key`.
inline std::shared_ptr<arrow::RecordBatch> BehindKey(const arrow::RecordBatch& key,
                                                     arrow::ArrayVector columns) {
  arrow::FieldVector fields = key.schema()->fields();
  for (size_t i = fields.size(); i < columns.size(); ++i) {
    fields.push_back(arrow::field("", columns[i]->type()));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), 1, std::move(columns));
}

}  // namespace millrace
