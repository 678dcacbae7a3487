#include "types/array_text.h"

#include <arrow/array.h>

#include "types/value_text.h"

namespace millrace {

bool AppendPlainText(const SqlType& type, const arrow::Array& column, int64_t row,
                     std::string* out) {
  switch (type.kind()) {
    case TypeKind::kBoolean:
      *out += static_cast<const arrow::BooleanArray&>(column).Value(row) ? "true" : "false";
      return true;
    case TypeKind::kTinyInt:
      FormatInteger(static_cast<const arrow::Int8Array&>(column).Value(row), out);
      return true;
    case TypeKind::kSmallInt:
      FormatInteger(static_cast<const arrow::Int16Array&>(column).Value(row), out);
      return true;
    case TypeKind::kInt:
      FormatInteger(static_cast<const arrow::Int32Array&>(column).Value(row), out);
      return true;
    case TypeKind::kBigInt:
      FormatInteger(static_cast<const arrow::Int64Array&>(column).Value(row), out);
      return true;
    case TypeKind::kFloat:
      FormatFloat(static_cast<const arrow::FloatArray&>(column).Value(row), out);
      return true;
    case TypeKind::kDouble:
      FormatDouble(static_cast<const arrow::DoubleArray&>(column).Value(row), out);
      return true;
    case TypeKind::kDecimal:
      *out += static_cast<const arrow::Decimal128Array&>(column).FormatValue(row);
      return true;
    case TypeKind::kDate:
      FormatDate(static_cast<const arrow::Date32Array&>(column).Value(row), out);
      return true;
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      *out += static_cast<const arrow::BinaryArray&>(column).GetView(row);
      return true;
    default:
      return false;
  }
}

}  // namespace millrace
