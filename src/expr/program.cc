#include "expr/program.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/util/bit_util.h>

#include "expr/block_columns.h"

namespace millrace::expr {
namespace {

Result<std::shared_ptr<arrow::Array>> Expanded(const ColumnValue& value, int64_t rows) {
  if (!value.constant) return value.array;
  ARROW_ASSIGN_OR_RAISE(auto scalar, value.array->GetScalar(0));
  return arrow::MakeArrayFromScalar(*scalar, rows);
}

/// The validity of the rows `indices`; null where all are valid.
Result<std::shared_ptr<arrow::Buffer>> TakeValidity(const arrow::Array& array,
                                                    std::span<const int32_t> indices,
                                                    int64_t* nulls) {
  *nulls = 0;
  if (array.null_count() == 0) return nullptr;
  const uint8_t* bits = array.null_bitmap_data();
  for (const int32_t row : indices) {
    *nulls += arrow::bit_util::GetBit(bits, array.offset() + row) ? 0 : 1;
  }
  if (*nulls == 0) return nullptr;
  const auto count = static_cast<int64_t>(indices.size());
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> taken, arrow::AllocateEmptyBitmap(count));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = array.offset() + indices[static_cast<size_t>(i)];
    arrow::bit_util::SetBitTo(taken->mutable_data(), i, arrow::bit_util::GetBit(bits, row));
  }
  return taken;
}

template <class T>
Result<std::shared_ptr<arrow::Buffer>> TakeValues(const arrow::Array& array,
                                                  std::span<const int32_t> indices) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(static_cast<int64_t>(indices.size() * sizeof(T))));
  const T* from = array.data()->GetValues<T>(1);
  T* to = reinterpret_cast<T*>(buffer->mutable_data());
  for (const int32_t row : indices) *to++ = from[row];
  return buffer;
}

/// Offsets and bytes of strings. Rows that follow each other are copied at once.
Result<std::vector<std::shared_ptr<arrow::Buffer>>> TakeTexts(const arrow::BinaryArray& array,
                                                              std::span<const int32_t> indices) {
  const size_t count = indices.size();
  const int32_t* ends = array.raw_value_offsets() + 1;
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> offsets,
                        arrow::AllocateBuffer(static_cast<int64_t>((count + 1) * sizeof(int32_t))));
  auto* to = reinterpret_cast<int32_t*>(offsets->mutable_data());
  *to = 0;
  for (size_t i = 0; i < count; ++i) {
    to[i + 1] = to[i] + (ends[indices[i]] - ends[indices[i] - 1]);
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes, arrow::AllocateBuffer(to[count]));
  for (size_t first = 0, next; first < count; first = next) {
    next = first + 1;
    while (next < count && indices[next] == indices[next - 1] + 1) ++next;
    const auto size = static_cast<size_t>(to[next] - to[first]);
    if (size == 0) continue;
    std::memcpy(bytes->mutable_data() + to[first], array.raw_data() + ends[indices[first] - 1],
                size);
  }
  return std::vector{std::move(offsets), std::move(bytes)};
}

/// The rows of a selection: each at most once, in order.
Result<std::shared_ptr<arrow::Array>> TakeRows(const arrow::Array& array,
                                               const std::shared_ptr<arrow::Int32Array>& rows) {
  const std::span indices(rows->raw_values(), static_cast<size_t>(rows->length()));
  std::vector<std::shared_ptr<arrow::Buffer>> buffers(1);
  if (arrow::is_base_binary_like(array.type_id()) &&
      !arrow::is_large_binary_like(array.type_id())) {
    ARROW_ASSIGN_OR_RAISE(buffers,
                          TakeTexts(static_cast<const arrow::BinaryArray&>(array), indices));
    buffers.insert(buffers.begin(), nullptr);
  } else if (arrow::is_primitive(array.type_id()) && array.type_id() != arrow::Type::BOOL) {
    const int width = array.type()->byte_width();
    ARROW_ASSIGN_OR_RAISE(buffers.emplace_back(),
                          width == 1   ? TakeValues<uint8_t>(array, indices)
                          : width == 2 ? TakeValues<uint16_t>(array, indices)
                          : width == 4 ? TakeValues<uint32_t>(array, indices)
                                       : TakeValues<uint64_t>(array, indices));
  } else {
    ARROW_ASSIGN_OR_RAISE(auto taken,
                          arrow::compute::Take(arrow::Datum(array.data()), arrow::Datum(rows),
                                               arrow::compute::TakeOptions::NoBoundsCheck()));
    return taken.make_array();
  }
  int64_t nulls = 0;
  ARROW_ASSIGN_OR_RAISE(buffers[0], TakeValidity(array, indices, &nulls));
  return arrow::MakeArray(
      arrow::ArrayData::Make(array.type(), rows->length(), std::move(buffers), nulls));
}

}  // namespace

