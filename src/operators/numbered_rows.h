#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "spi/operator.h"
#include "types/row_keys.h"

namespace millrace {

/// Whole rows in a table, each under its key and a number that is its own within the key.
class NumberedRows {
 public:
  /// `keys`: columns of `input`. `spread`: the rows of a key are in different key groups, for
  /// tables that every instance has.
  static Result<NumberedRows> Make(const Schema& input, const std::vector<int>& keys,
                                   bool spread = false);

  /// How long a row is kept; not set: until it is erased.
  void KeepFor(std::optional<int64_t> ttl_us) { spec_.ttl_us = ttl_us; }
  const StateSpec& spec() const { return spec_; }
  /// Encodes the key without the number; its bytes are what `Get` and `Erase` take.
  const KeyEncoder& keys() const { return keys_; }
  void Open(KeyedTable& table) { table_ = &table; }

  Status Put(const arrow::RecordBatch& rows, std::span<const int64_t> numbers);
  /// The rows of key `keys[i]` and number `numbers[i]`, which are there.
  Result<std::shared_ptr<arrow::RecordBatch>> Get(std::span<const std::string_view> keys,
                                                  std::span<const int64_t> numbers);
  /// Which of the rows are there: the time of the others is over.
  Result<std::vector<uint8_t>> AreThere(std::span<const std::string_view> keys,
                                        std::span<const int64_t> numbers);
  Status Erase(std::span<const std::string_view> keys, std::span<const int64_t> numbers);
  /// All rows, at most `at_a_time`: one where a row may have many megabytes.
  Status ForEach(const std::function<Status(const arrow::RecordBatch& rows,
                                            std::span<const int64_t> numbers)>& visit,
                 size_t at_a_time = 1024) const;

 private:
  NumberedRows(KeyEncoder keys, KeyEncoder numbered) : keys_(keys), numbered_(numbered) {}
  /// Into `slots_`; kNoSlot where a row is not there.
  Status Find(std::span<const std::string_view> keys, std::span<const int64_t> numbers);
  /// The same of rows that are there.
  Status FindAll(std::span<const std::string_view> keys, std::span<const int64_t> numbers);
  Result<std::shared_ptr<arrow::RecordBatch>> RowsAt(const arrow::RecordBatch& keys,
                                                     std::span<const Slot> slots) const;

  KeyEncoder keys_;
  KeyEncoder numbered_;  ///< of the key columns, then the number
  StateSpec spec_;
  std::shared_ptr<arrow::Schema> input_;
  std::vector<int> places_;  ///< per input column: of the key columns (>= 0) or the values (~place)
  KeyedTable* table_ = nullptr;
  RowKeys encoded_;
  std::vector<Slot> slots_;
  std::vector<uint8_t> inserted_;
};

}  // namespace millrace
