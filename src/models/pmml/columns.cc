#include "models/pmml/columns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type.h>

#include "models/pmml/field_treatment.h"

namespace millrace::pmml {
namespace {

template <class ArrayType>
void FillNumbers(const arrow::Array& array, int64_t first, int rows, double* out) {
  const auto& values = static_cast<const ArrayType&>(array);
  if (values.null_count() == 0) {
    for (int i = 0; i < rows; ++i) out[i] = static_cast<double>(values.Value(first + i));
  } else {
    for (int i = 0; i < rows; ++i)
      out[i] = values.IsNull(first + i) ? kMissing : static_cast<double>(values.Value(first + i));
  }
}

void FillText(const arrow::StringArray& values, int64_t first, int rows, DataType type,
              Strings& strings, double* out) {
  for (int i = 0; i < rows; ++i) {
    if (values.IsNull(first + i)) {
      out[i] = kMissing;
    } else if (const std::string_view text = values.GetView(first + i); type == DataType::kString) {
      out[i] = strings.Code(text);
    } else if (!ParseValue(text, type, &out[i])) {
      out[i] = text.empty() ? kMissing : InvalidValue();
    }
  }
}

/// Numbers as values of the field's type.
void Settle(DataType from, DataType to, int rows, Strings& strings, double* out) {
  if (to == DataType::kFloat) {
    for (int i = 0; i < rows; ++i) out[i] = static_cast<float>(out[i]);
  } else if (to == DataType::kInteger && from != DataType::kInteger) {
    for (int i = 0; i < rows; ++i) {
      if (!IsMissing(out[i]) && out[i] != std::floor(out[i])) out[i] = InvalidValue();
    }
  } else if (to == DataType::kBoolean && from != DataType::kBoolean) {
    for (int i = 0; i < rows; ++i) {
      if (!IsMissing(out[i]) && out[i] != 0 && out[i] != 1) out[i] = InvalidValue();
    }
  } else if (to == DataType::kString) {
    for (int i = 0; i < rows; ++i) out[i] = Convert(out[i], from, to, strings);
  }
}

/// Writes `T`s from doubles.
template <class Builder>
class NumberColumn final : public OutputColumn {
 public:
  NumberColumn(const Field& field, int64_t rows) : field_(field), rows_(rows) {}

  Status Append(Frame& frame, const uint8_t* failed) override {
    if (builder_.capacity() == 0) ARROW_RETURN_NOT_OK(builder_.Reserve(rows_));
    const double* in = frame.Read(field_.slot);
    Strings& strings = frame.strings();
    for (int i = 0; i < frame.rows(); ++i) {
      const double value = field_.type == DataType::kString
                               ? Convert(in[i], DataType::kString, DataType::kDouble, strings)
                               : in[i];
      if (!Fits(value) || (failed != nullptr && failed[i] != 0))
        builder_.UnsafeAppendNull();
      else
        builder_.UnsafeAppend(static_cast<typename Builder::value_type>(value));
    }
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Finish() override { return builder_.Finish(); }

 private:
  /// Not a missing value, nor one that the type cannot hold.
  static bool Fits(double value) {
    using T = typename Builder::value_type;
    if constexpr (std::is_floating_point_v<T>) return !IsMissing(value);
    return value >= static_cast<double>(std::numeric_limits<T>::min()) &&
           value < static_cast<double>(std::numeric_limits<T>::max());
  }

  Field field_;
  int64_t rows_;
  Builder builder_;
};

class BooleanColumn final : public OutputColumn {
 public:
  explicit BooleanColumn(const Field& field) : field_(field) {}

