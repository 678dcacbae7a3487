#include "functions/gathered.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_aggregate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/scalar.h>

#include "expr/row_kernel.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "spi/services.h"
#include "state/state.h"

namespace millrace::functions {
namespace {

using Columns = std::span<const ColumnValue>;
using ArrayPtr = std::shared_ptr<arrow::Array>;

Result<ArrayPtr> Full(const ColumnValue& value, size_t rows) {
  if (!value.constant) return value.array;
  ARROW_ASSIGN_OR_RAISE(const auto scalar, value.array->GetScalar(0));
  return arrow::MakeArrayFromScalar(*scalar, static_cast<int64_t>(rows));
}

/// The lists of an update's slots: their elements as places in one array of the old elements and
/// the update's.
using Lists = std::vector<std::vector<int32_t>>;

class GatheredValues final : public Aggregator {
 public:
  GatheredValues(const SqlType& argument, Gathered what)
      : list_(SqlType::Array(argument.AsNullable())),
        element_(argument.AsNullable().ToArrow()),
        what_(what) {}

  std::vector<SqlType> StateTypes() const override {
    if (what_ == Gathered::kJoined) return {list_, SqlType::String()};
    return {list_};
  }

  Status Update(KeyedTable& table, int first, const SlotRows& rows, std::span<const int8_t> signs,
                std::span<const uint8_t> skip, Columns arguments) override {
    Lists lists(rows.slots.size());
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr stored, table.Get(first, rows.slots));
    const auto& before = static_cast<const arrow::ListArray&>(*stored);
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr added, Full(arguments[0], rows.places.size()));
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr values, arrow::Concatenate({before.values(), added}));
    for (size_t i = 0; i < lists.size(); ++i) {
      const auto key = static_cast<int64_t>(i);
      if (before.IsNull(key)) continue;
      for (int32_t at = before.value_offset(key); at < before.value_offset(key + 1); ++at)
        lists[i].push_back(at);
    }
    const auto base = static_cast<int32_t>(before.values()->length());
    for (size_t i = 0; i < rows.places.size(); ++i) {
      const auto place = static_cast<int32_t>(base + static_cast<int32_t>(i));
      if (!skip.empty() && skip[i] != 0) continue;
      if (what_ != Gathered::kList && values->IsNull(place)) continue;
      std::vector<int32_t>& places = lists[rows.places[i]];
      if (signs.empty() || signs[i] > 0) {
        places.push_back(place);
        continue;
      }
      const auto same = std::ranges::find_if(
          places, [&](int32_t at) { return values->RangeEquals(at, at + 1, place, *values); });
      if (same != places.end()) places.erase(same);
    }
    if (what_ == Gathered::kJoined && arguments.size() == 2) {
      ARROW_ASSIGN_OR_RAISE(const ArrayPtr separators, Full(arguments[1], rows.places.size()));
      std::vector<Slot> row_slots;
      for (const uint32_t place : rows.places) row_slots.push_back(rows.slots[place]);
      ARROW_RETURN_NOT_OK(table.Set(first + 1, row_slots, *separators));
    }
    return Store(table, first, rows.slots, lists, *values);
  }

  Result<ArrayPtr> Results(const KeyedTable& table, int first,
                           std::span<const Slot> slots) const override {
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr stored, table.Get(first, slots));
    const auto& lists = static_cast<const arrow::ListArray&>(*stored);
    if (what_ == Gathered::kList) return stored;
    if (what_ == Gathered::kJoined) {
      ARROW_ASSIGN_OR_RAISE(const ArrayPtr separators, table.Get(first + 1, slots));
      return Joined(lists, static_cast<const arrow::StringArray&>(*separators));
    }
    std::unique_ptr<arrow::ArrayBuilder> builder;
    ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), element_, &builder));
    for (int64_t key = 0; key < lists.length(); ++key) {
      if (lists.IsNull(key)) {
        ARROW_RETURN_NOT_OK(builder->AppendNull());
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(const auto value, One(*lists.value_slice(key)));
      ARROW_RETURN_NOT_OK(builder->AppendScalar(*value));
    }
    return builder->Finish();
  }

 private:
  /// A key whose last value has gone has no list.
  Status Store(KeyedTable& table, int first, std::span<const Slot> slots, const Lists& lists,
               const arrow::Array& values) {
    arrow::Int32Builder places;
    arrow::TypedBufferBuilder<int32_t> offsets;
    arrow::TypedBufferBuilder<bool> valid;
    ARROW_RETURN_NOT_OK(offsets.Append(0));
    for (const auto& list : lists) {
      ARROW_RETURN_NOT_OK(places.AppendValues(list));
      ARROW_RETURN_NOT_OK(offsets.Append(static_cast<int32_t>(places.length())));
      ARROW_RETURN_NOT_OK(valid.Append(!list.empty()));
    }
    ARROW_ASSIGN_OR_RAISE(const auto index, places.Finish());
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr elements, arrow::compute::Take(values, *index));
    ARROW_ASSIGN_OR_RAISE(const auto bounds, offsets.Finish());
    ARROW_ASSIGN_OR_RAISE(const auto validity, valid.Finish());
    const arrow::ListArray after(list_.ToArrow(), static_cast<int64_t>(slots.size()), bounds,
                                 elements, validity);
    return table.Set(first, slots, after);
  }

  Result<std::shared_ptr<arrow::Scalar>> One(const arrow::Array& values) const {
    if (what_ == Gathered::kFirst) return values.GetScalar(0);
    if (what_ == Gathered::kLast) return values.GetScalar(values.length() - 1);
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum both, arrow::compute::MinMax(values));
    return both.scalar_as<arrow::StructScalar>().value[what_ == Gathered::kLeast ? 0 : 1];
  }

  static Result<ArrayPtr> Joined(const arrow::ListArray& lists,
                                 const arrow::StringArray& separators) {
    const auto& texts = static_cast<const arrow::StringArray&>(*lists.values());
    arrow::StringBuilder builder;
    std::string joined;
    for (int64_t key = 0; key < lists.length(); ++key) {
      if (lists.IsNull(key)) {
        ARROW_RETURN_NOT_OK(builder.AppendNull());
        continue;
      }
      joined.clear();
      for (int32_t at = lists.value_offset(key); at < lists.value_offset(key + 1); ++at) {
        if (at > lists.value_offset(key))
          joined += separators.IsNull(key) ? std::string_view(",") : separators.GetView(key);
        joined += texts.GetView(at);
      }
      ARROW_RETURN_NOT_OK(builder.Append(joined));
    }
    return builder.Finish();
  }

  const SqlType list_;
  const std::shared_ptr<arrow::DataType> element_;
  const Gathered what_;
};

