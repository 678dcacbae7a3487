#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"
#include "plan/expression.h"
#include "spi/operator.h"
#include "types/sql_type.h"

namespace millrace {

/// An argument or result of a kernel: an array of `rows` values, or of one value that stands for
/// all rows.
struct ColumnValue {
  std::shared_ptr<arrow::Array> array;
  bool constant = false;
};

/// Row errors of one evaluation. Errors of rows that are not active (another branch of a CASE, the
/// right side of an AND) are dropped.
class RowErrors {
 public:
  explicit RowErrors(int64_t rows) : rows_(rows) {}

  /// One byte per row, 0: not active; null: all are. Owned by the evaluator.
  const uint8_t* active() const { return active_; }
  void SetActive(const uint8_t* active) { active_ = active; }
  bool IsActive(int64_t row) const { return active_ == nullptr || active_[row] != 0; }

  /// The kernel leaves NULL at the row. A second error of a row is dropped.
  void Add(int64_t row, std::string text);
  /// For an error of constant arguments.
  void AddToAll(const std::string& text);
  void SetPosition(Position position) { position_ = position; }

  bool empty() const { return errors_.empty(); }
  const std::vector<RowError>& errors() const { return errors_; }
  bool HasError(int64_t row) const { return !failed_.empty() && failed_[static_cast<size_t>(row)]; }
  int64_t rows() const { return rows_; }
  void Clear(int64_t rows);

 private:
  int64_t rows_;
  const uint8_t* active_ = nullptr;
  Position position_;
  std::vector<RowError> errors_;
  std::vector<uint8_t> failed_;
};

/// What kernels may read beside their arguments: fixed for the duration of a batch.
struct EvalContext {
  int64_t now_us = 0;  ///< CURRENT_TIMESTAMP, PROCTIME
  int64_t watermark_us =
      std::numeric_limits<int64_t>::min();  ///< CURRENT_WATERMARK; the least: none yet
  std::string time_zone = "UTC";  ///< of the session: TIMESTAMP_LTZ to and from text and local time
  uint64_t (*random)(void*) = nullptr;
  void* random_state = nullptr;
};

/// Evaluates a call on whole columns. Immutable; thread-safe. Fails only on defects: bad values are
/// row errors.
using ScalarKernel =
    std::function<Result<ColumnValue>(std::span<const ColumnValue> arguments, int64_t rows,
                                      const EvalContext& context, RowErrors& errors)>;

/// A call whose types are settled.
struct BoundFunction {
  SqlType type;                         ///< of the result, nullability included
  std::vector<SqlType> argument_types;  ///< the planner casts each argument to it
  bool can_fail = false;                ///< whether the kernel may add row errors
  /// Makes the kernel; `arguments` are the final expressions, so that literal ones (patterns,
  /// formats) are compiled once. Null: the evaluator has the call built in.
  std::function<Result<ScalarKernel>(std::span<const ExpressionPtr> arguments)> make_kernel;
};

enum class FunctionFamily {
  kComparison,
  kLogical,
  kArithmetic,
  kString,
  kTemporal,
  kConditional,
  kConversion,
  kCollection,
  kAggregate,
  kOther
};

struct FunctionExample {
  std::string expression;  ///< SQL: "SUBSTRING('Millrace', 5)"
  std::string result;      ///< as the shell prints it: "race", "NULL"
};

/// A scalar function, declared once: binding, docs, completion and tests read it.
struct ScalarFunctionSpec {
  std::string name;  ///< upper case; operators by their sign
  std::vector<std::string> aliases;
  FunctionFamily family = FunctionFamily::kOther;
  std::string syntax;  ///< "SUBSTRING(string, start [, length])"
  std::string doc;
  std::vector<FunctionExample> examples;
  bool deterministic = true;  ///< false: not folded, not shared between uses
  /// The result for these arguments, or a user error that names the argument, its type and the cast
  /// that would fit. `literals[i]`: the argument's literal, null where it is none.
  std::function<Result<BoundFunction>(std::span<const SqlType> arguments,
                                      std::span<const ExpressionPtr> literals)>
      bind;
};

/// The rows of a batch by the slot that each is added to.
struct SlotRows {
  std::span<const Slot> slots;       ///< each once
  std::span<const uint32_t> places;  ///< of the rows: which of `slots`
  std::span<const int64_t> counts;   ///< of `slots`: how many rows
};

/// An aggregate's accumulator over the slots of a keyed table; one object per call in a plan. State
/// lives in columns of the operator's table, so `columns` are addressed by slot.
class Aggregator {
 public:
  virtual ~Aggregator() = default;
  /// Types of the state columns it needs.
  virtual std::vector<SqlType> StateTypes() const = 0;
  /// Adds (`signs[i]` = 1) or retracts (-1) row i of `arguments` to its slot, in the order of the
  /// rows. `signs` empty: all 1. `skip[i]` != 0 leaves row i out; empty: none is left out.
  virtual Status Update(KeyedTable& table, int first_column, const SlotRows& rows,
                        std::span<const int8_t> signs, std::span<const uint8_t> skip,
                        std::span<const ColumnValue> arguments) = 0;
  /// Adds accumulators to those of `slots`, where one may come several times: row i of `states`,
  /// the state columns of an aggregator of the same call, to slot i. For calls that are bound as
  /// mergeable.
  virtual Status Merge(KeyedTable& table, int first_column, std::span<const Slot> slots,
                       std::span<const std::shared_ptr<arrow::Array>> states) {
    (void)table, (void)first_column, (void)slots, (void)states;
    return Error::Internal("the aggregate's accumulators cannot be merged");
  }
  /// The results of `slots`.
  virtual Result<std::shared_ptr<arrow::Array>> Results(const KeyedTable& table, int first_column,
                                                        std::span<const Slot> slots) const = 0;
};

struct BoundAggregate {
  SqlType type;
  std::vector<SqlType> argument_types;
  bool retractable = true;  ///< what `make` makes takes rows back
  std::function<Result<std::unique_ptr<Aggregator>>()> make;
  /// For input that takes rows back, where `make` cannot.
  std::function<Result<std::unique_ptr<Aggregator>>()> make_retractable = nullptr;
  bool mergeable = false;  ///< what `make` makes has `Merge`
};

struct AggregateFunctionSpec {
  std::string name;
  std::string syntax;
  std::string doc;
  std::vector<FunctionExample> examples;  ///< over VALUES: "SUM(x) of 1, 2, NULL"
  std::function<Result<BoundAggregate>(std::span<const SqlType> arguments, bool distinct)> bind;
};

}  // namespace millrace
