#include "models/sample_rows.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace millrace {

Result<Batch> SampleRows(const Schema& input, const std::string& lines) {
  std::string json = "[";
  for (size_t from = 0; from < lines.size();) {
    const size_t end = std::min(lines.find('\n', from), lines.size());
    const std::string line = lines.substr(from, end - from);
    if (line.find_first_not_of(" \t\r") != std::string::npos) {
      json += (json.size() > 1 ? "," : "") + line;
    }
    from = end + 1;
  }
  const auto schema = input.ToArrow();
  const auto rows = arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), json + "]");
  if (!rows.ok()) {
    return Error::User("the rows cannot be read: " + rows.status().message())
        .Hint("one JSON object a line, with the columns " + input.ToString());
  }
  Batch batch;
  const auto& structs = static_cast<const arrow::StructArray&>(**rows);
  batch.rows = arrow::RecordBatch::Make(schema, structs.length(), structs.fields());
  return batch;
}

}  // namespace millrace
