#include "session/table_builder.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace millrace {

Result<std::shared_ptr<arrow::RecordBatch>> TableBuilder::Finish() const {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (size_t column = 0; column < columns_.size(); ++column) {
    arrow::StringBuilder builder;
    for (const auto& row : rows_) {
      const Cell& cell = row[column];
      ARROW_RETURN_NOT_OK(cell ? builder.Append(*cell) : builder.AppendNull());
    }
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder.Finish());
    fields.push_back(arrow::field(columns_[column], arrow::utf8()));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                  static_cast<int64_t>(rows_.size()), std::move(arrays));
}

}  // namespace millrace
