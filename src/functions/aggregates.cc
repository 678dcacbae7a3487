#include <cmath>
#include <cstring>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <vector>

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

/// State pages hold 16-byte values without their alignment.
template <class T>
T Load(const FixedColumn& column, Slot slot) {
  T value;
  std::memcpy(&value, column.Get<std::array<char, sizeof(T)>>(slot).data(), sizeof(T));
  return value;
}
template <class T>
void Store(FixedColumn& column, Slot slot, T value) {
  std::memcpy(column.Mut<std::array<char, sizeof(T)>>(slot).data(), &value, sizeof(T));
}

/// The rows of an update that count: not skipped, and no argument NULL.
class Rows {
 public:
  Rows(const SlotRows& rows, std::span<const int8_t> signs, std::span<const uint8_t> skip,
       Columns arguments)
      : rows_(rows), signs_(signs), skip_(skip), null_(arguments) {}

  /// `add(row, place of its slot, sign)` for each row.
  template <class Add>
  void ForEach(Add add) const {
    if (are_all_added()) {
      for (size_t i = 0; i < rows_.places.size(); ++i) add(static_cast<int64_t>(i), place(i), 1);
      return;
    }
    for (size_t i = 0; i < rows_.places.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      if ((!skip_.empty() && skip_[i] != 0) || null_[row]) continue;
      add(row, place(i), signs_.empty() ? 1 : signs_[i]);
    }
  }

  /// Adds to a column of counts.
  void AddCounts(FixedColumn& column) const {
    std::vector<int64_t> counted;
    std::span<const int64_t> counts = rows_.counts;
    if (!are_all_added()) {
      counted.resize(rows_.slots.size());
      ForEach([&](int64_t, size_t place, int64_t sign) { counted[place] += sign; });
      counts = counted;
    }
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] != 0) column.Mut<int64_t>(rows_.slots[i]) += counts[i];
    }
  }

 private:
  bool are_all_added() const { return signs_.empty() && skip_.empty() && null_.never(); }
  size_t place(size_t row) const { return rows_.places[row]; }

  const SlotRows& rows_;
  std::span<const int8_t> signs_;
  std::span<const uint8_t> skip_;
  NullReader null_;
};

/// The values of a batch's slots side by side while its rows are added, so that a page is read and
/// written once per slot.
template <class T>
class SlotValues {
 public:
  SlotValues(FixedColumn& column, std::span<const Slot> slots) : column_(column), slots_(slots) {
    values_.reserve(slots.size());
    for (const Slot slot : slots) values_.push_back(Load<T>(column, slot));
  }
  T& operator[](size_t place) { return values_[place]; }
  /// Pages whose values are the same are not written.
  void Write() {
    for (size_t i = 0; i < slots_.size(); ++i) {
      const T before = Load<T>(column_, slots_[i]);
      if (std::memcmp(&before, &values_[i], sizeof(T)) != 0) Store(column_, slots_[i], values_[i]);
    }
  }

 private:
  FixedColumn& column_;
  std::span<const Slot> slots_;
  std::vector<T> values_;
};

template <class T>
void AddTo(FixedColumn& column, std::span<const Slot> slots, const arrow::Array& values) {
  const T* added = values.data()->GetValues<T>(1);
  for (size_t i = 0; i < slots.size(); ++i) column.Mut<T>(slots[i]) += added[i];
}

