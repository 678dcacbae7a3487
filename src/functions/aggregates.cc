#include <cmath>
#include <unordered_map>

#include <arrow/array.h>

#include "expr/block.h"
#include "expr/decimal.h"
#include "expr/dispatch_number.h"
#include "expr/row_kernel.h"
#include "expr/type_rules.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/gathered.h"
#include "spi/services.h"
#include "state/state.h"

namespace millrace::functions {
namespace {

using Columns = std::span<const ColumnValue>;
using States = std::span<const std::shared_ptr<arrow::Array>>;

/// The rows of an update that count: not skipped, and no argument NULL.
class Rows {
 public:
  Rows(std::span<const int8_t> signs, std::span<const uint8_t> skip, Columns arguments)
      : signs_(signs), skip_(skip), null_(arguments) {}
  bool Counts(size_t row) const {
    return (skip_.empty() || skip_[row] == 0) && !null_[static_cast<int64_t>(row)];
  }
  int64_t Sign(size_t row) const { return signs_.empty() ? 1 : signs_[row]; }

 private:
  std::span<const int8_t> signs_;
  std::span<const uint8_t> skip_;
  NullReader null_;
};

/// State pages hold 16-byte values without their alignment.
Int128 Load(const FixedColumn& column, Slot slot) {
  Int128 value;
  std::memcpy(&value, column.Get<std::array<char, 16>>(slot).data(), 16);
  return value;
}
void Store(FixedColumn& column, Slot slot, Int128 value) {
  std::memcpy(column.Mut<std::array<char, 16>>(slot).data(), &value, 16);
}

template <class T>
void AddTo(FixedColumn& column, std::span<const Slot> slots, const arrow::Array& values) {
  const T* added = values.data()->GetValues<T>(1);
  for (size_t i = 0; i < slots.size(); ++i) column.Mut<T>(slots[i]) += added[i];
}

class Count final : public Aggregator {
 public:
  std::vector<SqlType> StateTypes() const override { return {SqlType::BigInt().AsNotNull()}; }
  Status Update(KeyedTable& table, int first, std::span<const Slot> slots,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    FixedColumn& count = table.Fixed(first);
    const Rows rows(signs, skip, arguments);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (rows.Counts(i)) count.Mut<int64_t>(slots[i]) += rows.Sign(i);
    }
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

