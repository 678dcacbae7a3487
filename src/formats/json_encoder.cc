#include <cmath>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/base64.h>

#include "formats/json.h"
#include "types/value_text.h"

namespace millrace {
namespace {

void AppendString(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          *out += "\\u00";
          *out += kHex[c >> 4];
          *out += kHex[c & 15];
        } else {
          *out += c;
        }
    }
  }
  *out += '"';
}

class JsonEncoder final : public Encoder {
 public:
  JsonEncoder(const Schema& schema, const Options& options)
      : separator_(options.String("timestamp-format.standard") == "ISO-8601" ? 'T' : ' '),
        plain_decimals_(options.Bool("encode.decimal-as-plain-number")),
        leave_out_nulls_(options.Bool("encode.ignore-null-fields")) {
    row_ = SqlType::Row(schema.columns());
    keys_ = KeysOf(row_);
  }

  Status Encode(const arrow::RecordBatch& rows, std::string* out) override {
    const auto columns = rows.columns();
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      ARROW_RETURN_NOT_OK(AppendObject(row_, keys_, columns, row, out));
      *out += '\n';
    }
    return Status::OK();
  }

  Status EncodeMessages(const arrow::RecordBatch& rows, std::vector<std::string>* out) override {
    const auto columns = rows.columns();
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      ARROW_RETURN_NOT_OK(AppendObject(row_, keys_, columns, row, &out->emplace_back()));
    }
    return Status::OK();
  }

 private:
  /// The members' names as JSON, with their colons; those of nested rows below.
  struct Keys {
    std::vector<std::string> names;
    std::vector<Keys> fields;
  };

  static Keys KeysOf(const SqlType& type) {
    Keys keys;
    for (const auto& field : type.fields()) {
      AppendString(field.name, &keys.names.emplace_back());
      keys.names.back() += ':';
      keys.fields.push_back(KeysOf(field.type));
    }
    return keys;
  }

  Status AppendObject(const SqlType& type, const Keys& keys, const arrow::ArrayVector& columns,
                      int64_t row, std::string* out) const {
    *out += '{';
    bool first = true;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (leave_out_nulls_ && columns[i]->IsNull(row)) continue;
      if (!first) *out += ',';
      first = false;
      *out += keys.names[i];
      ARROW_RETURN_NOT_OK(
          AppendValue(type.fields()[i].type, keys.fields[i], *columns[i], row, out));
    }
    *out += '}';
    return Status::OK();
  }

  Status AppendValue(const SqlType& type, const Keys& keys, const arrow::Array& column, int64_t row,
                     std::string* out) const {
    if (column.IsNull(row)) {
      *out += "null";
      return Status::OK();
    }
    switch (type.kind()) {
      case TypeKind::kRow: {
        const auto& fields = static_cast<const arrow::StructArray&>(column);
        arrow::ArrayVector columns;
        for (int i = 0; i < fields.num_fields(); ++i) columns.push_back(fields.field(i));
        return AppendObject(type, keys, columns, row, out);
      }
      case TypeKind::kArray: {
        const auto& list = static_cast<const arrow::ListArray&>(column);
        *out += '[';
        for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
          if (i > list.value_offset(row)) *out += ',';
          ARROW_RETURN_NOT_OK(AppendValue(type.element(), keys.fields[0], *list.values(), i, out));
        }
        *out += ']';
        return Status::OK();
      }
      case TypeKind::kMap:
        return AppendMap(type, keys, static_cast<const arrow::MapArray&>(column), row, out);
      default:
        AppendScalar(type, column, row, out);
        return Status::OK();
    }
  }

  Status AppendMap(const SqlType& type, const Keys& keys, const arrow::MapArray& map, int64_t row,
                   std::string* out) const {
    *out += '{';
    bool first = true;
    std::string key;
    for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
      key.clear();
      AppendScalar(type.key(), *map.keys(), i, &key);
      if (!first) *out += ',';
      first = false;
      if (key.front() == '"') {
        *out += key;
      } else {
        AppendString(key, out);
      }
      *out += ':';
      ARROW_RETURN_NOT_OK(AppendValue(type.value(), keys.fields[1], *map.items(), i, out));
    }
    *out += '}';
    return Status::OK();
  }

  /// JSON has no numbers for them: NaN and infinities go as strings.
  template <class T>
  static void AppendFloating(T value, void (*format)(T, std::string*), std::string* out) {
    const bool quoted = !std::isfinite(value);
    if (quoted) *out += '"';
    format(value, out);
    if (quoted) *out += '"';
  }

  void AppendScalar(const SqlType& type, const arrow::Array& column, int64_t row,
                    std::string* out) const {
    switch (type.kind()) {
      case TypeKind::kBoolean:
        *out += static_cast<const arrow::BooleanArray&>(column).Value(row) ? "true" : "false";
        return;
      case TypeKind::kTinyInt:
        return FormatInteger(static_cast<const arrow::Int8Array&>(column).Value(row), out);
      case TypeKind::kSmallInt:
        return FormatInteger(static_cast<const arrow::Int16Array&>(column).Value(row), out);
      case TypeKind::kInt:
        return FormatInteger(static_cast<const arrow::Int32Array&>(column).Value(row), out);
      case TypeKind::kIntervalYearMonth:
        return FormatInteger(static_cast<const arrow::MonthIntervalArray&>(column).Value(row), out);
      case TypeKind::kBigInt:
        return FormatInteger(static_cast<const arrow::Int64Array&>(column).Value(row), out);
      case TypeKind::kIntervalDayTime:
        return FormatInteger(static_cast<const arrow::DurationArray&>(column).Value(row) / 1000,
                             out);
      case TypeKind::kFloat:
        return AppendFloating(static_cast<const arrow::FloatArray&>(column).Value(row), FormatFloat,
                              out);
      case TypeKind::kDouble:
        return AppendFloating(static_cast<const arrow::DoubleArray&>(column).Value(row),
                              FormatDouble, out);
      case TypeKind::kDecimal:
        return AppendDecimal(static_cast<const arrow::Decimal128Array&>(column).FormatValue(row),
                             out);
      default:
        break;
    }
    std::string text;
    switch (type.kind()) {
      case TypeKind::kDate:
        FormatDate(static_cast<const arrow::Date32Array&>(column).Value(row), &text);
        break;
      case TypeKind::kTime:
        FormatTime(static_cast<const arrow::Time32Array&>(column).Value(row), type.precision(),
                   &text);
        break;
      case TypeKind::kTimestamp:
      case TypeKind::kTimestampLtz:
        FormatTimestamp(static_cast<const arrow::TimestampArray&>(column).Value(row),
                        type.precision(), separator_, &text);
        if (type.kind() == TypeKind::kTimestampLtz) text += 'Z';
        break;
      case TypeKind::kBinary:
      case TypeKind::kVarBinary:
        text =
            arrow::util::base64_encode(static_cast<const arrow::BinaryArray&>(column).GetView(row));
        break;
      default:
        return AppendString(static_cast<const arrow::BinaryArray&>(column).GetView(row), out);
    }
    AppendString(text, out);
  }

  /// As Java's BigDecimal writes it: an exponent only for very small numbers.
  void AppendDecimal(const std::string& plain, std::string* out) const {
    const size_t point = plain.find('.');
    const size_t digit = plain.find_first_of("123456789");
    const size_t scale = point == std::string::npos ? 0 : plain.size() - point - 1;
    const size_t zeros = digit == std::string::npos || digit < point ? 0 : digit - point - 1;
    const bool all_zero = digit == std::string::npos;
    if (plain_decimals_ || (all_zero ? scale <= 6 : zeros < 6)) {
      *out += plain;
      return;
    }
    if (all_zero) {
      *out += "0E-" + std::to_string(scale);
      return;
    }
    if (plain.front() == '-') *out += '-';
    *out += plain[digit];
    if (digit + 1 < plain.size()) *out += "." + plain.substr(digit + 1);
    *out += "E-" + std::to_string(zeros + 1);
  }

  char separator_;
  bool plain_decimals_, leave_out_nulls_;
  SqlType row_;
  Keys keys_;
};

}  // namespace

Result<std::unique_ptr<Encoder>> MakeJsonEncoder(const Schema& schema, const Options& options) {
  return std::make_unique<JsonEncoder>(schema, options);
}

}  // namespace millrace