/// One evaluation of a program.
class Program::Runner {
 public:
  Runner(const Program& program, const EvalContext& context)
      : program_(program), context_(context), errors_(0), values_(program.nodes_.size()) {}

  Result<Output> Run(const arrow::RecordBatch& input, std::vector<RowError>* errors);

 private:
  using Mask = std::vector<uint8_t>;

  const Node& node(int id) const { return program_.nodes_[static_cast<size_t>(id)]; }
  Result<ColumnValue> Value(int id) const;
  Status RunRegion(int region, const uint8_t* active);
  Status RunBlock(const Block& block);
  Status RunControl(const Node& node, const uint8_t* active, ColumnValue* result);
  Result<ColumnValue> Junction(const Node& node, const uint8_t* active);
  Result<ColumnValue> Choose(const Node& node, const uint8_t* active);
  Result<ColumnValue> Merge(const Node& node, const std::vector<int32_t>& choice);
  Result<std::shared_ptr<arrow::Int32Array>> Selection();
  Status Compact(const std::shared_ptr<arrow::Int32Array>& selection);

  const Program& program_;
  const EvalContext& context_;
  RowErrors errors_;
  int64_t rows_ = 0;
  std::vector<std::shared_ptr<arrow::Array>> columns_;
  std::vector<ColumnValue> values_;
};

Result<ColumnValue> Program::Runner::Value(int id) const {
  const Node& n = node(id);
  if (n.kind == Node::Kind::kLiteral) return n.literal;
  const ColumnValue& value = values_[static_cast<size_t>(id)];
  if (value.array != nullptr) return value;
  if (n.kind == Node::Kind::kColumn) return ColumnValue{columns_[static_cast<size_t>(n.column)]};
  return Error::Internal("an expression was used before it was evaluated").At(n.position);
}

Status Program::Runner::RunRegion(int region, const uint8_t* active) {
  for (const Step& step : program_.regions_[static_cast<size_t>(region)].steps) {
    if (step.block >= 0) {
      ARROW_RETURN_NOT_OK(RunBlock(program_.blocks_[static_cast<size_t>(step.block)]));
      continue;
    }
    const Node& n = node(step.node);
    ColumnValue& result = values_[static_cast<size_t>(step.node)];
    if (n.kind == Node::Kind::kControl) {
      ARROW_RETURN_NOT_OK(RunControl(n, active, &result));
      continue;
    }
    std::vector<ColumnValue> arguments;
    arguments.reserve(n.arguments.size());
    for (const int argument : n.arguments) {
      ARROW_ASSIGN_OR_RAISE(arguments.emplace_back(), Value(argument));
    }
    errors_.SetActive(active);
    errors_.SetPosition(n.position);
    ARROW_ASSIGN_OR_RAISE(result, n.kernel(arguments, rows_, context_, errors_));
  }
  return Status::OK();
}

Status Program::Runner::RunBlock(const Block& block) {
  arrow::ArrayVector inputs;
  inputs.reserve(block.inputs.size());
  for (const int id : block.inputs) {
    ARROW_ASSIGN_OR_RAISE(const ColumnValue value, Value(id));
    ARROW_ASSIGN_OR_RAISE(inputs.emplace_back(), Expanded(value, rows_));
  }
  ARROW_ASSIGN_OR_RAISE(auto outputs, RunOnColumns(block.program, inputs, block.types, rows_));
  for (size_t o = 0; o < outputs.size(); ++o) {
    values_[static_cast<size_t>(block.outputs[o])].array = std::move(outputs[o]);
  }
  return Status::OK();
}

Status Program::Runner::RunControl(const Node& n, const uint8_t* active, ColumnValue* result) {
  const bool junction = n.control == Control::kAnd || n.control == Control::kOr;
  ARROW_ASSIGN_OR_RAISE(*result, junction ? Junction(n, active) : Choose(n, active));
  return Status::OK();
}

