#include "models/model_columns.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>

namespace millrace {
namespace {

bool IsList(const arrow::Array& array) { return array.type_id() == arrow::Type::LIST; }

/// Appends the lengths of the value at `row`, level by level. Returns why it is no tensor, or null.
const char* ShapeOf(const arrow::Array& array, int64_t row, Datatype datatype,
                    std::vector<int64_t>* shape) {
  if (!IsList(array)) return CheckElements(array, row, row + 1, datatype);
  if (array.IsNull(row)) return "is NULL";
  const auto& list = static_cast<const arrow::ListArray&>(array);
  const int64_t begin = list.value_offset(row), end = begin + list.value_length(row);
  shape->push_back(end - begin);
  const arrow::Array& elements = *list.values();
  if (!IsList(elements)) {
    return CheckElements(elements, begin, end, datatype) == nullptr
               ? nullptr
               : "has an element that is NULL or out of range";
  }
  std::vector<int64_t> first;
  for (int64_t i = begin; i < end; ++i) {
    std::vector<int64_t> inner;
    if (const char* fault = ShapeOf(elements, i, datatype, &inner)) return fault;
    if (i == begin)
      first = std::move(inner);
    else if (inner != first)
      return "is ragged: its inner arrays differ in length";
  }
  shape->insert(shape->end(), first.begin(), first.end());
  return nullptr;
}

/// Whether a value of `shape` fits what the model declares; scalars have an empty shape.
bool Fits(const std::vector<int64_t>& shape, const std::vector<int64_t>& declared) {
  if (shape.empty()) return true;
  if (shape.size() != declared.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (declared[i] >= 0 && declared[i] != shape[i]) return false;
  }
  return true;
}

template <class T>
void Interleave(const std::vector<Tensor>& columns, int64_t rows, T* out) {
  constexpr int64_t kBlock = 256;  // rows whose elements of all columns stay in the nearest cache
  const size_t width = columns.size();
  for (int64_t from = 0; from < rows; from += kBlock) {
    const int64_t to = std::min(rows, from + kBlock);
    for (size_t c = 0; c < width; ++c) {
      const T* values = reinterpret_cast<const T*>(columns[c].data->data());
      T* at = out + static_cast<size_t>(from) * width + c;
      for (int64_t row = from; row < to; ++row, at += width) *at = values[row];
    }
  }
}

Result<std::shared_ptr<arrow::BinaryArray>> InterleaveBytes(const std::vector<Tensor>& columns,
                                                            int64_t rows) {
  arrow::BinaryBuilder builder;
  for (int64_t row = 0; row < rows; ++row) {
    for (const Tensor& column : columns)
      ARROW_RETURN_NOT_OK(builder.Append(column.bytes->GetView(row)));
  }
  std::shared_ptr<arrow::BinaryArray> out;
  ARROW_RETURN_NOT_OK(builder.Finish(&out));
  return out;
}

Result<Datatype> DatatypeOf(const TensorSpec& tensor) {
  if (const auto datatype = DatatypeNamed(tensor.datatype)) return *datatype;
  return Error::User("the tensor '" + tensor.name + "' has the unknown datatype '" +
                     tensor.datatype + "'");
}

Result<std::shared_ptr<arrow::Array>> WrapList(std::shared_ptr<arrow::Array> values, int64_t length,
                                               int64_t width) {
  arrow::Int32Builder offsets;
  ARROW_RETURN_NOT_OK(offsets.Reserve(length + 1));
  for (int64_t i = 0; i <= length; ++i) offsets.UnsafeAppend(static_cast<int32_t>(i * width));
  ARROW_ASSIGN_OR_RAISE(auto offset_array, offsets.Finish());
  auto type = arrow::list(values->type());
  return std::make_shared<arrow::ListArray>(std::move(type), length,
                                            offset_array->data()->buffers[1], std::move(values));
}

}  // namespace

Result<ModelColumns> ModelColumns::Make(const ModelConfig& model, const ModelSignature& signature) {
  ModelColumns columns;
  columns.signature_ = signature;
  columns.declared_input_ = model.input;
  columns.declared_output_ = model.output;
  columns.arrow_output_ = model.output.ToArrow();
  ARROW_ASSIGN_OR_RAISE(auto inputs,
                        BindColumns(model.name, "INPUT", model.input, signature.inputs));
  columns.inputs_.resize(signature.inputs.size());
  for (TensorColumns& bound : inputs) {
    const TensorSpec& tensor = signature.inputs[static_cast<size_t>(bound.tensor)];
    ARROW_ASSIGN_OR_RAISE(const Datatype datatype, DatatypeOf(tensor));
    for (const int column : bound.columns) {
      if (model.input.column(column).type.is_nested()) columns.plain_ = false;
    }
    if (datatype >= Datatype::kUint8 && datatype <= Datatype::kUint64) columns.plain_ = false;
    columns.inputs_[static_cast<size_t>(bound.tensor)] = {datatype, std::move(bound.columns),
                                                          bound.packed};
  }
  ARROW_ASSIGN_OR_RAISE(const auto outputs,
                        BindColumns(model.name, "OUTPUT", model.output, signature.outputs));
  for (const TensorColumns& bound : outputs) {
    columns.wanted_.push_back(bound.tensor);
    columns.output_columns_.push_back(bound.columns[0]);
  }
  return columns;
}

RowGroups ModelColumns::Group(const arrow::RecordBatch& rows) const {
  RowGroups result;
  bool nulls = false;
  for (const auto& column : rows.columns()) nulls = nulls || column->null_count() > 0;
  if (plain_ && !nulls && (signature_.batched || rows.num_rows() == 1)) {
    result.whole = true;
    return result;
  }
  std::map<std::vector<int64_t>, size_t> group_of_shape;
  std::vector<int64_t> shape, all;
  for (int32_t row = 0; row < rows.num_rows(); ++row) {
    std::string fault;
    all.clear();
    for (size_t i = 0; i < inputs_.size() && fault.empty(); ++i) {
      for (const int column : inputs_[i].columns) {
        shape.clear();
        const char* problem = ShapeOf(*rows.column(column), row, inputs_[i].datatype, &shape);
        const auto& declared = signature_.inputs[i].shape;
        if (problem != nullptr) {
          fault = "column '" + declared_input_.column(column).name + "' " + problem;
        } else if (!Fits(shape, declared)) {
          fault = "column '" + declared_input_.column(column).name + "' has the shape " +
                  ShapeText(shape) + ", the model takes " + ShapeText(declared);
        } else {
          all.insert(all.end(), shape.begin(), shape.end());
          continue;
        }
        break;
      }
    }
    if (!fault.empty()) {
      result.errors.push_back({row, std::move(fault), {}});
    } else if (!signature_.batched) {
      result.groups.push_back({row});
    } else {
      const auto [at, added] = group_of_shape.try_emplace(all, result.groups.size());
      if (added) result.groups.emplace_back();
      result.groups[at->second].push_back(row);
    }
  }
  if (result.groups.size() == 1 &&
      static_cast<int64_t>(result.groups[0].size()) == rows.num_rows()) {
    result.groups.clear();
    result.whole = true;
  }
  return result;
}

Result<Tensor> ModelColumns::ToTensor(const arrow::RecordBatch& rows, size_t input) const {
  const Input& binding = inputs_[input];
  const TensorSpec& spec = signature_.inputs[input];
  const int64_t n = rows.num_rows();
  Tensor tensor;
  tensor.name = spec.name;
  if (signature_.batched) tensor.shape.push_back(n);
  if (!binding.packed) {
    std::shared_ptr<arrow::Array> leaf = rows.column(binding.columns[0]);
    if (!IsList(*leaf)) tensor.shape.resize(tensor.shape.size() + spec.shape.size(), 1);
    while (IsList(*leaf)) {
      const auto& list = static_cast<const arrow::ListArray&>(*leaf);
      tensor.shape.push_back(list.length() == 0 ? 0 : list.value_length(0));
      leaf = list.values()->Slice(list.value_offset(0),
                                  list.value_offset(list.length()) - list.value_offset(0));
    }
    ARROW_RETURN_NOT_OK(ArrayAsElements(*leaf, binding.datatype, &tensor));
    return tensor;
  }
  const auto width = static_cast<int64_t>(binding.columns.size());
  tensor.shape.push_back(width);
  tensor.datatype = binding.datatype;
  std::vector<Tensor> columns(binding.columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    ARROW_RETURN_NOT_OK(
        ArrayAsElements(*rows.column(binding.columns[i]), binding.datatype, &columns[i]));
  }
  if (binding.datatype == Datatype::kBytes) {
    ARROW_ASSIGN_OR_RAISE(tensor.bytes, InterleaveBytes(columns, n));
    return tensor;
  }
  ARROW_ASSIGN_OR_RAISE(tensor.data, arrow::AllocateBuffer(n * width * SizeOf(binding.datatype)));
  void* out = tensor.data->mutable_data();
  switch (SizeOf(binding.datatype)) {
    case 1:
      Interleave(columns, n, static_cast<uint8_t*>(out));
      break;
    case 2:
      Interleave(columns, n, static_cast<uint16_t*>(out));
      break;
    case 4:
      Interleave(columns, n, static_cast<uint32_t*>(out));
      break;
    default:
      Interleave(columns, n, static_cast<uint64_t*>(out));
      break;
  }
  return tensor;
}

Result<std::vector<Tensor>> ModelColumns::ToTensors(const arrow::RecordBatch& rows) const {
  std::vector<Tensor> tensors(inputs_.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(tensors[i], ToTensor(rows, i));
  }
  return tensors;
}

Result<std::shared_ptr<arrow::Array>> ModelColumns::ToColumn(const Tensor& tensor, size_t output,
                                                             int64_t rows) const {
  const TensorSpec& spec = signature_.outputs[static_cast<size_t>(wanted_[output])];
  const SqlField& column = declared_output_.column(output_columns_[output]);
  if (NameOf(tensor.datatype) != spec.datatype) {
    return Error::Data("the output '" + spec.name + "' came as " +
                       std::string(NameOf(tensor.datatype)) + ", the model declares " +
                       spec.datatype);
  }
  std::vector<int64_t> shape = tensor.shape;
  const bool has_rows = !signature_.batched || (!shape.empty() && shape[0] == rows);
  if (signature_.batched && !shape.empty()) shape.erase(shape.begin());
  size_t depth = 0;
  for (const SqlType* type = &column.type; type->kind() == TypeKind::kArray;
       type = &type->element())
    ++depth;
  const int64_t per_row = ElementsOf(shape);
  if (!has_rows || (depth == 0 ? per_row != 1 : shape.size() != depth)) {
    return Error::Data("the output '" + spec.name + "' came with shape " + ShapeText(tensor.shape) +
                       " for " + std::to_string(rows) + (rows == 1 ? " row" : " rows") +
                       "; the column '" + column.name + "' is " + column.type.ToString());
  }
  ARROW_ASSIGN_OR_RAISE(auto values, ElementsAsArray(tensor));
  auto leaf_type = column.type.ToArrow();
  while (leaf_type->id() == arrow::Type::LIST) leaf_type = leaf_type->field(0)->type();
  if (!values->type()->Equals(*leaf_type)) {
    ARROW_ASSIGN_OR_RAISE(values, arrow::compute::Cast(*values, leaf_type));
  }
  for (size_t level = depth; level > 0; --level) {
    int64_t length = signature_.batched ? rows : 1;
    for (size_t i = 0; i + 1 < level; ++i) length *= shape[i];
    ARROW_ASSIGN_OR_RAISE(values, WrapList(std::move(values), length, shape[level - 1]));
  }
  // The field names inside lists are the schema's.
  return depth == 0 ? values : values->View(column.type.ToArrow());
}

Result<std::shared_ptr<arrow::RecordBatch>> ModelColumns::FromTensors(
    std::span<const Tensor> tensors, int64_t rows) const {
  arrow::ArrayVector columns(static_cast<size_t>(declared_output_.size()));
  for (size_t i = 0; i < tensors.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(columns[static_cast<size_t>(output_columns_[i])],
                          ToColumn(tensors[i], i, rows));
  }
  return arrow::RecordBatch::Make(arrow_output_, rows, std::move(columns));
}

Result<std::shared_ptr<arrow::RecordBatch>> NullRows(const std::shared_ptr<arrow::Schema>& schema,
                                                     int64_t rows) {
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::MakeArrayOfNull(field->type(), rows));
  }
  return arrow::RecordBatch::Make(schema, rows, std::move(columns));
}