  Status Append(Frame& frame, const uint8_t* failed) override {
    const double* in = frame.Read(field_.slot);
    for (int i = 0; i < frame.rows(); ++i) {
      if (IsMissing(in[i]) || (failed != nullptr && failed[i] != 0))
        ARROW_RETURN_NOT_OK(builder_.AppendNull());
      else
        ARROW_RETURN_NOT_OK(builder_.Append(in[i] != 0));
    }
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Finish() override { return builder_.Finish(); }

 private:
  Field field_;
  arrow::BooleanBuilder builder_;
};

/// The values that a row has of a field of many, as an array.
class ListColumn final : public OutputColumn {
 public:
  ListColumn(const Field& field, const SqlType& element, int64_t rows)
      : field_(field), present_(field.items.size()) {
    for (const Item& item : field.items) {
      Field one = field;
      one.items.clear();
      one.slot = item.value;
      values_.push_back(Make(one, element, rows));
    }
  }

  Status Append(Frame& frame, const uint8_t* failed) override {
    for (size_t k = 0; k < values_.size(); ++k) {
      ARROW_RETURN_NOT_OK(values_[k]->Append(frame, failed));
      const double* present = frame.Read(field_.items[k].present);
      for (int i = 0; i < frame.rows(); ++i) present_[k].push_back(present[i] != 0);
    }
    for (int i = 0; i < frame.rows(); ++i) failed_.push_back(failed != nullptr && failed[i] != 0);
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::Array>> Finish() override {
    const auto rows = static_cast<int64_t>(failed_.size());
    arrow::ArrayVector arrays;
    for (const auto& values : values_) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), values->Finish());
    }
    arrow::Int64Builder places;
    arrow::Int32Builder offsets;
    for (int64_t row = 0; row < rows; ++row) {
      if (failed_[static_cast<size_t>(row)]) {
        ARROW_RETURN_NOT_OK(offsets.AppendNull());
        continue;
      }
      ARROW_RETURN_NOT_OK(offsets.Append(static_cast<int32_t>(places.length())));
      for (size_t k = 0; k < arrays.size(); ++k) {
        if (present_[k][static_cast<size_t>(row)])
          ARROW_RETURN_NOT_OK(places.Append(static_cast<int64_t>(k) * rows + row));
      }
    }
    ARROW_RETURN_NOT_OK(offsets.Append(static_cast<int32_t>(places.length())));
    ARROW_ASSIGN_OR_RAISE(const auto all, arrow::Concatenate(arrays));
    ARROW_ASSIGN_OR_RAISE(const auto chosen, places.Finish());
    ARROW_ASSIGN_OR_RAISE(const auto elements, arrow::compute::Take(*all, *chosen));
    ARROW_ASSIGN_OR_RAISE(const auto starts, offsets.Finish());
    return arrow::ListArray::FromArrays(*starts, *elements);
  }

 private:
  Field field_;
  std::vector<std::unique_ptr<OutputColumn>> values_;
  std::vector<std::vector<bool>> present_;  ///< by item, then row
  std::vector<bool> failed_;                ///< by row
};

class TextColumn final : public OutputColumn {
 public:
  explicit TextColumn(const Field& field) : field_(field) {}

