#include "models/default_row.h"

#include <numeric>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace millrace {

Result<std::shared_ptr<arrow::RecordBatch>> ParseDefaultRow(const Schema& outputs,
                                                            const std::string& text) {
  const auto schema = outputs.ToArrow();
  arrow::ArrayVector columns;
  const auto fault = [&](const Status& status) {
    return Error::User("'default-value' '" + text + "' is not a value of " + outputs.ToString() +
                       ": " + status.message())
        .Hint(outputs.size() == 1
                  ? "numbers, true, false and arrays are written as in JSON"
                  : "several outputs are one JSON object: {\"label\": \"none\", \"score\": 0}");
  };
  if (text == "null") {
    for (const auto& field : schema->fields()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::MakeArrayOfNull(field->type(), 1));
    }
  } else if (outputs.size() == 1 && outputs.column(0).type.is_string()) {
    arrow::StringBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Append(text));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), builder.Finish());
  } else if (outputs.size() == 1) {
    auto value = arrow::json::ArrayFromJSONString(schema->field(0)->type(), "[" + text + "]");
    if (!value.ok()) return fault(value.status());
    if ((*value)->length() != 1) return fault(Status::Invalid("it is not one value"));
    columns.push_back(std::move(*value));
  } else {
    auto row = arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), "[" + text + "]");
    if (!row.ok()) return fault(row.status());
    if ((*row)->length() != 1 || (*row)->null_count() > 0)
      return fault(Status::Invalid("it is not one object"));
    columns = static_cast<const arrow::StructArray&>(**row).fields();
  }
  return arrow::RecordBatch::Make(schema, 1, std::move(columns));
}

Result<std::shared_ptr<arrow::RecordBatch>> WithDefaults(const arrow::RecordBatch& outputs,
                                                         std::span<const RowError> errors,
                                                         const arrow::RecordBatch& row) {
  std::vector<int32_t> source(static_cast<size_t>(outputs.num_rows()));
  std::iota(source.begin(), source.end(), 0);
  for (const RowError& error : errors) {
    source[static_cast<size_t>(error.row)] = static_cast<int32_t>(outputs.num_rows());
  }
  const arrow::Int32Array indices(outputs.num_rows(), arrow::Buffer::Wrap(source));
  arrow::ArrayVector columns;
  for (int c = 0; c < outputs.num_columns(); ++c) {
    ARROW_ASSIGN_OR_RAISE(const auto both, arrow::Concatenate({outputs.column(c), row.column(c)}));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::compute::Take(*both, indices));
  }
  return arrow::RecordBatch::Make(outputs.schema(), outputs.num_rows(), std::move(columns));
}

}  // namespace millrace