void OutputAssembler::Add(const RowGroup& group, std::shared_ptr<arrow::RecordBatch> outputs) {
  groups_.push_back(group);
  outputs_.push_back(std::move(outputs));
}

Result<std::shared_ptr<arrow::RecordBatch>> OutputAssembler::Finish(
    const std::shared_ptr<arrow::Schema>& schema) && {
  if (outputs_.empty()) return NullRows(schema, rows_);
  std::vector<int32_t> place(static_cast<size_t>(rows_), -1);
  int32_t next = 0;
  for (const RowGroup& group : groups_) {
    for (const int32_t row : group) place[static_cast<size_t>(row)] = next++;
  }
  arrow::Int32Builder builder;
  for (const int32_t at : place)
    ARROW_RETURN_NOT_OK(at < 0 ? builder.AppendNull() : builder.Append(at));
  ARROW_ASSIGN_OR_RAISE(const auto indices, builder.Finish());
  arrow::ArrayVector result;
  for (int c = 0; c < outputs_[0]->num_columns(); ++c) {
    arrow::ArrayVector parts;
    for (const auto& part : outputs_) parts.push_back(part->column(c));
    ARROW_ASSIGN_OR_RAISE(const auto all, arrow::Concatenate(parts));
    ARROW_ASSIGN_OR_RAISE(result.emplace_back(), arrow::compute::Take(*all, *indices));
  }
  return arrow::RecordBatch::Make(outputs_[0]->schema(), rows_, std::move(result));
}

}  // namespace millrace
