#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "expr/block.h"
#include "plan/expression.h"
#include "spi/function.h"
#include "types/schema.h"

namespace millrace {

struct Registries;

namespace expr {

/// A set of expressions as a graph in which equal ones are one node. Immutable; thread-safe.
///
/// Nodes live in regions. What cannot fail is computed on all rows, in the base region. What can
/// fail, below AND, OR, CASE or COALESCE, lives in a region of its own that runs only with the rows
/// that need it marked active. Neighbouring numeric nodes of a region are fused into block
/// programs.
class Program {
 public:
  static Result<std::shared_ptr<const Program>> Compile(const Schema& input,
                                                        std::span<const ExpressionPtr> locals,
                                                        const ExpressionPtr& condition,
                                                        std::span<const ExpressionPtr> outputs,
                                                        const Registries& registries);

  struct Output {
    std::vector<ColumnValue> columns;
    int64_t rows = 0;                              ///< that pass the condition
    std::shared_ptr<arrow::Int32Array> selection;  ///< which; null: all
  };
  /// Errors carry the input's row numbers. Rows with errors are still among the output's.
  Result<Output> Run(const arrow::RecordBatch& rows, const EvalContext& context,
                     std::vector<RowError>* errors) const;

  const std::vector<SqlType>& types() const { return types_; }

 private:
  friend class Compiler;

  enum class Control : uint8_t { kAnd, kOr, kCase, kCoalesce };
  struct Node {
    enum class Kind : uint8_t { kColumn, kLiteral, kBlock, kKernel, kControl };
    Kind kind = Kind::kLiteral;
    SqlType type;
    Position position;
    std::vector<int> arguments;
    std::vector<int> depends;  ///< kControl: nodes of its region that its own regions read
    int region = 0;
    int level = 0;
    bool can_fail = false;
    bool early = false;  ///< a field of a ROW column: taken before the filter, which then need not
                         ///< copy the other fields
    bool materialized = false;
    int column = -1;
    ColumnValue literal;
    BlockOp op;
    ScalarKernel kernel;
    Control control = Control::kAnd;
    std::vector<int> regions;  ///< kControl: one per argument
  };
  struct Block {
    BlockProgram program;
    std::vector<int> inputs, outputs;                     ///< nodes
    std::vector<std::shared_ptr<arrow::DataType>> types;  ///< of the outputs
  };
  struct Step {
    int node = -1;   ///< kernel or control
    int block = -1;  ///< else
  };
  struct Region {
    int parent = -1;
    std::vector<int> nodes;
    std::vector<Step> steps;
  };
  class Runner;

  std::vector<Node> nodes_;
  std::vector<Region> regions_;
  std::vector<Block> blocks_;
  std::vector<int> outputs_;
  std::vector<SqlType> types_;
  int condition_ = -1;
  int projected_region_ = 0;
  std::vector<int> carried_;            ///< nodes of the first phase that the second reads
  std::vector<int> projected_columns_;  ///< of the input, that the second phase reads
};

}  // namespace expr
}  // namespace millrace