  Status Update(KeyedTable& table, int first, std::span<const Slot> slots,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    FixedColumn& sum = table.Fixed(first);
    FixedColumn& count = table.Fixed(first + 1);
    const Rows rows(signs, skip, arguments);
    const ColumnReader<T> values(arguments[0]);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (!rows.Counts(i)) continue;
      const int64_t sign = rows.Sign(i);
      const auto value = static_cast<Wide>(values[static_cast<int64_t>(i)]);
      if constexpr (std::is_same_v<Wide, Int128>) {
        Store(sum, slots[i], Load(sum, slots[i]) + (sign > 0 ? value : -value));
      } else if constexpr (std::is_same_v<Wide, int64_t>) {
        // Wraps around as Java's long.
        uint64_t& total = sum.Mut<uint64_t>(slots[i]);
        total += static_cast<uint64_t>(value) * static_cast<uint64_t>(sign);
      } else {
        sum.Mut<double>(slots[i]) += sign > 0 ? value : -value;
      }
      count.Mut<int64_t>(slots[i]) += sign;
    }
    return Status::OK();
  }

  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    FixedColumn& sum = table.Fixed(first);
    if constexpr (std::is_same_v<Wide, Int128>) {
      const ColumnReader<Int128> added(ColumnValue{states[0]});
      for (size_t i = 0; i < slots.size(); ++i) {
        Store(sum, slots[i], Load(sum, slots[i]) + added[static_cast<int64_t>(i)]);
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
    // `Fixed` hands out the writing view only; nothing is written here.
    auto& readable = const_cast<KeyedTable&>(table);
    const FixedColumn& sum = readable.Fixed(first);
    const FixedColumn& count = readable.Fixed(first + 1);
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
      const Int128 total = Load(sum, slot);
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

enum class Keep { kLeast, kGreatest, kFirst, kLast };

template <class V>
bool Replaces(Keep keep, const V& kept, const V& value) {
  switch (keep) {
    case Keep::kLeast:
      return value < kept;
    case Keep::kGreatest:
      return value > kept;
    case Keep::kFirst:
      return false;
    case Keep::kLast:
      return true;
  }
  return false;
}

/// MIN, MAX, FIRST_VALUE, LAST_VALUE of numbers and times.
template <class T>
class KeepFixed final : public Aggregator {
 public:
  KeepFixed(SqlType type, Keep keep) : type_(std::move(type)), keep_(keep) {}

  std::vector<SqlType> StateTypes() const override {
    return {type_.AsNotNull(), SqlType::TinyInt().AsNotNull()};
  }

  Status Update(KeyedTable& table, int first, std::span<const Slot> slots,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    FixedColumn& kept = table.Fixed(first);
    FixedColumn& has = table.Fixed(first + 1);
    const Rows rows(signs, skip, arguments);
    const ColumnReader<T> values(arguments[0]);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (!rows.Counts(i)) continue;
      const T value = values[static_cast<int64_t>(i)];
      if (has.Get<int8_t>(slots[i]) != 0 && !Replaces(keep_, Read(kept, slots[i]), value)) continue;
      has.Mut<int8_t>(slots[i]) = 1;
      if constexpr (std::is_same_v<T, Int128>)
        Store(kept, slots[i], value);
      else
        kept.Mut<T>(slots[i]) = value;
    }
    return Status::OK();
  }

  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    const int8_t* has = states[1]->data()->GetValues<int8_t>(1);
    std::vector<uint8_t> skip(slots.size());
    for (size_t i = 0; i < skip.size(); ++i) skip[i] = has[i] == 0;
    const ColumnValue kept{states[0]};
    return Update(table, first, slots, {}, skip, {&kept, 1});
  }

  Result<std::shared_ptr<arrow::Array>> Results(const KeyedTable& table, int first,
                                                std::span<const Slot> slots) const override {
    auto& readable = const_cast<KeyedTable&>(table);
    const FixedColumn& kept = readable.Fixed(first);
    const FixedColumn& has = readable.Fixed(first + 1);
    ColumnWriter<T> writer(type_.ToArrow(), static_cast<int64_t>(slots.size()));
    ARROW_RETURN_NOT_OK(writer.Open());
    for (const Slot slot : slots) {
      if (has.Get<int8_t>(slot) != 0)
        writer.Append(Read(kept, slot));
      else
        ARROW_RETURN_NOT_OK(writer.AppendNull());
    }
    return writer.Finish();
  }

 private:
  static T Read(const FixedColumn& column, Slot slot) {
    if constexpr (std::is_same_v<T, Int128>)
      return Load(column, slot);
    else
      return column.Get<T>(slot);
  }

  SqlType type_;
  Keep keep_;
};

/// The same of texts and bytes: gathered once and scattered once per batch.
class KeepBytes final : public Aggregator {
 public:
  KeepBytes(SqlType type, Keep keep) : type_(std::move(type)), keep_(keep) {}

  std::vector<SqlType> StateTypes() const override { return {type_.AsNullable()}; }

