#include "connectors/print.h"

#include <mutex>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "connectors/unstored_sink.h"
#include "types/array_text.h"
#include "types/row_kind.h"
#include "types/value_text.h"

namespace millrace {
namespace {

/// Java's clock text: seconds only where there are some, the fraction in groups of three digits.
void AppendClock(int64_t us_of_day, bool always_seconds, std::string* out) {
  const int64_t fraction = us_of_day % 1'000'000;
  const int precision = fraction == 0 ? 0 : fraction % 1000 == 0 ? 3 : 6;
  std::string clock;
  FormatTimestamp(us_of_day, precision, 'T', &clock);
  clock.erase(0, 11);  // 1970-01-01T
  if (!always_seconds && clock.ends_with(":00") && clock.size() == 8) clock.resize(5);
  *out += clock;
}

void AppendTimestamp(int64_t us, bool instant, std::string* out) {
  constexpr int64_t kDay = 86'400'000'000;
  int64_t days = us / kDay;
  if (us % kDay < 0) --days;
  FormatDate(static_cast<int32_t>(days), out);
  *out += 'T';
  AppendClock(us - days * kDay, instant, out);
  if (instant) *out += 'Z';
}

void AppendMonths(int32_t months, std::string* out) {
  *out += 'P';
  if (months / 12 != 0) *out += std::to_string(months / 12) + "Y";
  if (months % 12 != 0) *out += std::to_string(months % 12) + "M";
  if (months == 0) *out += "0D";
}

void AppendDuration(int64_t us, std::string* out) {
  const int64_t seconds = us / 1'000'000;
  const int64_t fraction = us % 1'000'000;
  *out += "PT";
  if (us == 0) *out += "0S";
  if (seconds / 3600 != 0) *out += std::to_string(seconds / 3600) + "H";
  if (seconds / 60 % 60 != 0) *out += std::to_string(seconds / 60 % 60) + "M";
  if (seconds % 60 != 0 || fraction != 0) {
    if (us < 0) *out += '-';
    *out += std::to_string(std::abs(seconds % 60));
    if (fraction != 0) {
      std::string digits = std::to_string(1'000'000 + std::abs(fraction)).substr(1);
      digits.erase(digits.find_last_not_of('0') + 1);
      *out += "." + digits;
    }
    *out += 'S';
  }
}

void AppendRange(const SqlType& type, const arrow::Array& values, int64_t begin, int64_t end,
                 std::string* out) {
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) *out += ", ";
    AppendPrinted(type, values, i, out);
  }
}

class PrintWriter final : public UnstoredSink {
 public:
  PrintWriter(Schema schema, std::string prefix, std::ostream& out,
              std::shared_ptr<std::mutex> mutex)
      : schema_(std::move(schema)),
        prefix_(std::move(prefix)),
        out_(out),
        mutex_(std::move(mutex)) {}

  Status Write(const Batch& batch, std::vector<RejectedRecord>*) override {
    std::string text;
    const auto columns = batch.rows->columns();
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      text += prefix_;
      text += kRowKindSigns[batch.kinds ? batch.kinds->Value(row) & 3 : 0];
      text += '[';
      for (int i = 0; i < schema_.size(); ++i) {
        if (i > 0) text += ", ";
        AppendPrinted(schema_.column(i).type, *columns[static_cast<size_t>(i)], row, &text);
      }
      text += "]\n";
    }
    const std::lock_guard lock(*mutex_);
    out_.write(text.data(), static_cast<std::streamsize>(text.size()));
    out_.flush();
    return Status::OK();
  }

 private:
  Schema schema_;
  std::string prefix_;
  std::ostream& out_;
  std::shared_ptr<std::mutex> mutex_;
};

}  // namespace

void AppendPrinted(const SqlType& type, const arrow::Array& column, int64_t row, std::string* out) {
  if (column.IsNull(row)) {
    *out += "null";
    return;
  }
  if (AppendPlainText(type, column, row, out)) return;
  switch (type.kind()) {
    case TypeKind::kTime:
      AppendClock(int64_t{static_cast<const arrow::Time32Array&>(column).Value(row)} * 1000, false,
                  out);
      break;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      AppendTimestamp(static_cast<const arrow::TimestampArray&>(column).Value(row),
                      type.kind() == TypeKind::kTimestampLtz, out);
      break;
    case TypeKind::kIntervalYearMonth:
      AppendMonths(static_cast<const arrow::MonthIntervalArray&>(column).Value(row), out);
      break;
    case TypeKind::kIntervalDayTime:
      AppendDuration(static_cast<const arrow::DurationArray&>(column).Value(row), out);
      break;
    case TypeKind::kBinary:
    case TypeKind::kVarBinary: {
      *out += '[';
      const auto bytes = static_cast<const arrow::BinaryArray&>(column).GetView(row);
      for (size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0) *out += ", ";
        FormatInteger(static_cast<signed char>(bytes[i]), out);
      }
      *out += ']';
      break;
    }
    case TypeKind::kArray: {
      const auto& list = static_cast<const arrow::ListArray&>(column);
      *out += '[';
      AppendRange(type.element(), *list.values(), list.value_offset(row),
                  list.value_offset(row + 1), out);
      *out += ']';
      break;
    }
    case TypeKind::kMap: {
      const auto& map = static_cast<const arrow::MapArray&>(column);
      *out += '{';
      for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
        if (i > map.value_offset(row)) *out += ", ";
        AppendPrinted(type.key(), *map.keys(), i, out);
        *out += '=';
        AppendPrinted(type.value(), *map.items(), i, out);
      }
      *out += '}';
      break;
    }
    case TypeKind::kRow: {
      const auto& fields = static_cast<const arrow::StructArray&>(column);
      *out += "+I[";
      for (int i = 0; i < fields.num_fields(); ++i) {
        if (i > 0) *out += ", ";
        AppendPrinted(type.fields()[static_cast<size_t>(i)].type, *fields.field(i), row, out);
      }
      *out += ']';
      break;
    }
    default:
      break;
  }
}

ConnectorSpec PrintConnector(std::ostream& out, std::ostream& err) {
  ConnectorSpec spec;
  spec.name = "print";
  spec.doc =
      "Writes every row as a line of text, '+I[1, a]', to the engine's standard output. With "
      "several subtasks their "
      "number stands before it, from 1.";
  spec.example =
      "CREATE TABLE shown (id BIGINT, v DOUBLE) WITH ('connector' = 'print', 'print-identifier' = "
      "'v')";
  spec.options = {
      {.key = "print-identifier", .doc = "Stands before each row: 'identifier> +I[…]'."},
      {.key = "standard-error",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether to write to standard error instead."},
  };
  spec.takes_changelog = true;
  spec.make_writer = [&out, &err, mutex = std::make_shared<std::mutex>()](
                         const SinkRequest& request) -> Result<std::unique_ptr<SinkWriter>> {
    std::string prefix = request.options.String("print-identifier");
    if (request.parallelism > 1) {
      if (!prefix.empty()) prefix += ':';
      prefix += std::to_string(request.subtask + 1);
    }
    if (!prefix.empty()) prefix += "> ";
    return std::make_unique<PrintWriter>(request.config.table.physical, std::move(prefix),
                                         request.options.Bool("standard-error") ? err : out, mutex);
  };
  return spec;
}

}  // namespace millrace