BoundAggregate Bound(SqlType type, std::vector<SqlType> arguments, Gathered what) {
  BoundAggregate bound;
  bound.type = std::move(type);
  bound.make = [argument = arguments[0], what]() -> Result<std::unique_ptr<Aggregator>> {
    return MakeGathered(argument, what);
  };
  bound.argument_types = std::move(arguments);
  return bound;
}

}  // namespace

std::unique_ptr<Aggregator> MakeGathered(const SqlType& argument, Gathered what) {
  return std::make_unique<GatheredValues>(argument, what);
}

void AddGathered(Registries& registries) {
  const auto add_list = [&](const std::string& name, std::string doc) {
    registries.aggregates.Add({name,
                               name + "([DISTINCT] x)",
                               std::move(doc),
                               {{name + "(x) of 1, 2, NULL", "[1, 2, NULL]"}},
                               [name](Types types, bool) -> Result<BoundAggregate> {
                                 ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
                                 return Bound(SqlType::Array(types[0].AsNullable()), {types[0]},
                                              Gathered::kList);
                               }});
  };
  add_list("ARRAY_AGG", "The values as an array, in the order of arrival; NULL of no rows.");
  add_list("COLLECT_LIST", "As ARRAY_AGG: what a model wants that scores many rows at once.");
  registries.aggregates.Add(
      {"LISTAGG",
       "LISTAGG([DISTINCT] x [, separator])",
       "The texts in the order of arrival, with the separator (',') between.",
       {{"LISTAGG(x) of 'a', 'b', NULL", "a,b"}, {"LISTAGG(x, '; ') of 'a', 'b'", "a; b"}},
       [](Types types, bool) -> Result<BoundAggregate> {
         ARROW_RETURN_NOT_OK(CheckCount("LISTAGG", types.size(), 1, 2));
         for (size_t i = 0; i < types.size(); ++i) {
           if (!types[i].is_string() && !types[i].is_null())
             return WrongArgument("LISTAGG", i, "", "STRING", types[i], SqlType::String());
         }
         return Bound(SqlType::String(), std::vector<SqlType>(types.size(), SqlType::String()),
                      Gathered::kJoined);
       }});
}

}  // namespace millrace::functions
