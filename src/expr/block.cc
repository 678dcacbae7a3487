#include "expr/block.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include <arrow/util/bit_util.h>

namespace millrace::expr {
namespace {

constexpr int64_t kRegisterBytes = kBlockRows * 8;
constexpr size_t kMaxArguments = 4;

void BitsToBytes(const uint8_t* bits, int64_t offset, int64_t rows, uint8_t* bytes) {
  for (int64_t i = 0; i < rows; ++i) {
    bytes[i] = static_cast<uint8_t>((bits[(offset + i) >> 3] >> ((offset + i) & 7)) & 1);
  }
}

/// `row` is a multiple of 8. Returns the number of ones.
int64_t BytesToBits(const uint8_t* bytes, int64_t rows, uint8_t* bits, int64_t row) {
  int64_t ones = 0;
  uint8_t* out = bits + row / 8;
  int64_t i = 0;
  for (; i + 8 <= rows; i += 8) {
    uint64_t eight;
    std::memcpy(&eight, bytes + i, 8);
    // Gathers the lowest bit of each byte into the highest byte of the product.
    const auto packed = static_cast<uint8_t>((eight * 0x0102040810204080ULL) >> 56);
    *out++ = packed;
    ones += __builtin_popcount(packed);
  }
  for (; i < rows; ++i) {
    if (bytes[i] != 0) {
      *out = static_cast<uint8_t>(*out | (1U << (i & 7)));
      ++ones;
    }
  }
  return ones;
}

/// Where registers live: one piece per thread, since programs are shared between threads.
uint8_t* Scratch(size_t bytes) {
  thread_local std::unique_ptr<uint8_t[]> memory;
  thread_local size_t size = 0;
  if (size < bytes) {
    memory = std::make_unique<uint8_t[]>(bytes);
    size = bytes;
  }
  return memory.get();
}

}  // namespace

std::optional<BlockType> BlockTypeOf(const SqlType& type) {
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return BlockType::kBool;
    case TypeKind::kTinyInt:
      return BlockType::kInt8;
    case TypeKind::kSmallInt:
      return BlockType::kInt16;
    case TypeKind::kInt:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kIntervalYearMonth:
      return BlockType::kInt32;
    case TypeKind::kBigInt:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
    case TypeKind::kIntervalDayTime:
      return BlockType::kInt64;
    case TypeKind::kFloat:
      return BlockType::kFloat;
    case TypeKind::kDouble:
      return BlockType::kDouble;
    default:
      return std::nullopt;
  }
}

int BlockWidth(BlockType type) {
  constexpr std::array<int, 7> kWidths{1, 1, 2, 4, 8, 4, 8};
  return kWidths[static_cast<size_t>(type)];
}

int BlockProgram::AddInput(BlockType type) {
  values_.push_back({Source::kInput, type, static_cast<int>(inputs_.size())});
  inputs_.push_back(static_cast<int>(values_.size()) - 1);
  return inputs_.back();
}

int BlockProgram::AddScalar(BlockType type, const void* value, bool null) {
  Value scalar{Source::kScalar, type};
  std::memcpy(&scalar.scalar, value, static_cast<size_t>(BlockWidth(type)));
  scalar.null = null;
  values_.push_back(scalar);
  return static_cast<int>(values_.size()) - 1;
}

int BlockProgram::AddStep(const BlockOp& op, std::vector<int> arguments, BlockType type) {
  const int value = static_cast<int>(values_.size());
  values_.push_back({Source::kStep, type, static_cast<int>(steps_.size())});
  steps_.push_back({op, std::move(arguments), value});
  return value;
}

void BlockProgram::Finish() {
  std::vector<int> last_use(values_.size(), -1);
  for (size_t s = 0; s < steps_.size(); ++s) {
    for (const int argument : steps_[s].arguments)
      last_use[static_cast<size_t>(argument)] = static_cast<int>(s);
  }
  for (size_t o = 0; o < outputs_.size(); ++o) {
    Value& value = values_[static_cast<size_t>(outputs_[o])];
    last_use[static_cast<size_t>(outputs_[o])] = static_cast<int>(steps_.size());
    if (value.type != BlockType::kBool && value.output < 0) value.output = static_cast<int>(o);
  }
  std::vector<int> free;
  const auto take = [&](Value& value) {
    if (free.empty()) free.push_back(registers_++);
    value.reg = free.back();
    free.pop_back();
  };
  for (const int input : inputs_) take(values_[static_cast<size_t>(input)]);
  for (size_t s = 0; s < steps_.size(); ++s) {
    take(values_[static_cast<size_t>(steps_[s].value)]);
    std::vector<int> arguments = steps_[s].arguments;
    std::ranges::sort(arguments);
    arguments.erase(std::unique(arguments.begin(), arguments.end()), arguments.end());
    for (const int argument : arguments) {
      const Value& value = values_[static_cast<size_t>(argument)];
      if (value.reg >= 0 && last_use[static_cast<size_t>(argument)] == static_cast<int>(s)) {
        free.push_back(value.reg);
      }
    }
  }
}

