#include "formats/csv_columns.h"

#include <cstring>
#include <limits>

#include <arrow/util/base64.h>

#include "types/value_text.h"

namespace millrace {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class T>
bool ParseInt(std::string_view text, T* out) {
  int64_t value;
  if (!ParseInteger(text, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), &value)) {
    return false;
  }
  *out = static_cast<T>(value);
  return true;
}

bool ParseZoned(std::string_view text, bool local, int64_t* out) {
  TimestampText value;
  if (!ParseTimestamp(text, &value) || (value.has_zone && !local)) return false;
  *out = value.us;
  return true;
}

/// Calls `use(parse)` with the parser of a fixed-width type: `bool parse(std::string_view, T*)`.
template <class Use>
bool WithParser(const SqlType& type, Use&& use) {
  switch (type.kind()) {
    case TypeKind::kBoolean:
      use([](std::string_view text, uint8_t* out) {
        bool value;
        if (!ParseBoolean(text, &value)) return false;
        *out = value ? 1 : 0;
        return true;
      });
      return true;
    case TypeKind::kTinyInt:
      use([](std::string_view text, int8_t* out) { return ParseInt(text, out); });
      return true;
    case TypeKind::kSmallInt:
      use([](std::string_view text, int16_t* out) { return ParseInt(text, out); });
      return true;
    case TypeKind::kInt:
    case TypeKind::kIntervalYearMonth:
      use([](std::string_view text, int32_t* out) { return ParseInt(text, out); });
      return true;
    case TypeKind::kBigInt:
      use([](std::string_view text, int64_t* out) { return ParseInt(text, out); });
      return true;
    case TypeKind::kIntervalDayTime:
      use([](std::string_view text, int64_t* out) {
        constexpr int64_t kMillis = std::numeric_limits<int64_t>::max() / 1000;
        if (!ParseInteger(text, -kMillis, kMillis, out)) return false;
        *out *= 1000;
        return true;
      });
      return true;
    case TypeKind::kFloat:
      use([](std::string_view text, float* out) { return ParseFloat(text, out); });
      return true;
    case TypeKind::kDouble:
      use([](std::string_view text, double* out) { return ParseDouble(text, out); });
      return true;
    case TypeKind::kDecimal:
      use([precision = type.precision(), scale = type.scale()](std::string_view text,
                                                               __int128* out) {
        return ParseDecimal(text, precision, scale, out);
      });
      return true;
    case TypeKind::kDate:
      use([](std::string_view text, int32_t* out) { return ParseDate(text, out); });
      return true;
    case TypeKind::kTime:
      use([](std::string_view text, int32_t* out) { return ParseTime(text, out); });
      return true;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      use([local = type.kind() == TypeKind::kTimestampLtz](std::string_view text, int64_t* out) {
        return ParseZoned(text, local, out);
      });
      return true;
    default:
      return false;
  }
}

template <class T>
struct Value;
template <class F, class T>
struct Value<bool (F::*)(std::string_view, T*) const> {
  using Type = T;
};

class Converter {
 public:
  Converter(const CsvColumn& column, const CsvOptions& options, std::string_view text,
            const CsvRecords& records, int width, std::vector<FieldError>* errors)
      : column_(column),
        options_(options),
        text_(text),
        records_(records),
        width_(width),
        errors_(errors) {}

  void Run(ColumnBuffer* out) {
    const auto& type = column_.type;
    if (type.is_string()) {
      AppendStrings(out);
    } else if (!WithParser(type, [&](auto parse) { AppendFixed(parse, out); })) {
      AppendSlow(out);
    }
  }

 private:
  int64_t rows() const { return static_cast<int64_t>(records_.rows.size()); }
  const CsvField& field(int64_t row) const {
    return records_.fields[static_cast<size_t>(row * width_ + column_.slot)];
  }
  std::string_view Raw(const CsvField& field) const {
    return {text_.data() + field.begin, field.length()};
  }
  std::string_view Text(const CsvField& field) {
    return field.is(CsvField::kEscaped)
               ? Unescape(Raw(field), field.is(CsvField::kQuoted), options_.dialect, &scratch_)
               : Raw(field);
  }
  bool IsNullLiteral(const CsvField& field, std::string_view text) const {
    return options_.has_null_literal && !field.is(CsvField::kQuoted) &&
           text == options_.null_literal;
  }

  void Fail(int64_t row, std::string_view text) {
    constexpr size_t kShown = 100;
    std::string reason = "column " + std::to_string(column_.number) + " `" + column_.name + "`: ";
    if (text.data() == nullptr) {
      reason += "NULL in a NOT NULL column";
    } else {
      reason += "'" + std::string(text.substr(0, kShown)) + (text.size() > kShown ? "…" : "") +
                "' is not a " + column_.type.AsNullable().ToString();
    }
    errors_->push_back({row, std::move(reason)});
  }
  void Null(int64_t row) {
    if (!column_.type.nullable()) Fail(row, {});
  }

