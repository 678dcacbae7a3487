#include "expr/block_columns.h"

#include <arrow/api.h>

namespace millrace::expr {

Result<std::vector<std::shared_ptr<arrow::Array>>> RunOnColumns(
    const BlockProgram& program, std::span<const std::shared_ptr<arrow::Array>> inputs,
    std::span<const std::shared_ptr<arrow::DataType>> types, int64_t rows) {
  std::vector<BlockProgram::Input> raw;
  raw.reserve(inputs.size());
  for (const auto& column : inputs) {
    const arrow::ArrayData& data = *column->data();
    BlockProgram::Input input;
    input.values = data.buffers[1]->data();
    if (data.type->id() == arrow::Type::BOOL) {
      input.bit_offset = data.offset;
    } else {
      input.values += data.offset * data.type->byte_width();
    }
    if (data.GetNullCount() > 0) {
      input.validity = data.buffers[0]->data();
      input.validity_offset = data.offset;
    }
    raw.push_back(input);
  }
  const std::vector<bool> nullable = program.NullableOutputs(raw);
  std::vector<BlockProgram::Output> outputs(types.size());
  std::vector<std::shared_ptr<arrow::Buffer>> values(types.size());
  std::vector<std::shared_ptr<arrow::Buffer>> validity(types.size());
  for (size_t o = 0; o < types.size(); ++o) {
    const BlockType type = program.output_type(o);
    if (type == BlockType::kBool) {
      ARROW_ASSIGN_OR_RAISE(values[o], arrow::AllocateEmptyBitmap(rows));
    } else {
      ARROW_ASSIGN_OR_RAISE(values[o], arrow::AllocateBuffer(rows * BlockWidth(type)));
    }
    outputs[o].values = values[o]->mutable_data();
    if (!nullable[o]) continue;
    ARROW_ASSIGN_OR_RAISE(validity[o], arrow::AllocateEmptyBitmap(rows));
    outputs[o].validity = validity[o]->mutable_data();
  }
  program.Run(rows, raw, outputs);
  std::vector<std::shared_ptr<arrow::Array>> columns;
  columns.reserve(types.size());
  for (size_t o = 0; o < types.size(); ++o) {
    if (outputs[o].null_count == 0) validity[o] = nullptr;
    columns.push_back(arrow::MakeArray(
        arrow::ArrayData::Make(types[o], rows, {validity[o], values[o]}, outputs[o].null_count)));
  }
  return columns;
}

}  // namespace millrace::expr
