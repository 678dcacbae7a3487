#include <cmath>
#include <optional>
#include <type_traits>

#include "expr/decimal.h"
#include "expr/dispatch_number.h"
#include "expr/type_rules.h"
#include "functions/aggregate_rows.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/kept_value.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

class Count final : public Aggregator {
 public:
  std::vector<SqlType> StateTypes() const override { return {SqlType::BigInt().AsNotNull()}; }
  Status Update(KeyedTable& table, int first, const SlotRows& slot_rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    CountedRows(slot_rows, signs, skip, arguments).AddCounts(table.Fixed(first));
    return Status::OK();
  }
  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    AddTo<int64_t>(table.Fixed(first), slots, *states[0]);
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Results(const KeyedTable& table, int first,
                                                std::span<const Slot> slots) const override {
    return table.Get(first, slots);
  }
};

/// SUM and AVG: the sum (BIGINT, DOUBLE or DECIMAL(38, s)) and how many values it is of.
template <class T>
class Sum final : public Aggregator {
 public:
  using Wide = std::conditional_t<std::is_same_v<T, Int128>, Int128,
                                  std::conditional_t<std::is_floating_point_v<T>, double, int64_t>>;

  Sum(SqlType argument, SqlType result, bool average)
      : argument_(std::move(argument)), result_(std::move(result)), average_(average) {}

  std::vector<SqlType> StateTypes() const override {
    SqlType sum = SqlType::BigInt();
    if (std::is_same_v<Wide, double>) sum = SqlType::Double();
    if (std::is_same_v<Wide, Int128>)
      sum = SqlType::Decimal(decimal::kMaxPrecision, argument_.scale());
    return {sum.AsNotNull(), SqlType::BigInt().AsNotNull()};
  }

  Status Update(KeyedTable& table, int first, const SlotRows& slot_rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    // Integers wrap around as Java's long, which signed ones may not.
    using Total = std::conditional_t<std::is_same_v<Wide, int64_t>, uint64_t, Wide>;
    SlotValues<Total> sums(table.Fixed(first), slot_rows.slots);
    const CountedRows rows(slot_rows, signs, skip, arguments);
    const ColumnReader<T> values(arguments[0]);
    rows.ForEach([&](int64_t row, size_t place, int64_t sign) {
      const auto value = static_cast<Total>(static_cast<Wide>(values[row]));
      sums[place] += sign > 0 ? value : -value;
    });
    sums.Write();
    rows.AddCounts(table.Fixed(first + 1));
    return Status::OK();
  }

  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    FixedColumn& sum = table.Fixed(first);
    if constexpr (std::is_same_v<Wide, Int128>) {
      const ColumnReader<Int128> added(ColumnValue{states[0]});
      for (size_t i = 0; i < slots.size(); ++i) {
        Store(sum, slots[i], Load<Int128>(sum, slots[i]) + added[static_cast<int64_t>(i)]);
      }
    } else {
      // Integers wrap around, which signed ones may not.
      using Added = std::conditional_t<std::is_same_v<Wide, int64_t>, uint64_t, double>;
      AddTo<Added>(sum, slots, *states[0]);
    }
    AddTo<int64_t>(table.Fixed(first + 1), slots, *states[1]);
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::Array>> Results(const KeyedTable& table, int first,
                                                std::span<const Slot> slots) const override {
    const FixedColumn& sum = table.Fixed(first);
    const FixedColumn& count = table.Fixed(first + 1);
    ColumnWriter<T> writer(result_.ToArrow(), static_cast<int64_t>(slots.size()));
    ARROW_RETURN_NOT_OK(writer.Open());
    for (const Slot slot : slots) {
      const int64_t of = count.Get<int64_t>(slot);
      const std::optional<T> value = of == 0 ? std::nullopt : Value(sum, slot, of);
      if (value)
        writer.Append(*value);
      else
        ARROW_RETURN_NOT_OK(writer.AppendNull());
    }
    return writer.Finish();
  }

 private:
  std::optional<T> Value(const FixedColumn& sum, Slot slot, int64_t count) const {
    if constexpr (std::is_same_v<T, Int128>) {
      const Int128 total = Load<Int128>(sum, slot);
      if (!average_) return decimal::Fit(total, result_.precision());
      return decimal::Divide(total, argument_.scale(), count, 0,
                             {result_.precision(), result_.scale()});
    } else {
      const Wide total = sum.Get<Wide>(slot);
      return static_cast<T>(average_ ? total / static_cast<Wide>(count) : total);
    }
  }

  SqlType argument_;
  SqlType result_;
  bool average_;
};

/// Variance and standard deviation from the count, the sum and the sum of squares, as Flink
/// computes them.
class Spread final : public Aggregator {
 public:
  Spread(bool sample, bool root) : sample_(sample), root_(root) {}