Result<ColumnValue> Program::Runner::Junction(const Node& n, const uint8_t* active) {
  const bool deciding = n.control == Control::kOr;
  const auto count = static_cast<size_t>(rows_);
  Mask undecided(count, 1);
  if (active != nullptr) std::copy_n(active, count, undecided.begin());
  Mask decided(count, 0), unknown(count, 0);
  for (size_t i = 0; i < n.arguments.size(); ++i) {
    if (std::ranges::none_of(undecided, [](uint8_t row) { return row != 0; })) break;
    ARROW_RETURN_NOT_OK(RunRegion(n.regions[i], undecided.data()));
    ARROW_ASSIGN_OR_RAISE(const ColumnValue value, Value(n.arguments[i]));
    ARROW_ASSIGN_OR_RAISE(const auto array, Expanded(value, rows_));
    const bool typed = array->type_id() == arrow::Type::BOOL;
    for (size_t row = 0; row < count; ++row) {
      if (undecided[row] == 0) continue;
      const auto at = static_cast<int64_t>(row);
      if (!typed || array->IsNull(at)) {
        unknown[row] = 1;
      } else if (static_cast<const arrow::BooleanArray&>(*array).Value(at) == deciding) {
        decided[row] = 1;
        undecided[row] = 0;
      }
    }
  }
  arrow::BooleanBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(rows_));
  for (size_t row = 0; row < count; ++row) {
    const bool failed = errors_.HasError(static_cast<int64_t>(row));
    if (failed || (decided[row] == 0 && unknown[row] != 0)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(decided[row] != 0 ? deciding : !deciding);
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
  return ColumnValue{array};
}

Result<ColumnValue> Program::Runner::Choose(const Node& n, const uint8_t* active) {
  const auto count = static_cast<size_t>(rows_);
  const bool is_case = n.control == Control::kCase;
  Mask remaining(count, 1);
  if (active != nullptr) std::copy_n(active, count, remaining.begin());
  std::vector<int32_t> choice(count, -1);
  const auto any = [](const Mask& mask) {
    return std::ranges::any_of(mask, [](uint8_t row) { return row != 0; });
  };
  for (size_t i = 0; i < n.arguments.size() && any(remaining); ++i) {
    ARROW_RETURN_NOT_OK(RunRegion(n.regions[i], remaining.data()));
    const bool last = i + 1 == n.arguments.size();
    if (is_case && last) {
      for (size_t row = 0; row < count; ++row) {
        if (remaining[row] != 0) choice[row] = static_cast<int32_t>(i);
      }
      break;
    }
    ARROW_ASSIGN_OR_RAISE(const ColumnValue value, Value(n.arguments[i]));
    ARROW_ASSIGN_OR_RAISE(const auto array, Expanded(value, rows_));
    const bool never = array->type_id() == arrow::Type::NA;
    Mask chosen(count, 0);
    for (size_t row = 0; row < count; ++row) {
      const auto at = static_cast<int64_t>(row);
      if (remaining[row] == 0 || never || array->IsNull(at)) continue;
      chosen[row] = is_case ? static_cast<const arrow::BooleanArray&>(*array).Value(at) : 1;
    }
    const size_t branch = is_case ? i + 1 : i;
    for (size_t row = 0; row < count; ++row) {
      if (chosen[row] == 0) continue;
      choice[row] = static_cast<int32_t>(branch);
      remaining[row] = 0;
    }
    if (!is_case) continue;
    if (any(chosen)) ARROW_RETURN_NOT_OK(RunRegion(n.regions[branch], chosen.data()));
    ++i;
  }
  return Merge(n, choice);
}

Result<ColumnValue> Program::Runner::Merge(const Node& n, const std::vector<int32_t>& choice) {
  const auto type = n.type.ToArrow();
  std::vector<bool> used(n.arguments.size(), false);
  for (const int32_t branch : choice) {
    if (branch >= 0) used[static_cast<size_t>(branch)] = true;
  }
  // One array of all branches' values, of which each row takes its own.
  arrow::ArrayVector pieces;
  std::vector<int64_t> first(n.arguments.size(), -1);
  std::vector<int64_t> stride(n.arguments.size(), 0);
  int64_t length = 0;
  for (size_t i = 0; i < n.arguments.size(); ++i) {
    if (!used[i] || node(n.arguments[i]).type.is_null()) continue;
    ARROW_ASSIGN_OR_RAISE(const ColumnValue value, Value(n.arguments[i]));
    first[i] = length;
    stride[i] = value.constant ? 0 : 1;
    length += value.array->length();
    // Nested types may differ in their fields' names.
    ARROW_ASSIGN_OR_RAISE(pieces.emplace_back(), value.array->View(type));
  }
  if (pieces.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto nulls, arrow::MakeArrayOfNull(type, 1));
    return ColumnValue{nulls, true};
  }
  arrow::Int32Builder indices;
  ARROW_RETURN_NOT_OK(indices.Reserve(rows_));
  for (size_t row = 0; row < choice.size(); ++row) {
    const int64_t from = choice[row] < 0 ? -1 : first[static_cast<size_t>(choice[row])];
    if (from < 0) {
      indices.UnsafeAppendNull();
    } else {
      indices.UnsafeAppend(static_cast<int32_t>(
          from + static_cast<int64_t>(row) * stride[static_cast<size_t>(choice[row])]));
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto all, arrow::Concatenate(pieces));
  ARROW_ASSIGN_OR_RAISE(auto index, indices.Finish());
  ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(*all, *index));
  return ColumnValue{taken};
}

