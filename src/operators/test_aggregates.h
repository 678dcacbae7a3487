#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>

#include "spi/services.h"
#include "state/state.h"

namespace millrace {

/// SUM of BIGINT, or COUNT where there is no argument: enough to drive operators.
class TestSum final : public Aggregator {
 public:
  explicit TestSum(bool count) : count_(count) {}
  std::vector<SqlType> StateTypes() const override { return {SqlType::BigInt()}; }
  Status Update(KeyedTable& table, int first_column, const SlotRows& rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                std::span<const ColumnValue> arguments) override {
    std::vector<int64_t> sums(rows.slots.size());
    for (size_t i = 0; i < rows.places.size(); ++i) {
      if (!skip.empty() && skip[i]) continue;
      int64_t value = 1;
      if (!arguments.empty()) {
        const auto& array = static_cast<const arrow::Int64Array&>(*arguments[0].array);
        const int64_t row = arguments[0].constant ? 0 : static_cast<int64_t>(i);
        if (array.IsNull(row)) continue;
        if (!count_) value = array.Value(row);
      }
      sums[rows.places[i]] += signs.empty() ? value : signs[i] * value;
    }
    FixedColumn& column = table.Fixed(first_column);
    for (size_t i = 0; i < sums.size(); ++i) column.Mut<int64_t>(rows.slots[i]) += sums[i];
    return Status::OK();
  }
  Status Merge(KeyedTable& table, int first_column, std::span<const Slot> slots,
               std::span<const std::shared_ptr<arrow::Array>> states) override {
    const auto& added = static_cast<const arrow::Int64Array&>(*states[0]);
    for (size_t i = 0; i < slots.size(); ++i) {
      table.Fixed(first_column).Mut<int64_t>(slots[i]) += added.Value(static_cast<int64_t>(i));
    }
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Results(const KeyedTable& table, int first_column,
                                                std::span<const Slot> slots) const override {
    return table.Get(first_column, slots);
  }

 private:
  const bool count_;
};

inline void AddAggregate(Registries& registries, const std::string& name, bool count) {
  AggregateFunctionSpec spec;
  spec.name = name;
  spec.bind = [count](std::span<const SqlType> types, bool) -> Result<BoundAggregate> {
    BoundAggregate bound;
    bound.type = SqlType::BigInt();
    bound.argument_types.assign(types.begin(), types.end());
    bound.mergeable = true;
    bound.make = [count]() -> Result<std::unique_ptr<Aggregator>> {
      return std::make_unique<TestSum>(count);
    };
    return bound;
  };
  registries.aggregates.Add(std::move(spec));
}

inline void AddTestAggregates(Registries& registries) {
  AddAggregate(registries, "SUM", false);
  AddAggregate(registries, "COUNT", true);
}

}  // namespace millrace
