#include <algorithm>
#include <set>

#include <arrow/array.h>
#include <arrow/buffer.h>

#include "expr/compiler.h"

namespace millrace::expr {

void Compiler::MarkUsed(int id) {
  if (used_[static_cast<size_t>(id)]) return;
  used_[static_cast<size_t>(id)] = true;
  for (const int argument : node(id).arguments) MarkUsed(argument);
}

void Compiler::Schedule() {
  auto& nodes = program_->nodes_;
  const auto demand = [&](int id) { nodes[static_cast<size_t>(id)].materialized = true; };
  used_.assign(nodes.size(), false);
  for (const int output : program_->outputs_) MarkUsed(output);
  if (program_->condition_ >= 0) MarkUsed(program_->condition_);
  for (const int output : program_->outputs_) demand(output);
  if (program_->condition_ >= 0) demand(program_->condition_);
  for (Node& n : nodes) {
    for (const int argument : n.arguments) {
      if (n.kind != Kind::kBlock || node(argument).region != n.region) demand(argument);
    }
    int level = 0;
    for (const std::vector<int>* list : {&n.arguments, &n.depends}) {
      for (const int argument : *list) {
        if (node(argument).region == n.region) level = std::max(level, node(argument).level);
      }
    }
    const bool step = n.kind == Kind::kKernel || n.kind == Kind::kControl;
    n.level = step ? level + 1 : level;
  }
  for (size_t region = 0; region < program_->regions_.size(); ++region) {
    ScheduleRegion(static_cast<int>(region));
  }
  if (program_->condition_ < 0) return;
  std::set<int> carried;
  std::set<int> columns;
  const auto carry = [&](int id) {
    const Node& n = node(id);
    if (n.kind == Kind::kColumn)
      columns.insert(n.column);
    else if (n.region == 0 && n.kind != Kind::kLiteral)
      carried.insert(id);
  };
  for (const Node& n : nodes) {
    if (n.region == 0) continue;
    for (const int argument : n.arguments) carry(argument);
  }
  for (const int output : program_->outputs_) carry(output);
  program_->carried_.assign(carried.begin(), carried.end());
  program_->projected_columns_.assign(columns.begin(), columns.end());
}

void Compiler::ScheduleRegion(int region) {
  int deepest = 0;
  for (const int id : program_->regions_[static_cast<size_t>(region)].nodes) {
    deepest = std::max(deepest, node(id).level);
  }
  for (int level = 0; level <= deepest; ++level) {
    for (const int id : program_->regions_[static_cast<size_t>(region)].nodes) {
      const bool step = node(id).kind == Kind::kKernel || node(id).kind == Kind::kControl;
      if (step && used_[static_cast<size_t>(id)] && node(id).level == level) {
        program_->regions_[static_cast<size_t>(region)].steps.push_back({id, -1});
      }
    }
    AddBlockStep(region, level);
  }
}

void Compiler::AddBlockStep(int region, int level) {
  Program::Block block;
  std::map<int, int> values;
  for (const int id : program_->regions_[static_cast<size_t>(region)].nodes) {
    const Node& n = node(id);
    if (n.kind != Kind::kBlock || n.level != level || !n.materialized) continue;
    if (!used_[static_cast<size_t>(id)]) continue;
    block.program.AddOutput(Emit(id, region, level, &block, &values));
    block.outputs.push_back(id);
    block.types.push_back(n.type.ToArrow());
  }
  if (block.outputs.empty()) return;
  block.program.Finish();
  program_->regions_[static_cast<size_t>(region)].steps.push_back(
      {-1, static_cast<int>(program_->blocks_.size())});
  program_->blocks_.push_back(std::move(block));
}

int Compiler::Emit(int id, int region, int level, Program::Block* block,
                   std::map<int, int>* values) {
  if (const auto found = values->find(id); found != values->end()) return found->second;
  const Node& n = node(id);
  const BlockType type = *BlockTypeOf(n.type);
  int value = -1;
  if (n.kind == Kind::kBlock && n.region == region && (n.level == level || !n.materialized)) {
    std::vector<int> arguments;
    for (const int argument : n.arguments)
      arguments.push_back(Emit(argument, region, level, block, values));
    value = block->program.AddStep(n.op, std::move(arguments), type);
  } else if (n.kind == Kind::kLiteral) {
    const arrow::ArrayData& data = *n.literal.array->data();
    uint64_t raw = 0;
    if (type == BlockType::kBool) {
      raw = static_cast<const arrow::BooleanArray&>(*n.literal.array).Value(0) ? 1 : 0;
    } else {
      const auto width = static_cast<size_t>(BlockWidth(type));
      std::copy_n(data.buffers[1]->data() + static_cast<size_t>(data.offset) * width, width,
                  reinterpret_cast<uint8_t*>(&raw));
    }
    value = block->program.AddScalar(type, &raw, n.literal.array->IsNull(0));
  } else {
    value = block->program.AddInput(type);
    block->inputs.push_back(id);
  }
  values->emplace(id, value);
  return value;
}

}  // namespace millrace::expr