  template <class Parse>
  void AppendFixed(const Parse& parse, ColumnBuffer* out) {
    using T = typename Value<decltype(&Parse::operator())>::Type;
    const int64_t first = out->size();
    const int64_t n = rows();
    T* const values = out->Extend<T>(n);
    for (int64_t i = 0; i < n; ++i) {
      const CsvField& f = field(i);
      const std::string_view text = Trim(Text(f));
      if (!text.empty() && !IsNullLiteral(f, text)) {
        if (parse(text, &values[i])) continue;
        Fail(i, text);
      } else {
        Null(i);
      }
      out->SetNull(first + i);
    }
  }

  void AppendStrings(ColumnBuffer* out) {
    const int64_t first = out->size();
    const int64_t n = rows();
    int64_t bytes = 16;
    for (int64_t i = 0; i < n; ++i) bytes += field(i).length();
    const auto target = out->ExtendText(n, bytes);
    char* at = target.bytes;
    const char* const safe_end = text_.size() < 16 ? nullptr : text_.data() + text_.size() - 16;
    for (int64_t i = 0; i < n; ++i) {
      const CsvField& f = field(i);
      if (f.is(CsvField::kMissing) || IsNullLiteral(f, Raw(f))) {
        Null(i);
        out->SetNull(first + i);
      } else {
        const std::string_view text = Text(f);
        // A copy of known size is a pair of instructions; both sides have the room.
        if (text.size() <= 16 && text.data() <= safe_end && !f.is(CsvField::kEscaped)) {
          std::memcpy(at, text.data(), 16);
        } else {
          std::memcpy(at, text.data(), text.size());
        }
        at += text.size();
      }
      target.ends[i] = target.base + static_cast<int32_t>(at - target.bytes);
    }
    out->TrimText();
  }

  void AppendSlow(ColumnBuffer* out) {
    for (int64_t i = 0; i < rows(); ++i) {
      const CsvField& f = field(i);
      const std::string_view text = Text(f);
      if (text.empty() || IsNullLiteral(f, text)) {
        Null(i);
        out->AppendNull();
        continue;
      }
      const int64_t size = out->size();
      if (!AppendText(column_.type, text, out)) {
        Fail(i, text);
        out->Truncate(size);
        out->AppendNull();
      }
    }
  }

  /// One value; false, and `out` in any state, where the text is not one.
  bool AppendText(const SqlType& type, std::string_view text, ColumnBuffer* out) {
    if (type.is_string()) {
      out->AppendBytes(text);
      return true;
    }
    if (type.is_binary()) {
      const auto bytes = arrow::util::base64_decode(text);
      if (!bytes.ok()) return false;
      out->AppendBytes(*bytes);
      return true;
    }
    if (type.kind() == TypeKind::kArray || type.kind() == TypeKind::kRow) {
      const bool row = type.kind() == TypeKind::kRow;
      const auto& fields = type.fields();
      const auto& delimiter = options_.array_delimiter;
      for (size_t i = 0;; ++i) {
        if (row && i == fields.size()) return false;
        const size_t end = text.find(delimiter);
        const size_t place = row ? i : 0;
        if (!AppendElement(fields[place].type, text.substr(0, end),
                           &out->child(static_cast<int>(place)))) {
          return false;
        }
        if (end == std::string_view::npos) {
          if (row && i + 1 != fields.size()) return false;
          break;
        }
        text.remove_prefix(end + delimiter.size());
      }
      row ? out->AppendRow() : out->AppendList();
      return true;
    }
    bool ok = false;
    WithParser(type, [&](auto parse) {
      typename Value<decltype(&decltype(parse)::operator())>::Type value;
      ok = parse(Trim(text), &value);
      if (ok) out->Append(value);
    });
    return ok;
  }

  bool AppendElement(const SqlType& type, std::string_view text, ColumnBuffer* out) {
    const bool null = (text.empty() && !type.is_string()) ||
                      (options_.has_null_literal && text == options_.null_literal);
    if (!null) return AppendText(type, text, out);
    if (!type.nullable()) return false;
    out->AppendNull();
    return true;
  }

  const CsvColumn& column_;
  const CsvOptions& options_;
  std::string_view text_;
  const CsvRecords& records_;
  int width_;
  std::vector<FieldError>* errors_;
  std::string scratch_;
};

bool IsScalar(const SqlType& type) { return !type.is_nested() && !type.is_null(); }

}  // namespace

Status CheckCsvType(const std::string& column, const SqlType& type) {
  bool fits = IsScalar(type);
  if (type.kind() == TypeKind::kArray || type.kind() == TypeKind::kRow) {
    fits = true;
    for (const auto& field : type.fields()) fits = fits && IsScalar(field.type);
  }
  if (fits) return Status::OK();
  return Error::User("column `" + column + "`: the format 'csv' has no form of " + type.ToString())
      .Hint("an ARRAY or ROW of scalar values is the deepest it holds; use 'json' for more");
}

void AppendCsvColumn(const CsvColumn& column, const CsvOptions& options, std::string_view text,
                     const CsvRecords& records, int width, ColumnBuffer* out,
                     std::vector<FieldError>* errors) {
  Converter(column, options, text, records, width, errors).Run(out);
}

}  // namespace millrace
