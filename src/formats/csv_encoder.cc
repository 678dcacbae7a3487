#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/base64.h>
#include <arrow/util/decimal.h>

#include "formats/csv.h"
#include "formats/csv_columns.h"
#include "types/array_text.h"
#include "types/value_text.h"

namespace millrace {
namespace {

class CsvEncoder final : public Encoder {
 public:
  CsvEncoder(const Schema& schema, CsvOptions options)
      : schema_(schema), options_(std::move(options)) {}

  std::string Header() const override {
    std::string line;
    if (!options_.header) return line;
    for (int i = 0; i < schema_.size(); ++i) {
      if (i > 0) line += options_.dialect.delimiter;
      AppendField(schema_.column(i).name, &line);
    }
    line += '\n';
    return line;
  }

  Status Encode(const arrow::RecordBatch& rows, std::string* out) override {
    const auto columns = rows.columns();
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      AppendRecord(columns, row, out);
      *out += '\n';
    }
    return Status::OK();
  }

  Status EncodeMessages(const arrow::RecordBatch& rows, std::vector<std::string>* out) override {
    const auto columns = rows.columns();
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      AppendRecord(columns, row, &out->emplace_back());
    }
    return Status::OK();
  }

 private:
  void AppendRecord(const arrow::ArrayVector& columns, int64_t row, std::string* out) {
    for (int i = 0; i < schema_.size(); ++i) {
      if (i > 0) *out += options_.dialect.delimiter;
      const auto& column = *columns[static_cast<size_t>(i)];
      if (column.IsNull(row)) {
        *out += options_.null_literal;
        continue;
      }
      const auto& type = schema_.column(i).type;
      if (type.is_string() || type.is_nested() || type.is_binary()) {
        field_.clear();
        AppendValue(type, column, row, &field_);
        AppendField(field_, out);
      } else {
        AppendValue(type, column, row, out);
      }
    }
  }

  /// Quotes what would otherwise read back as something else.
  void AppendField(std::string_view text, std::string* out) const {
    const auto& dialect = options_.dialect;
    const auto special = [&](char c) {
      return c == dialect.delimiter || c == '\n' || c == '\r' ||
             (dialect.has_quote && c == dialect.quote) ||
             (dialect.has_escape && c == dialect.escape);
    };
    bool quote = (options_.has_null_literal && text == options_.null_literal) ||
                 (dialect.comments && text.starts_with('#')) ||
                 (schema_.size() == 1 && text.empty());
    for (size_t i = 0; i < text.size() && !quote; ++i) quote = special(text[i]);
    if (!quote) {
      *out += text;
    } else if (dialect.has_quote) {
      *out += dialect.quote;
      for (const char c : text) {
        if (c == dialect.quote) {
          *out += dialect.quote;
        } else if (dialect.has_escape && c == dialect.escape) {
          *out += dialect.escape;
        }
        *out += c;
      }
      *out += dialect.quote;
    } else {
      for (const char c : text) {
        if (dialect.has_escape && special(c)) *out += dialect.escape;
        *out += c;
      }
    }
  }

  void AppendValue(const SqlType& type, const arrow::Array& column, int64_t row,
                   std::string* out) const {
    if (AppendPlainText(type, column, row, out)) return;
    switch (type.kind()) {
      case TypeKind::kIntervalYearMonth:
        FormatInteger(static_cast<const arrow::MonthIntervalArray&>(column).Value(row), out);
        break;
      case TypeKind::kIntervalDayTime:
        FormatInteger(static_cast<const arrow::DurationArray&>(column).Value(row) / 1000, out);
        break;
      case TypeKind::kTime:
        FormatTime(static_cast<const arrow::Time32Array&>(column).Value(row), type.precision(),
                   out);
        break;
      case TypeKind::kTimestamp:
      case TypeKind::kTimestampLtz:
        FormatTimestamp(static_cast<const arrow::TimestampArray&>(column).Value(row),
                        type.precision(), ' ', out);
        if (type.kind() == TypeKind::kTimestampLtz) *out += 'Z';
        break;
      case TypeKind::kArray: {
        const auto& list = static_cast<const arrow::ListArray&>(column);
        for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
          if (i > list.value_offset(row)) *out += options_.array_delimiter;
          AppendElement(type.element(), *list.values(), i, out);
        }
        break;
      }
      case TypeKind::kRow: {
        const auto& fields = static_cast<const arrow::StructArray&>(column);
        for (int i = 0; i < fields.num_fields(); ++i) {
          if (i > 0) *out += options_.array_delimiter;
          AppendElement(type.fields()[static_cast<size_t>(i)].type, *fields.field(i), row, out);
        }
        break;
      }
      default:
        *out +=
            arrow::util::base64_encode(static_cast<const arrow::BinaryArray&>(column).GetView(row));
    }
  }

  void AppendElement(const SqlType& type, const arrow::Array& column, int64_t row,
                     std::string* out) const {
    if (column.IsNull(row)) {
      *out += options_.null_literal;
    } else {
      AppendValue(type, column, row, out);
    }
  }

  Schema schema_;
  CsvOptions options_;
  std::string field_;
};

}  // namespace

Result<std::unique_ptr<Encoder>> MakeCsvEncoder(const Schema& schema, const Options& options) {
  ARROW_ASSIGN_OR_RAISE(auto csv, CsvOptions::From(options));
  for (const auto& column : schema.columns()) {
    ARROW_RETURN_NOT_OK(CheckCsvType(column.name, column.type));
  }
  return std::make_unique<CsvEncoder>(schema, std::move(csv));
}

}  // namespace millrace