class Count final : public Aggregator {
 public:
  std::vector<SqlType> StateTypes() const override { return {SqlType::BigInt().AsNotNull()}; }
  Status Update(KeyedTable& table, int first, const SlotRows& slot_rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    Rows(slot_rows, signs, skip, arguments).AddCounts(table.Fixed(first));
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
    const Rows rows(slot_rows, signs, skip, arguments);
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

enum class Keep { kLeast, kGreatest, kFirst, kLast };

template <Keep keep, class V>
bool Replaces(const V& kept, const V& value) {
  if constexpr (keep == Keep::kLeast) return value < kept;
  if constexpr (keep == Keep::kGreatest) return value > kept;
  return keep == Keep::kLast;
}

/// `f` of `keep` as a constant, so that loops need not ask.
template <class F>
void DispatchKeep(Keep keep, F f) {
  switch (keep) {
    case Keep::kLeast:
      return f(std::integral_constant<Keep, Keep::kLeast>());
    case Keep::kGreatest:
      return f(std::integral_constant<Keep, Keep::kGreatest>());
    case Keep::kFirst:
      return f(std::integral_constant<Keep, Keep::kFirst>());
    case Keep::kLast:
      return f(std::integral_constant<Keep, Keep::kLast>());
  }
}

/// MIN, MAX, FIRST_VALUE, LAST_VALUE of numbers and times.
template <class T>
class KeepFixed final : public Aggregator {
 public:
  KeepFixed(SqlType type, Keep keep) : type_(std::move(type)), keep_(keep) {}

  std::vector<SqlType> StateTypes() const override {
    return {type_.AsNotNull(), SqlType::TinyInt().AsNotNull()};
  }

  Status Update(KeyedTable& table, int first, const SlotRows& slot_rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    SlotValues<T> kept(table.Fixed(first), slot_rows.slots);
    SlotValues<int8_t> has(table.Fixed(first + 1), slot_rows.slots);
    const Rows rows(slot_rows, signs, skip, arguments);
    const ColumnReader<T> values(arguments[0]);
    DispatchKeep(keep_, [&]<Keep keep>(std::integral_constant<Keep, keep>) {
      rows.ForEach([&](int64_t row, size_t place, int64_t) {
        const T value = values[row];
        if (has[place] != 0 && !Replaces<keep>(kept[place], value)) return;
        has[place] = 1;
        kept[place] = value;
      });
    });
    kept.Write();
    has.Write();
    return Status::OK();
  }

  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    FixedColumn& kept = table.Fixed(first);
    FixedColumn& has = table.Fixed(first + 1);
    const int8_t* has_value = states[1]->data()->GetValues<int8_t>(1);
    const ColumnReader<T> values(ColumnValue{states[0]});
    DispatchKeep(keep_, [&]<Keep keep>(std::integral_constant<Keep, keep>) {
      for (size_t i = 0; i < slots.size(); ++i) {
        if (has_value[i] == 0) continue;
        const T value = values[static_cast<int64_t>(i)];
        const bool keeps = has.Get<int8_t>(slots[i]) != 0;
        if (keeps && !Replaces<keep>(Load<T>(kept, slots[i]), value)) continue;
        has.Mut<int8_t>(slots[i]) = 1;
        Store(kept, slots[i], value);
      }
    });
    return Status::OK();
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
        writer.Append(Load<T>(kept, slot));
      else
        ARROW_RETURN_NOT_OK(writer.AppendNull());
    }
    return writer.Finish();
  }

 private:
  SqlType type_;
  Keep keep_;
};

/// The same of texts and bytes: gathered once and scattered once per batch.
class KeepBytes final : public Aggregator {
 public:
  KeepBytes(SqlType type, Keep keep) : type_(std::move(type)), keep_(keep) {}

  std::vector<SqlType> StateTypes() const override { return {type_.AsNullable()}; }

  Status Update(KeyedTable& table, int first, const SlotRows& slot_rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    ARROW_ASSIGN_OR_RAISE(const auto before, table.Get(first, slot_rows.slots));
    const auto& stored = static_cast<const arrow::BinaryArray&>(*before);
    std::vector<std::optional<std::string_view>> kept(slot_rows.slots.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      const auto place = static_cast<int64_t>(i);
      if (stored.IsValid(place)) kept[i] = stored.GetView(place);
    }
    std::vector<uint8_t> changed(kept.size());
    const Rows rows(slot_rows, signs, skip, arguments);
    const ColumnReader<std::string_view> values(arguments[0]);
    DispatchKeep(keep_, [&]<Keep keep>(std::integral_constant<Keep, keep>) {
      rows.ForEach([&](int64_t row, size_t place, int64_t) {
        const std::string_view value = values[row];
        if (kept[place] && !Replaces<keep>(*kept[place], value)) return;
        kept[place] = value;
        changed[place] = 1;
      });
    });
    std::vector<Slot> targets;
    ColumnWriter<std::string> writer(type_.ToArrow(), static_cast<int64_t>(kept.size()));
    ARROW_RETURN_NOT_OK(writer.Open());
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!changed[i]) continue;
      targets.push_back(slot_rows.slots[i]);
      ARROW_RETURN_NOT_OK(writer.Append(*kept[i]));
    }
    if (targets.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto array, writer.Finish());
    return table.Set(first, targets, *array);
  }

  Status Merge(KeyedTable& table, int first, std::span<const Slot> slots, States states) override {
    std::unordered_map<Slot, uint32_t> known;
    std::vector<Slot> different;
    std::vector<uint32_t> places;
    for (const Slot slot : slots) {
      const auto [at, is_new] = known.emplace(slot, static_cast<uint32_t>(different.size()));
      if (is_new) different.push_back(slot);
      places.push_back(at->second);
    }
    const ColumnValue kept{states[0]};
    return Update(table, first, {different, places, {}}, {}, {}, {&kept, 1});
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
  Status Update(KeyedTable& table, int first, const SlotRows& slot_rows,
                std::span<const int8_t> signs, std::span<const uint8_t> skip,
                Columns arguments) override {
    SlotValues<double> sums(table.Fixed(first), slot_rows.slots);
    SlotValues<double> squares(table.Fixed(first + 1), slot_rows.slots);
    const Rows rows(slot_rows, signs, skip, arguments);
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
