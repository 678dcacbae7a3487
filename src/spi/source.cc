#include "spi/source.h"

#include <arrow/record_batch.h>

#include "base/utf8.h"
#include "types/column_buffer.h"

namespace millrace {

Schema RejectedSchema() {
  return Schema({{"source", SqlType::String().AsNotNull(), {}},
                 {"position", SqlType::BigInt().AsNotNull(), {}},
                 {"reason", SqlType::String().AsNotNull(), {}},
                 {"raw", SqlType::String().AsNotNull(), {}}});
}

Result<Batch> MakeRejected(std::span<const RejectedRecord> records) {
  const Schema schema = RejectedSchema();
  std::vector<ColumnBuffer> columns;
  for (const auto& column : schema.columns()) columns.emplace_back(column.type);
  for (const auto& record : records) {
    columns[0].AppendBytes(ValidUtf8(record.source));
    columns[1].Append(record.position);
    columns[2].AppendBytes(ValidUtf8(record.reason));
    columns[3].AppendBytes(ValidUtf8(std::string_view(record.raw).substr(0, kMaxRejectedBytes)));
  }
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (auto& column : columns) arrays.push_back(column.Finish());
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(schema.ToArrow(), static_cast<int64_t>(records.size()),
                                        std::move(arrays));
  return batch;
}

}  // namespace millrace