Result<std::shared_ptr<arrow::Int32Array>> Program::Runner::Selection() {
  ARROW_ASSIGN_OR_RAISE(const ColumnValue condition, Value(program_.condition_));
  ARROW_ASSIGN_OR_RAISE(const auto array, Expanded(condition, rows_));
  const bool never = array->type_id() != arrow::Type::BOOL;
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(rows_ * static_cast<int64_t>(sizeof(int32_t))));
  auto* indices = reinterpret_cast<int32_t*>(buffer->mutable_data());
  int64_t count = 0;
  if (!never) {
    const auto& pass = static_cast<const arrow::BooleanArray&>(*array);
    const uint8_t* bits = pass.values()->data();
    const bool plain = pass.null_count() == 0 && errors_.empty();
    for (int64_t row = 0; row < rows_; ++row) {
      indices[count] = static_cast<int32_t>(row);
      const bool passes = arrow::bit_util::GetBit(bits, pass.offset() + row) &&
                          (plain || (pass.IsValid(row) && !errors_.HasError(row)));
      count += passes ? 1 : 0;
    }
  }
  if (count == rows_) return nullptr;
  return std::make_shared<arrow::Int32Array>(count, std::move(buffer));
}

Status Program::Runner::Compact(const std::shared_ptr<arrow::Int32Array>& selection) {
  for (const int id : program_.carried_) {
    ColumnValue& value = values_[static_cast<size_t>(id)];
    if (value.array == nullptr || value.constant) continue;
    ARROW_ASSIGN_OR_RAISE(value.array, TakeRows(*value.array, selection));
  }
  for (const int column : program_.projected_columns_) {
    auto& array = columns_[static_cast<size_t>(column)];
    ARROW_ASSIGN_OR_RAISE(array, TakeRows(*array, selection));
  }
  return Status::OK();
}

Result<Program::Output> Program::Runner::Run(const arrow::RecordBatch& input,
                                             std::vector<RowError>* errors) {
  rows_ = input.num_rows();
  columns_ = input.columns();
  errors_.Clear(rows_);
  ARROW_RETURN_NOT_OK(RunRegion(0, nullptr));
  Output output;
  if (program_.condition_ >= 0) {
    ARROW_ASSIGN_OR_RAISE(output.selection, Selection());
    errors->insert(errors->end(), errors_.errors().begin(), errors_.errors().end());
    if (output.selection != nullptr) {
      rows_ = output.selection->length();
      if (rows_ > 0) ARROW_RETURN_NOT_OK(Compact(output.selection));
    }
    errors_.Clear(rows_);
    if (rows_ == 0) return output;
    ARROW_RETURN_NOT_OK(RunRegion(program_.projected_region_, nullptr));
  }
  output.rows = rows_;
  for (const RowError& error : errors_.errors()) {
    errors->push_back(error);
    if (output.selection != nullptr) errors->back().row = output.selection->Value(error.row);
  }
  for (const int id : program_.outputs_) {
    ARROW_ASSIGN_OR_RAISE(output.columns.emplace_back(), Value(id));
  }
  return output;
}

Result<Program::Output> Program::Run(const arrow::RecordBatch& rows, const EvalContext& context,
                                     std::vector<RowError>* errors) const {
  return Runner(*this, context).Run(rows, errors);
}

}  // namespace millrace::expr
