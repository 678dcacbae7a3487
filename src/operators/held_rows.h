#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operators/numbered_rows.h"
#include "spi/operator.h"

namespace millrace {

/// Rows that an operator holds back, in its state until they leave: as items, which any subtask may
/// take over, or row by row under the row's key, so that they come back where its rows come.
class HeldRows {
 public:
  /// `keys`: columns of `rows`; none: as items.
  static Result<HeldRows> Make(const Schema& rows, const std::vector<int>& keys);

  StateSpec spec(std::string name) const;
  /// What is there, rows of one key in the order in which they were put.
  Status Open(OperatorContext& context, int state,
              const std::function<Status(uint64_t id, const Batch& rows, const std::string& note)>&
                  restored);
  /// `id`: of nothing that is there.
  Status Put(uint64_t id, const Batch& rows, const std::string& note);
  Status Remove(uint64_t id);

 private:
  /// Where the rows of an id are.
  struct Place {
    std::vector<std::string> keys;
    std::vector<int64_t> numbers;
  };

  explicit HeldRows(std::optional<NumberedRows> table) : table_(std::move(table)) {}

  std::optional<NumberedRows> table_;  ///< the rows, then the note
  ItemList* items_ = nullptr;          ///< without a table
  std::map<uint64_t, Place> places_;   ///< with a table
  int64_t next_number_ = 0;
};

}  // namespace millrace
