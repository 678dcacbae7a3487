#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "types/sql_type.h"

namespace millrace::expr {

/// How a register of a block program holds its values. BOOLEAN is a byte per row.
enum class BlockType : uint8_t { kBool, kInt8, kInt16, kInt32, kInt64, kFloat, kDouble };

/// None for types that have no fixed-width numbers: strings, decimals, nested types.
std::optional<BlockType> BlockTypeOf(const SqlType& type);
int BlockWidth(BlockType type);

/// Rows of one pass: registers of a chain stay in the first-level cache.
constexpr int64_t kBlockRows = 512;

/// Values of a block. A scalar has one value but `kBlockRows` validity bytes.
struct BlockValue {
  void* values = nullptr;
  uint8_t* valid = nullptr;  ///< a byte per row, 0: NULL; null: no row is
};

using BlockKernel = void (*)(int64_t rows, const BlockValue* arguments, BlockValue* out);

/// An operation on blocks that cannot fail.
struct BlockOp {
  BlockKernel kernel = nullptr;
  bool strict = true;  ///< NULL where an argument is; else the kernel sets `out->valid`, where any
                       ///< argument has NULLs
  bool never_null = false;  ///< not strict, and without NULLs in its result
};

/// The operation for a call, or none. `scalar[i]`: argument i is a literal. `divisor` is for the
/// integer division: a literal that is not zero. CASE has one WHEN, AND, OR, COALESCE, GREATEST and
/// LEAST two arguments.
struct BlockCall {
  std::string_view function;
  std::span<const SqlType> arguments;
  std::span<const uint8_t> scalar;
  SqlType type;
  bool safe_divisor = false;
};
std::optional<BlockOp> FindBlockOp(const BlockCall& call);

/// Steps over numbered values; each value is an input, a literal or the result of a step.
/// Immutable; thread-safe.
class BlockProgram {
 public:
  /// Each of these answers the number of the value.
  int AddInput(BlockType type);
  int AddScalar(BlockType type, const void* value, bool null);
  int AddStep(const BlockOp& op, std::vector<int> arguments, BlockType type);
  void AddOutput(int value) { outputs_.push_back(value); }
  /// Assigns registers. After this nothing is added.
  void Finish();

  struct Input {
    const uint8_t* values = nullptr;    ///< first value; bits for kBool
    int64_t bit_offset = 0;             ///< of kBool
    const uint8_t* validity = nullptr;  ///< bits; null: no NULLs
    int64_t validity_offset = 0;
  };
  struct Output {
    uint8_t* values = nullptr;  ///< room for the rows; bits for kBool, zeroed
    uint8_t* validity =
        nullptr;             ///< bits, zeroed; in: room for them, or null where no NULL can come
    int64_t null_count = 0;  ///< out
  };
  /// Whether an output can have NULLs, given which inputs have.
  std::vector<bool> NullableOutputs(std::span<const Input> inputs) const;
  void Run(int64_t rows, std::span<const Input> inputs, std::span<Output> outputs) const;

  size_t num_outputs() const { return outputs_.size(); }
  BlockType output_type(size_t i) const { return values_[static_cast<size_t>(outputs_[i])].type; }

 private:
  enum class Source : uint8_t { kInput, kScalar, kStep };
  struct Value {
    Source source;
    BlockType type;
    int index = 0;    ///< of the input or step
    int reg = -1;     ///< register for values; -1: read in place or written to the output
    int output = -1;  ///< written straight to this output
    uint64_t scalar = 0;
    bool null = false;
  };
  struct Step {
    BlockOp op;
    std::vector<int> arguments;
    int value;
  };

  std::vector<bool> Nullable(std::span<const Input> inputs) const;

  std::vector<Value> values_;
  std::vector<Step> steps_;
  std::vector<int> inputs_, outputs_;
  int registers_ = 0;
};

}  // namespace millrace::expr
