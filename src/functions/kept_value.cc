#include "functions/kept_value.h"

#include <optional>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "expr/block.h"
#include "functions/aggregate_rows.h"
#include "functions/declare.h"
#include "functions/gathered.h"

namespace millrace::functions {
namespace {

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
    const CountedRows rows(slot_rows, signs, skip, arguments);
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
    const FixedColumn& kept = table.Fixed(first);
    const FixedColumn& has = table.Fixed(first + 1);
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
    const CountedRows rows(slot_rows, signs, skip, arguments);
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

}  // namespace

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

}  // namespace millrace::functions