  Status Append(Frame& frame, const uint8_t* failed) override {
    const double* in = frame.Read(field_.slot);
    for (int i = 0; i < frame.rows(); ++i) {
      if (IsMissing(in[i]) || (failed != nullptr && failed[i] != 0))
        ARROW_RETURN_NOT_OK(builder_.AppendNull());
      else if (field_.type == DataType::kString)
        ARROW_RETURN_NOT_OK(builder_.Append(frame.strings().Text(in[i])));
      else
        ARROW_RETURN_NOT_OK(builder_.Append(TextOf(in[i], field_.type, frame.strings())));
    }
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Finish() override { return builder_.Finish(); }

 private:
  Field field_;
  arrow::StringBuilder builder_;
};

}  // namespace

bool TakesInput(DataType field, const SqlType& type) {
  if (type.is_string()) return true;
  const bool number = type.is_integer() || type.is_approximate();
  if (field == DataType::kBoolean || field == DataType::kString)
    return number || type.kind() == TypeKind::kBoolean;
  return number && IsNumber(field);
}

bool GivesOutput(const Field& field, const StringPool& strings, const SqlType& type) {
  if (!field.items.empty()) {
    if (type.kind() != TypeKind::kArray) return false;
    Field one = field;
    one.items.clear();
    return GivesOutput(one, strings, type.element());
  }
  if (type.is_string()) return true;
  if (type.kind() == TypeKind::kBoolean) return field.type == DataType::kBoolean;
  if (type.is_approximate() && IsNumber(field.type)) return true;
  if (type.is_integer() && field.type == DataType::kInteger) return true;
  if (!(type.is_approximate() || type.is_integer()) || field.type != DataType::kString)
    return false;
  return !field.values.empty() &&
         std::all_of(field.values.begin(), field.values.end(), [&](double value) {
           double number;
           return ParseValue(strings.Text(static_cast<int>(value)),
                             type.is_integer() ? DataType::kInteger : DataType::kDouble, &number);
         });
}

void FillInput(const arrow::Array& array, int64_t first, int rows, const Field& field,
               Frame& frame) {
  if (array.type_id() == arrow::Type::DOUBLE && array.null_count() == 0 &&
      field.type == DataType::kDouble) {
    return frame.Bind(field.slot,
                      static_cast<const arrow::DoubleArray&>(array).raw_values() + first);
  }
  double* out = frame.Write(field.slot);
  DataType from = DataType::kInteger;
  switch (array.type_id()) {
    case arrow::Type::STRING:
      return FillText(static_cast<const arrow::StringArray&>(array), first, rows, field.type,
                      frame.strings(), out);
    case arrow::Type::DOUBLE:
      from = DataType::kDouble;
      FillNumbers<arrow::DoubleArray>(array, first, rows, out);
      break;
    case arrow::Type::FLOAT:
      from = DataType::kFloat;
      FillNumbers<arrow::FloatArray>(array, first, rows, out);
      break;
    case arrow::Type::INT8:
      FillNumbers<arrow::Int8Array>(array, first, rows, out);
      break;
    case arrow::Type::INT16:
      FillNumbers<arrow::Int16Array>(array, first, rows, out);
      break;
    case arrow::Type::INT32:
      FillNumbers<arrow::Int32Array>(array, first, rows, out);
      break;
    case arrow::Type::INT64:
      FillNumbers<arrow::Int64Array>(array, first, rows, out);
      break;
    default:  // BOOLEAN: `TakesInput` lets nothing else pass
      from = DataType::kBoolean;
      FillNumbers<arrow::BooleanArray>(array, first, rows, out);
      break;
  }
  Settle(from, field.type, rows, frame.strings(), out);
}

std::unique_ptr<OutputColumn> OutputColumn::Make(const Field& field, const SqlType& type,
                                                 int64_t rows) {
  switch (type.kind()) {
    case TypeKind::kArray:
      return std::make_unique<ListColumn>(field, type.element(), rows);
    case TypeKind::kTinyInt:
      return std::make_unique<NumberColumn<arrow::Int8Builder>>(field, rows);
    case TypeKind::kSmallInt:
      return std::make_unique<NumberColumn<arrow::Int16Builder>>(field, rows);
    case TypeKind::kInt:
      return std::make_unique<NumberColumn<arrow::Int32Builder>>(field, rows);
    case TypeKind::kBigInt:
      return std::make_unique<NumberColumn<arrow::Int64Builder>>(field, rows);
    case TypeKind::kFloat:
      return std::make_unique<NumberColumn<arrow::FloatBuilder>>(field, rows);
    case TypeKind::kDouble:
      return std::make_unique<NumberColumn<arrow::DoubleBuilder>>(field, rows);
    case TypeKind::kBoolean:
      return std::make_unique<BooleanColumn>(field);
    default:
      return std::make_unique<TextColumn>(field);
  }
}

}  // namespace millrace::pmml