  Status Update(KeyedTable& table, int first, std::span<const Slot> slots,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    ARROW_ASSIGN_OR_RAISE(const auto before, table.Get(first, slots));
    const auto& kept = static_cast<const arrow::BinaryArray&>(*before);
    const Rows rows(signs, skip, arguments);
    const ColumnReader<std::string_view> values(arguments[0]);
    std::unordered_map<Slot, std::string_view> changed;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (!rows.Counts(i)) continue;
      const auto row = static_cast<int64_t>(i);
      const std::string_view value = values[row];
      const auto found = changed.find(slots[i]);
      if (found != changed.end()) {
        if (Replaces(keep_, found->second, value)) found->second = value;
      } else if (kept.IsNull(row) || Replaces(keep_, kept.GetView(row), value)) {
        changed.emplace(slots[i], value);
      }
    }
    if (changed.empty()) return Status::OK();
    std::vector<Slot> targets;
    ColumnWriter<std::string> writer(type_.ToArrow(), static_cast<int64_t>(changed.size()));
    ARROW_RETURN_NOT_OK(writer.Open());
    for (const auto& [slot, value] : changed) {
      targets.push_back(slot);
      ARROW_RETURN_NOT_OK(writer.Append(value));
    }
    ARROW_ASSIGN_OR_RAISE(const auto array, writer.Finish());
    return table.Set(first, targets, *array);
  }

  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    const ColumnValue kept{states[0]};
    return Update(table, first, slots, {}, {}, {&kept, 1});
  }

  Result<std::shared_ptr<arrow::Array>> Results(const KeyedTable& table, int first,
                                                std::span<const Slot> slots) const override {
    return table.Get(first, slots);
  }

 private:
  SqlType type_;
  Keep keep_;
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
  Status Update(KeyedTable& table, int first, std::span<const Slot> slots,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    FixedColumn& sum = table.Fixed(first);
    FixedColumn& squares = table.Fixed(first + 1);
    FixedColumn& count = table.Fixed(first + 2);
    const Rows rows(signs, skip, arguments);
    const ColumnReader<double> values(arguments[0]);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (!rows.Counts(i)) continue;
      const double value = values[static_cast<int64_t>(i)];
      const auto sign = static_cast<double>(rows.Sign(i));
      sum.Mut<double>(slots[i]) += sign * value;
      squares.Mut<double>(slots[i]) += sign * value * value;
      count.Mut<int64_t>(slots[i]) += rows.Sign(i);
    }
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
    auto& readable = const_cast<KeyedTable&>(table);
    const FixedColumn& sums = readable.Fixed(first);
    const FixedColumn& squares = readable.Fixed(first + 1);
    const FixedColumn& counts = readable.Fixed(first + 2);
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

using Made = Result<std::unique_ptr<Aggregator>>;

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

Result<BoundAggregate> BindKeep(const std::string& name, Types types, Keep keep) {
  ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
  const SqlType type = types[0];
  const bool bytes = type.is_string() || type.is_binary();
  const bool fixed = type.kind() != TypeKind::kBoolean &&
                     (expr::BlockTypeOf(type) || type.kind() == TypeKind::kDecimal);
  if (!bytes && !fixed)
    return WrongArgument(name, 0, "", "a number, a time or a text", type, SqlType::String());
  const auto retractable = [type, keep]() -> Made {
    return MakeGathered(type, keep == Keep::kLeast      ? Gathered::kLeast
                              : keep == Keep::kGreatest ? Gathered::kGreatest
                              : keep == Keep::kFirst    ? Gathered::kFirst
                                                        : Gathered::kLast);
  };
  return BoundAggregate{type.AsNullable(),
                        {type},
                        false,
                        [type, keep, bytes]() -> Made {
                          if (bytes) return std::make_unique<KeepBytes>(type, keep);
                          if (type.kind() == TypeKind::kDecimal)
                            return std::make_unique<KeepFixed<Int128>>(type, keep);
                          switch (*expr::BlockTypeOf(type)) {
                            case expr::BlockType::kInt8:
                              return std::make_unique<KeepFixed<int8_t>>(type, keep);
                            case expr::BlockType::kInt16:
                              return std::make_unique<KeepFixed<int16_t>>(type, keep);
                            case expr::BlockType::kInt32:
                              return std::make_unique<KeepFixed<int32_t>>(type, keep);
                            case expr::BlockType::kFloat:
                              return std::make_unique<KeepFixed<float>>(type, keep);
                            case expr::BlockType::kDouble:
                              return std::make_unique<KeepFixed<double>>(type, keep);
                            default:
                              return std::make_unique<KeepFixed<int64_t>>(type, keep);
                          }
                        },
                        retractable};
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