  std::vector<SqlType> StateTypes() const override {
    return {SqlType::Double().AsNotNull(), SqlType::Double().AsNotNull(),
            SqlType::BigInt().AsNotNull()};
  }
  Status Update(KeyedTable& table, int first, const SlotRows& slot_rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    SlotValues<double> sums(table.Fixed(first), slot_rows.slots);
    SlotValues<double> squares(table.Fixed(first + 1), slot_rows.slots);
    const CountedRows rows(slot_rows, signs, skip, arguments);
    const ColumnReader<double> values(arguments[0]);
    rows.ForEach([&](int64_t row, size_t place, int64_t signed_one) {
      const double value = values[row];
      const auto sign = static_cast<double>(signed_one);
      sums[place] += sign * value;
      squares[place] += sign * value * value;
    });
    sums.Write();
    squares.Write();
    rows.AddCounts(table.Fixed(first + 2));
    return Status::OK();
  }
  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    AddTo<double>(table.Fixed(first), slots, *states[0]);
    AddTo<double>(table.Fixed(first + 1), slots, *states[1]);
    AddTo<int64_t>(table.Fixed(first + 2), slots, *states[2]);
    return Status::OK();
  }
  Result<std::shared_ptr<arrow::Array>> Results(const KeyedTable& table, int first,
                                                std::span<const Slot> slots) const override {
    const FixedColumn& sums = table.Fixed(first);
    const FixedColumn& squares = table.Fixed(first + 1);
    const FixedColumn& counts = table.Fixed(first + 2);
    arrow::DoubleBuilder builder;
    for (const Slot slot : slots) {
      const auto count = static_cast<double>(counts.Get<int64_t>(slot));
      const double divisor = sample_ ? count - 1 : count;
      if (divisor <= 0) {
        ARROW_RETURN_NOT_OK(builder.AppendNull());
        continue;
      }
      const double sum = sums.Get<double>(slot);
      const double variance =
          std::max(0.0, squares.Get<double>(slot) - sum * sum / count) / divisor;
      ARROW_RETURN_NOT_OK(builder.Append(root_ ? std::sqrt(variance) : variance));
    }
    return builder.Finish();
  }

 private:
  bool sample_;
  bool root_;
};

Result<BoundAggregate> BindSum(const std::string& name, Types types, bool average) {
  ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
  if (!types[0].is_numeric())
    return WrongArgument(name, 0, "", "a number", types[0], SqlType::Double());
  const SqlType result = (average ? AvgType(types[0]) : SumType(types[0])).AsNullable();
  return BoundAggregate{result, {types[0]}, true, [type = types[0], result, average]() -> Made {
                          return DispatchNumber(type, [&]<class T>(T) -> Made {
                            return std::make_unique<Sum<T>>(type, result, average);
                          });
                        }};
}

Result<BoundAggregate> BindSpread(const std::string& name, Types types, bool sample, bool root) {
  ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
  if (!types[0].is_numeric())
    return WrongArgument(name, 0, "", "a number", types[0], SqlType::Double());
  return BoundAggregate{SqlType::Double(), {SqlType::Double()}, true, [sample, root]() -> Made {
                          return std::make_unique<Spread>(sample, root);
                        }};
}

}  // namespace

void AddAggregates(Registries& registries) {
  const auto add = [&](const std::string& name, std::string doc, FunctionExample example,
                       auto bind) {
    AggregateFunctionSpec spec{
        name, name + "([DISTINCT] x)", std::move(doc), {std::move(example)}, nullptr};
    spec.bind = [name, bind](Types types, bool) -> Result<BoundAggregate> {
      Result<BoundAggregate> bound = bind(name, types);
      if (bound.ok()) bound->mergeable = true;
      return bound;
    };
    registries.aggregates.Add(std::move(spec));
  };
  add("COUNT", "How many values are not NULL; COUNT(*): how many rows.",
      {"COUNT(x) of 1, 2, NULL", "2"},
      [](const std::string&, Types types) -> Result<BoundAggregate> {
        return BoundAggregate{
            SqlType::BigInt().AsNotNull(), {types.begin(), types.end()}, true, []() -> Made {
              return std::make_unique<Count>();
            }};
      });
  add("SUM",
      "The sum, in the type of the argument; of DECIMAL(p, s) a DECIMAL(38, s). NULL of no values.",
      {"SUM(x) of 1, 2, NULL", "3"},
      [](const std::string& name, Types types) { return BindSum(name, types, false); });
  add("AVG", "The mean, in the type of the argument: of integers without its fraction.",
      {"AVG(x) of 1, 2, NULL", "1"},
      [](const std::string& name, Types types) { return BindSum(name, types, true); });
  const auto keep = [&](const std::string& name, std::string doc, FunctionExample example,
                        Keep what) {
    add(name, std::move(doc), std::move(example),
        [what](const std::string& n, Types types) { return BindKeep(n, types, what); });
  };
  keep("MIN", "The least value.", {"MIN(x) of 1, 2, NULL", "1"}, Keep::kLeast);
  keep("MAX", "The greatest value.", {"MAX(x) of 1, 2, NULL", "2"}, Keep::kGreatest);
  keep("FIRST_VALUE", "The first value that arrived and is not NULL.",
       {"FIRST_VALUE(x) of 1, 2, NULL", "1"}, Keep::kFirst);
  keep("LAST_VALUE", "The last value that arrived and is not NULL.",
       {"LAST_VALUE(x) of 1, 2, NULL", "2"}, Keep::kLast);
  const auto spread = [&](const std::string& name, std::string doc, FunctionExample example,
                          bool sample, bool root) {
    add(name, std::move(doc), std::move(example),
        [sample, root](const std::string& n, Types types) {
          return BindSpread(n, types, sample, root);
        });
  };
  spread("STDDEV_POP", "The standard deviation of the values.", {"STDDEV_POP(x) of 1, 3", "1.0"},
         false, true);
  spread("STDDEV_SAMP", "The standard deviation estimated from a sample; NULL of one value.",
         {"STDDEV_SAMP(x) of 1, 1", "0.0"}, true, true);
  spread("VAR_POP", "The variance of the values.", {"VAR_POP(x) of 1, 3", "1.0"}, false, false);
  spread("VAR_SAMP", "The variance estimated from a sample; NULL of one value.",
         {"VAR_SAMP(x) of 1, 3", "2.0"}, true, false);
}

}  // namespace millrace::functions
