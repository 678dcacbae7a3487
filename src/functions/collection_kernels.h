#pragma once

#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include <arrow/compute/api_vector.h>

#include "expr/row_kernel.h"
#include "functions/declare.h"
#include "spi/services.h"

/// Kernels over arrays and maps: they see whole columns and choose elements by their places.
namespace millrace::functions {

using Bind = std::function<Result<BoundFunction>(Types, Literals)>;
using Columns = std::span<const ColumnValue>;

inline void AddToCollections(Registries& registries, const std::string& name, std::string syntax,
                             std::string doc, FunctionExample example, Bind bind) {
  registries.functions.Add({name,
                            {},
                            FunctionFamily::kCollection,
                            std::move(syntax),
                            std::move(doc),
                            {std::move(example)},
                            true,
                            std::move(bind)});
}

inline Result<std::shared_ptr<arrow::Array>> Full(const ColumnValue& value, int64_t rows) {
  if (!value.constant) return value.array;
  ARROW_ASSIGN_OR_RAISE(auto scalar, value.array->GetScalar(0));
  return arrow::MakeArrayFromScalar(*scalar, rows);
}

/// A kernel over full columns.
template <class F>
ScalarKernel FullKernel(F f) {
  return [f](Columns arguments, int64_t rows, const EvalContext&,
             RowErrors& errors) -> Result<ColumnValue> {
    arrow::ArrayVector columns;
    for (const ColumnValue& argument : arguments) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), Full(argument, rows));
    }
    ARROW_ASSIGN_OR_RAISE(auto result, f(columns, rows, errors));
    return ColumnValue{std::move(result)};
  };
}

inline const arrow::ListArray& List(const std::shared_ptr<arrow::Array>& array) {
  return static_cast<const arrow::ListArray&>(*array);
}

inline Status NeedKind(const std::string& name, size_t index, Types types,
                       std::initializer_list<TypeKind> kinds, const std::string& expected) {
  for (const TypeKind kind : kinds) {
    if (types[index].kind() == kind) return Status::OK();
  }
  return WrongArgument(name, index, "", expected, types[index]);
}

inline bool SameElement(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j) {
  return a.RangeEquals(i, i + 1, j, b);
}

/// The elements `take[i]` of `list`'s values, as lists whose ends are `offsets`.
inline Result<std::shared_ptr<arrow::Array>> Lists(const arrow::ListArray& list,
                                                   const std::vector<int32_t>& take,
                                                   const std::vector<int32_t>& offsets) {
  arrow::Int32Builder indices;
  ARROW_RETURN_NOT_OK(indices.AppendValues(take));
  ARROW_ASSIGN_OR_RAISE(auto index, indices.Finish());
  ARROW_ASSIGN_OR_RAISE(auto values, arrow::compute::Take(*list.values(), *index));
  auto data = list.data()->Copy();
  ARROW_ASSIGN_OR_RAISE(
      std::shared_ptr<arrow::Buffer> buffer,
      arrow::AllocateBuffer(static_cast<int64_t>(offsets.size() * sizeof(int32_t))));
  std::memcpy(buffer->mutable_data(), offsets.data(), offsets.size() * sizeof(int32_t));
  arrow::BooleanBuilder valid;
  for (int64_t row = 0; row < list.length(); ++row)
    ARROW_RETURN_NOT_OK(valid.Append(list.IsValid(row)));
  ARROW_ASSIGN_OR_RAISE(auto validity, valid.Finish());
  return arrow::MakeArray(arrow::ArrayData::Make(
      list.type(), list.length(), {validity->data()->buffers[1], buffer}, {values->data()}));
}

/// A new list per row: `choose(row, first, end, &take)` names the elements.
template <class Choose>
Result<std::shared_ptr<arrow::Array>> ChooseElements(const arrow::ListArray& list, Choose choose) {
  std::vector<int32_t> take, offsets{0};
  for (int64_t row = 0; row < list.length(); ++row) {
    if (list.IsValid(row)) choose(row, list.value_offset(row), list.value_offset(row + 1), &take);
    offsets.push_back(static_cast<int32_t>(take.size()));
  }
  return Lists(list, take, offsets);
}

inline Result<std::shared_ptr<arrow::Array>> TakeOrNull(const arrow::Array& values,
                                                        const std::vector<int32_t>& at) {
  arrow::Int32Builder indices;
  for (const int32_t index : at)
    ARROW_RETURN_NOT_OK(index < 0 ? indices.AppendNull() : indices.Append(index));
  ARROW_ASSIGN_OR_RAISE(auto index, indices.Finish());
  return arrow::compute::Take(values, *index);
}

}  // namespace millrace::functions
