#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "operators/window_clock.h"
#include "spi/function.h"
#include "types/row_keys.h"

namespace millrace {

/// How often each value came, per key of the aggregation: a value reaches its aggregate when the
/// first copy comes and leaves it when the last one goes.
class Distinct {
 public:
  /// The state of one call: `keys`, then its arguments; how many copies there are.
  static StateSpec StateOf(std::string name, const Schema& keys,
                           std::span<const SqlType> arguments);
  /// `keys`: how many key columns there are; `spec`: of `StateOf`.
  static Result<Distinct> Make(const StateSpec& spec, int keys);

  /// Counts the rows that are not skipped, and skips those that change nothing. NULL arguments are
  /// skipped. `signs` may be empty: all rows are added.
  Status Count(KeyedTable& table, const arrow::ArrayVector& keys,
               std::span<const ColumnValue> arguments, std::span<const int8_t> signs,
               std::vector<uint8_t>* skip);
  /// The values that the last `Count` left get the timer of a window: of row i one that ends at
  /// `ends[i]`, or later.
  Status Expire(TimerSet& timers, int state, WindowClock& clock, std::span<const int64_t> ends,
                int64_t delay_us) const;

 private:
  explicit Distinct(KeyEncoder encoder, std::shared_ptr<arrow::Schema> schema)
      : encoder_(std::move(encoder)), schema_(std::move(schema)) {}

  KeyEncoder encoder_;
  std::shared_ptr<arrow::Schema> schema_;
  RowKeys keys_;
  std::vector<Slot> slots_;  ///< of the rows; kNoSlot: no copy is left
  std::vector<Slot> gone_;
  std::vector<uint8_t> inserted_;
};

}  // namespace millrace
