#include "state/log_part.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "state/memory_table.h"
#include "state/row_ages.h"

namespace millrace {

arrow::FieldVector LogFields(const StateSpec& spec) {
  arrow::FieldVector fields = PartFields(spec);
  fields.insert(fields.begin() + spec.key.size(),
                arrow::field("time", arrow::timestamp(arrow::TimeUnit::MICRO)));
  if (spec.ttl_us) fields.push_back(RowAges::Field());
  return fields;
}

Status ReadLogPart(const PartHeader& expected, const KeyEncoder& encoder, std::string_view bytes,
                   const std::function<Status(const LogRows&)>& visit) {
  const int key_columns = encoder.key_schema().size();
  LogRows part;
  const auto read = [&](const arrow::RecordBatch& rows) -> Status {
    ARROW_RETURN_NOT_OK(encoder.Encode(rows, &part.keys));
    ARROW_RETURN_NOT_OK(CheckGroup(expected, part.keys));
    const auto& time = static_cast<const arrow::TimestampArray&>(*rows.column(key_columns));
    if (time.null_count() > 0) return Error::Data("it holds a row without a time");
    const auto size = static_cast<size_t>(rows.num_rows());
    part.times.resize(size);
    for (size_t i = 0; i < size; ++i) part.times[i].us = time.Value(static_cast<int64_t>(i));
    const arrow::ArrayVector all = rows.columns();
    const auto first = all.begin() + key_columns + 1;
    part.values.assign(first, first + expected.spec.value.size());
    part.written_us.clear();
    if (expected.spec.ttl_us && all.back()->null_count() == 0) {
      const auto& written = static_cast<const arrow::TimestampArray&>(*all.back());
      part.written_us.assign(written.raw_values(), written.raw_values() + size);
    }
    return visit(part);
  };
  return ReadPart(expected, LogFields(expected.spec), bytes, read);
}

}  // namespace millrace