std::vector<bool> BlockProgram::Nullable(std::span<const Input> inputs) const {
  std::vector<bool> nullable(values_.size());
  for (size_t v = 0; v < values_.size(); ++v) {
    const Value& value = values_[v];
    if (value.source == Source::kInput) {
      nullable[v] = inputs[static_cast<size_t>(value.index)].validity != nullptr;
    } else if (value.source == Source::kScalar) {
      nullable[v] = value.null;
    } else {
      const Step& step = steps_[static_cast<size_t>(value.index)];
      nullable[v] = !step.op.never_null && std::ranges::any_of(step.arguments, [&](int a) {
        return nullable[static_cast<size_t>(a)];
      });
    }
  }
  return nullable;
}

std::vector<bool> BlockProgram::NullableOutputs(std::span<const Input> inputs) const {
  const std::vector<bool> nullable = Nullable(inputs);
  std::vector<bool> result;
  for (const int value : outputs_) result.push_back(nullable[static_cast<size_t>(value)]);
  return result;
}

void BlockProgram::Run(int64_t rows, std::span<const Input> inputs,
                       std::span<Output> outputs) const {
  // A register is its values, then its validity bytes; the last block of bytes is the validity of
  // NULL literals.
  constexpr int64_t kRegister = kRegisterBytes + kBlockRows;
  uint8_t* memory = Scratch(static_cast<size_t>(registers_ * kRegister + kBlockRows) +
                            values_.size() * sizeof(BlockValue));
  uint8_t* null_bytes = memory + registers_ * kRegister;
  std::memset(null_bytes, 0, kBlockRows);
  auto* current = reinterpret_cast<BlockValue*>(null_bytes + kBlockRows);
  const std::vector<bool> nullable = Nullable(inputs);

  for (size_t v = 0; v < values_.size(); ++v) {
    const Value& value = values_[v];
    current[v] = {};
    if (value.source == Source::kScalar) {
      current[v].values = const_cast<uint64_t*>(&value.scalar);
      if (value.null) current[v].valid = null_bytes;
    } else {
      current[v].values = memory + value.reg * kRegister;
      if (nullable[v]) current[v].valid = memory + value.reg * kRegister + kRegisterBytes;
    }
  }
  for (int64_t row = 0; row < rows; row += kBlockRows) {
    const int64_t n = std::min(kBlockRows, rows - row);
    for (const int v : inputs_) {
      const Value& value = values_[static_cast<size_t>(v)];
      const Input& input = inputs[static_cast<size_t>(value.index)];
      BlockValue& block = current[v];
      if (value.type == BlockType::kBool) {
        BitsToBytes(input.values, input.bit_offset + row, n, static_cast<uint8_t*>(block.values));
      } else {
        block.values = const_cast<uint8_t*>(input.values) + row * BlockWidth(value.type);
      }
      if (block.valid != nullptr) {
        BitsToBytes(input.validity, input.validity_offset + row, n, block.valid);
      }
    }
    for (const Step& step : steps_) {
      const Value& value = values_[static_cast<size_t>(step.value)];
      BlockValue& out = current[step.value];
      if (value.output >= 0) {
        out.values =
            outputs[static_cast<size_t>(value.output)].values + row * BlockWidth(value.type);
      }
      std::array<BlockValue, kMaxArguments> arguments;
      bool copied = false;
      for (size_t a = 0; a < step.arguments.size(); ++a) {
        arguments[a] = current[step.arguments[a]];
        if (!step.op.strict || arguments[a].valid == nullptr) continue;
        if (copied) {
          for (int64_t i = 0; i < n; ++i) out.valid[i] &= arguments[a].valid[i];
        } else {
          std::memcpy(out.valid, arguments[a].valid, static_cast<size_t>(n));
          copied = true;
        }
      }
      step.op.kernel(n, arguments.data(), &out);
    }
    for (size_t o = 0; o < outputs_.size(); ++o) {
      const Value& value = values_[static_cast<size_t>(outputs_[o])];
      const BlockValue& block = current[outputs_[o]];
      Output& output = outputs[o];
      if (value.type == BlockType::kBool) {
        BytesToBits(static_cast<const uint8_t*>(block.values), n, output.values, row);
      } else if (value.output != static_cast<int>(o) || value.source != Source::kStep) {
        std::memcpy(output.values + row * BlockWidth(value.type), block.values,
                    static_cast<size_t>(n * BlockWidth(value.type)));
      }
      if (block.valid != nullptr) {
        output.null_count += n - BytesToBits(block.valid, n, output.validity, row);
      }
    }
  }
}

}  // namespace millrace::expr
