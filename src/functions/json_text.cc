#include "functions/json_text.h"

#include <cmath>
#include <cstring>
#include <string>

#include <arrow/array.h>
#include <arrow/util/base64.h>
#include <nlohmann/json.hpp>

#include "types/value_text.h"

namespace millrace::functions {
namespace {

using Json = nlohmann::ordered_json;

template <class Array>
auto ValueOf(const arrow::Array& values, int64_t row) {
  return static_cast<const Array&>(values).Value(row);
}

/// JSON has no NaN and no infinity.
Json NumberOf(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string TimeText(const SqlType& type, const arrow::Array& values, int64_t row) {
  std::string text;
  switch (type.kind()) {
    case TypeKind::kDate:
      FormatDate(ValueOf<arrow::Date32Array>(values, row), &text);
      break;
    case TypeKind::kTime:
      FormatTime(ValueOf<arrow::Time32Array>(values, row), type.precision(), &text);
      break;
    default:
      FormatTimestamp(ValueOf<arrow::TimestampArray>(values, row), type.precision(), 'T', &text);
      if (type.kind() == TypeKind::kTimestampLtz) text += 'Z';
  }
  return text;
}

std::string KeyText(const Json& key) {
  return key.is_string() ? key.get<std::string>() : key.dump();
}

}  // namespace

Json JsonOf(const SqlType& type, const arrow::Array& values, int64_t row) {
  if (values.IsNull(row)) return nullptr;
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return ValueOf<arrow::BooleanArray>(values, row);
    case TypeKind::kTinyInt:
      return ValueOf<arrow::Int8Array>(values, row);
    case TypeKind::kSmallInt:
      return ValueOf<arrow::Int16Array>(values, row);
    case TypeKind::kInt:
      return ValueOf<arrow::Int32Array>(values, row);
    case TypeKind::kBigInt:
      return ValueOf<arrow::Int64Array>(values, row);
    case TypeKind::kFloat:
      return NumberOf(ValueOf<arrow::FloatArray>(values, row));
    case TypeKind::kDouble:
      return NumberOf(ValueOf<arrow::DoubleArray>(values, row));
    case TypeKind::kDecimal: {
      __int128 digits = 0;
      std::memcpy(&digits, static_cast<const arrow::Decimal128Array&>(values).Value(row),
                  sizeof(digits));
      std::string text;
      FormatDecimal(digits, type.scale(), &text);
      return Json::parse(text);
    }
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      return std::string(static_cast<const arrow::StringArray&>(values).GetView(row));
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return arrow::util::base64_encode(
          static_cast<const arrow::BinaryArray&>(values).GetView(row));
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return TimeText(type, values, row);
    case TypeKind::kArray: {
      const auto& list = static_cast<const arrow::ListArray&>(values);
      Json array = Json::array();
      for (int32_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i)
        array.push_back(JsonOf(type.element(), *list.values(), i));
      return array;
    }
    case TypeKind::kMap: {
      const auto& map = static_cast<const arrow::MapArray&>(values);
      Json object = Json::object();
      for (int32_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i)
        object[KeyText(JsonOf(type.key(), *map.keys(), i))] = JsonOf(type.value(), *map.items(), i);
      return object;
    }
    case TypeKind::kRow: {
      const auto& rows = static_cast<const arrow::StructArray&>(values);
      Json object = Json::object();
      for (int i = 0; i < rows.num_fields(); ++i) {
        const SqlField& field = type.fields()[static_cast<size_t>(i)];
        object[field.name] = JsonOf(field.type, *rows.field(i), row);
      }
      return object;
    }
    default:
      return nullptr;
  }
}

}  // namespace millrace::functions
