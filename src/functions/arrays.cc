// Functions that make arrays and maps of others.
#include <algorithm>

#include <arrow/compute/api_vector.h>

#include "expr/type_rules.h"
#include "functions/collection_kernels.h"
#include "functions/families.h"

namespace millrace::functions {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using Places = std::vector<int32_t>;

/// The elements of several columns as one array, and where a row's are in it.
struct Pool {
  ArrayPtr values;
  std::vector<ArrayPtr> columns;  ///< arrays; or single elements
  std::vector<int32_t> bases;
  std::vector<bool> single;

  static Result<Pool> Of(const arrow::ArrayVector& columns, const arrow::DataType& element) {
    Pool pool;
    arrow::ArrayVector parts;
    int32_t base = 0;
    for (const ArrayPtr& column : columns) {
      pool.single.push_back(column->type_id() != arrow::Type::LIST ||
                            column->type()->Equals(element));
      parts.push_back(pool.single.back() ? column : List(column).values());
      pool.bases.push_back(base);
      base += static_cast<int32_t>(parts.back()->length());
    }
    pool.columns = columns;
    ARROW_ASSIGN_OR_RAISE(pool.values, arrow::Concatenate(parts));
    return pool;
  }
  /// Of row `row` of column `c`; an element stands for itself.
  Places At(size_t c, int64_t row) const {
    Places places;
    if (single[c]) {
      places.push_back(bases[c] + static_cast<int32_t>(row));
      return places;
    }
    const auto& list = List(columns[c]);
    for (int32_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i)
      places.push_back(bases[c] + i);
    return places;
  }
  bool Same(int32_t a, int32_t b) const { return SameElement(*values, a, *values, b); }
  bool Has(const Places& places, int32_t wanted) const {
    return std::ranges::any_of(places, [&](int32_t each) { return Same(each, wanted); });
  }
};

using Combine = std::function<Places(const Pool& pool, const std::vector<Places>& arguments)>;

Result<ArrayPtr> ListOf(const std::shared_ptr<arrow::DataType>& type, const ArrayPtr& elements,
                        const Places& offsets, const std::vector<bool>& valid) {
  arrow::TypedBufferBuilder<int32_t> bounds;
  ARROW_RETURN_NOT_OK(bounds.Append(offsets.data(), static_cast<int64_t>(offsets.size())));
  arrow::TypedBufferBuilder<bool> validity;
  for (const bool each : valid) ARROW_RETURN_NOT_OK(validity.Append(each));
  ARROW_ASSIGN_OR_RAISE(auto bound_buffer, bounds.Finish());
  ARROW_ASSIGN_OR_RAISE(auto valid_buffer, validity.Finish());
  return arrow::MakeArray(arrow::ArrayData::Make(type, static_cast<int64_t>(valid.size()),
                                                 {valid_buffer, bound_buffer}, {elements->data()}));
}

ScalarKernel Combined(const SqlType& result, Combine combine) {
  return FullKernel([type = result.ToArrow(), combine](const arrow::ArrayVector& columns,
                                                       int64_t rows,
                                                       RowErrors&) -> Result<ArrayPtr> {
    const auto& element = *static_cast<const arrow::ListType&>(*type).value_type();
    ARROW_ASSIGN_OR_RAISE(const Pool pool, Pool::Of(columns, element));
    Places take, offsets{0};
    std::vector<bool> valid;
    for (int64_t row = 0; row < rows; ++row) {
      bool present = true;
      std::vector<Places> arguments;
      for (size_t c = 0; c < columns.size(); ++c) {
        present = present && (pool.single[c] || columns[c]->IsValid(row));
        arguments.push_back(pool.At(c, row));
      }
      if (present) {
        const Places chosen = combine(pool, arguments);
        take.insert(take.end(), chosen.begin(), chosen.end());
      }
      valid.push_back(present);
      offsets.push_back(static_cast<int32_t>(take.size()));
    }
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr elements, TakeOrNull(*pool.values, take));
    return ListOf(type, elements, offsets, valid);
  });
}

Status NeedArrays(const std::string& name, Types types) {
  for (size_t i = 0; i < types.size(); ++i)
    ARROW_RETURN_NOT_OK(NeedKind(name, i, types, {TypeKind::kArray}, "ARRAY"));
  return Status::OK();
}

/// Arrays of one element type to such an array.
Bind OfArrays(const std::string& name, size_t most, Combine combine) {
  return [name, most, combine](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), most == kAny ? 1 : most, most));
    ARROW_RETURN_NOT_OK(NeedArrays(name, types));
    ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf(name, types));
    const SqlType type = common.AsNullable(AnyNullable(types));
    return WithKernel(type, std::vector<SqlType>(types.size(), type), Combined(type, combine));
  };
}

/// An array and an element to an array.
Bind OfElement(const std::string& name, Combine combine) {
  return [name, combine](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 2, 2));
    ARROW_RETURN_NOT_OK(NeedArrays(name, types.first(1)));
    const std::vector<SqlType> both{types[0].element(), types[1]};
    ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf(name, both));
    const SqlType element = common.AsNullable();
    const SqlType type = SqlType::Array(element).AsNullable(types[0].nullable());
    return WithKernel(type, {type, element}, Combined(type, combine));
  };
}

/// The places of a list's elements, NULLs first or last.
Result<Places> Sorted(const arrow::ListArray& list, int64_t row, bool ascending, bool nulls_first) {
  const arrow::compute::ArraySortOptions options(
      ascending ? arrow::compute::SortOrder::Ascending : arrow::compute::SortOrder::Descending,
      nulls_first ? arrow::compute::NullPlacement::AtStart : arrow::compute::NullPlacement::AtEnd);
  ARROW_ASSIGN_OR_RAISE(const ArrayPtr order,
                        arrow::compute::SortIndices(*list.value_slice(row), options));
  const auto& indices = static_cast<const arrow::UInt64Array&>(*order);
  Places places;
  for (int64_t i = 0; i < indices.length(); ++i)
    places.push_back(list.value_offset(row) + static_cast<int32_t>(indices.Value(i)));
  return places;
}

bool CanBeSorted(const SqlType& type) {
  return type.is_numeric() || type.is_string() || type.is_temporal() ||
         type.kind() == TypeKind::kBoolean;
}

Status NeedSortable(const std::string& name, Types types) {
  ARROW_RETURN_NOT_OK(NeedArrays(name, types.first(1)));
  if (CanBeSorted(types[0].element())) return Status::OK();
  return WrongArgument(name, 0, "", "an ARRAY of values with an order", types[0]);
}

Bind Extreme(const std::string& name, bool greatest) {
  return [name, greatest](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
    ARROW_RETURN_NOT_OK(NeedSortable(name, types));
    return WithKernel(types[0].element().AsNullable(), {types[0]},
                      FullKernel([greatest](const arrow::ArrayVector& columns, int64_t rows,
                                            RowErrors&) -> Result<ArrayPtr> {
                        const auto& list = List(columns[0]);
                        Places at;
                        for (int64_t row = 0; row < rows; ++row) {
                          Places sorted;
                          if (list.IsValid(row)) {
                            ARROW_ASSIGN_OR_RAISE(sorted, Sorted(list, row, !greatest, false));
                          }
                          at.push_back(sorted.empty() ? -1 : sorted[0]);
                        }
                        return TakeOrNull(*list.values(), at);
                      }));
  };
}

Result<BoundFunction> BindSort(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("ARRAY_SORT", types.size(), 1, 3));
  ARROW_RETURN_NOT_OK(NeedSortable("ARRAY_SORT", types));
  std::vector<SqlType> arguments(types.size(), SqlType::Boolean());
  arguments[0] = types[0];
  return WithKernel(
      types[0].AsNullable(AnyNullable(types)), std::move(arguments),
      FullKernel([type = types[0].ToArrow()](const arrow::ArrayVector& columns, int64_t rows,
                                             RowErrors&) -> Result<ArrayPtr> {
        const auto& list = List(columns[0]);
        const auto flag = [&](size_t c, int64_t row, bool otherwise) {
          if (c >= columns.size()) return otherwise;
          return static_cast<const arrow::BooleanArray&>(*columns[c]).Value(row);
        };
        Places take, offsets{0};
        std::vector<bool> valid;
        for (int64_t row = 0; row < rows; ++row) {
          valid.push_back(std::ranges::all_of(
              columns, [&](const ArrayPtr& column) { return column->IsValid(row); }));
          if (valid.back()) {
            const bool ascending = flag(1, row, true);
            ARROW_ASSIGN_OR_RAISE(const Places sorted,
                                  Sorted(list, row, ascending, flag(2, row, ascending)));
            take.insert(take.end(), sorted.begin(), sorted.end());
          }
          offsets.push_back(static_cast<int32_t>(take.size()));
        }
        ARROW_ASSIGN_OR_RAISE(const ArrayPtr elements, TakeOrNull(*list.values(), take));
        return ListOf(type, elements, offsets, valid);
      }));
}

Result<BoundFunction> BindJoin(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("ARRAY_JOIN", types.size(), 2, 3));
  ARROW_RETURN_NOT_OK(NeedArrays("ARRAY_JOIN", types.first(1)));
  if (!types[0].element().is_string()) {
    return WrongArgument("ARRAY_JOIN", 0, "", "ARRAY<STRING>", types[0],
                         SqlType::Array(SqlType::String()));
  }
  std::vector<SqlType> arguments(types.size(), SqlType::String());
  arguments[0] = types[0];
  return WithKernel(
      SqlType::String().AsNullable(AnyNullable(types)), std::move(arguments),
      FullKernel(
          [](const arrow::ArrayVector& columns, int64_t rows, RowErrors&) -> Result<ArrayPtr> {
            const auto& list = List(columns[0]);
            const auto& texts = static_cast<const arrow::StringArray&>(*list.values());
            const auto text = [&](size_t c, int64_t row) {
              return static_cast<const arrow::StringArray&>(*columns[c]).GetView(row);
            };
            arrow::StringBuilder builder;
            std::string joined;
            for (int64_t row = 0; row < rows; ++row) {
              const bool present = std::ranges::all_of(
                  columns, [&](const ArrayPtr& column) { return column->IsValid(row); });
              if (!present) {
                ARROW_RETURN_NOT_OK(builder.AppendNull());
                continue;
              }
              joined.clear();
              bool first = true;
              for (int32_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
                if (texts.IsNull(i) && columns.size() < 3) continue;
                if (!std::exchange(first, false)) joined += text(1, row);
                joined += texts.IsNull(i) ? text(2, row) : texts.GetView(i);
              }
              ARROW_RETURN_NOT_OK(builder.Append(joined));
            }
            return builder.Finish();
          }));
}

Result<BoundFunction> BindMapFromArrays(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("MAP_FROM_ARRAYS", types.size(), 2, 2));
  ARROW_RETURN_NOT_OK(NeedArrays("MAP_FROM_ARRAYS", types));
  const SqlType type = SqlType::Map(types[0].element(), types[1].element());
  return WithKernel(
      type, {types[0], types[1]},
      FullKernel([type = type.ToArrow()](const arrow::ArrayVector& columns, int64_t rows,
                                         RowErrors& errors) -> Result<ArrayPtr> {
        const auto &keys = List(columns[0]), &values = List(columns[1]);
        Places take_keys, take_values, offsets{0};
        std::vector<bool> valid;
        for (int64_t row = 0; row < rows; ++row) {
          valid.push_back(keys.IsValid(row) && values.IsValid(row));
          if (valid.back() && keys.value_length(row) != values.value_length(row)) {
            errors.Add(row, "MAP_FROM_ARRAYS of arrays of different lengths");
            valid.back() = false;
          }
          for (int32_t i = 0; valid.back() && i < keys.value_length(row); ++i) {
            take_keys.push_back(keys.value_offset(row) + i);
            take_values.push_back(values.value_offset(row) + i);
          }
          offsets.push_back(static_cast<int32_t>(take_keys.size()));
        }
        ARROW_ASSIGN_OR_RAISE(const ArrayPtr key, TakeOrNull(*keys.values(), take_keys));
        ARROW_ASSIGN_OR_RAISE(const ArrayPtr value, TakeOrNull(*values.values(), take_values));
        const auto& entries = static_cast<const arrow::MapType&>(*type).value_type();
        const auto pairs = std::make_shared<arrow::StructArray>(entries, key->length(),
                                                                arrow::ArrayVector{key, value});
        return ListOf(type, pairs, offsets, valid);
      }),
      true);
}

Result<BoundFunction> BindMapUnion(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("MAP_UNION", types.size(), 1, kAny));
  for (size_t i = 0; i < types.size(); ++i)
    ARROW_RETURN_NOT_OK(NeedKind("MAP_UNION", i, types, {TypeKind::kMap}, "MAP"));
  ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf("MAP_UNION", types));
  const SqlType type = common.AsNullable(AnyNullable(types));
  return WithKernel(
      type, std::vector<SqlType>(types.size(), type),
      FullKernel([type = type.ToArrow()](const arrow::ArrayVector& columns, int64_t rows,
                                         RowErrors&) -> Result<ArrayPtr> {
        arrow::ArrayVector key_parts, entry_parts;
        std::vector<int32_t> bases;
        int32_t base = 0;
        for (const ArrayPtr& column : columns) {
          const auto& map = static_cast<const arrow::MapArray&>(*column);
          key_parts.push_back(map.keys());
          entry_parts.push_back(List(column).values());
          bases.push_back(base);
          base += static_cast<int32_t>(map.keys()->length());
        }
        ARROW_ASSIGN_OR_RAISE(const ArrayPtr keys, arrow::Concatenate(key_parts));
        ARROW_ASSIGN_OR_RAISE(const ArrayPtr entries, arrow::Concatenate(entry_parts));
        Places take, offsets{0};
        std::vector<bool> valid;
        for (int64_t row = 0; row < rows; ++row) {
          valid.push_back(std::ranges::all_of(
              columns, [&](const ArrayPtr& column) { return column->IsValid(row); }));
          const auto begin = static_cast<std::ptrdiff_t>(take.size());
          for (size_t c = 0; valid.back() && c < columns.size(); ++c) {
            const auto& map = List(columns[c]);
            for (int32_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
              const int32_t place = bases[c] + i;
              const auto known = std::find_if(take.begin() + begin, take.end(), [&](int32_t at) {
                return SameElement(*keys, at, *keys, place);
              });
              if (known == take.end())
                take.push_back(place);
              else
                *known = place;
            }
          }
          offsets.push_back(static_cast<int32_t>(take.size()));
        }
        ARROW_ASSIGN_OR_RAISE(const ArrayPtr chosen, TakeOrNull(*entries, take));
        return ListOf(type, chosen, offsets, valid);
      }));
}

void AddTo(Places* places, const Places& more) {
  places->insert(places->end(), more.begin(), more.end());
}

}  // namespace

void AddArrays(Registries& registries) {
  const auto add = [&](const std::string& name, const char* arguments, const char* doc,
                       FunctionExample example, Bind bind) {
    AddToCollections(registries, name, name + arguments, doc, std::move(example), std::move(bind));
  };
  using Arguments = std::vector<Places>;
  add("ARRAY_APPEND", "(array, element)", "The array with the element at its end.",
      {"ARRAY_APPEND(ARRAY[1, 2], 3)", "[1, 2, 3]"},
      OfElement("ARRAY_APPEND", [](const Pool&, const Arguments& of) {
        Places out = of[0];
        AddTo(&out, of[1]);
        return out;
      }));
  add("ARRAY_PREPEND", "(array, element)", "The array with the element at its beginning.",
      {"ARRAY_PREPEND(ARRAY[1, 2], 3)", "[3, 1, 2]"},
      OfElement("ARRAY_PREPEND", [](const Pool&, const Arguments& of) {
        Places out = of[1];
        AddTo(&out, of[0]);
        return out;
      }));
  add("ARRAY_REMOVE", "(array, element)", "The array without what equals the element.",
      {"ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "[2]"},
      OfElement("ARRAY_REMOVE", [](const Pool& pool, const Arguments& of) {
        Places out = of[0];
        std::erase_if(out, [&](int32_t each) { return pool.Same(each, of[1][0]); });
        return out;
      }));
  add("ARRAY_CONCAT", "(array [, array]*)", "The arrays one after the other.",
      {"ARRAY_CONCAT(ARRAY[1], ARRAY[2, 3])", "[1, 2, 3]"},
      OfArrays("ARRAY_CONCAT", kAny, [](const Pool&, const Arguments& of) {
        Places out;
        for (const Places& each : of) AddTo(&out, each);
        return out;
      }));
  const auto distinct = [](const Pool& pool, const Places& places, auto wanted) {
    Places out;
    for (const int32_t each : places) {
      if (!pool.Has(out, each) && wanted(each)) out.push_back(each);
    }
    return out;
  };
  add("ARRAY_UNION", "(array, array)", "What is in one of the arrays, each element once.",
      {"ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", "[1, 2, 3]"},
      OfArrays("ARRAY_UNION", 2, [distinct](const Pool& pool, const Arguments& of) {
        Places all = of[0];
        AddTo(&all, of[1]);
        return distinct(pool, all, [](int32_t) { return true; });
      }));
  add("ARRAY_EXCEPT", "(array, array)", "What is in the first array only, each element once.",
      {"ARRAY_EXCEPT(ARRAY[1, 2, 1], ARRAY[2])", "[1]"},
      OfArrays("ARRAY_EXCEPT", 2, [distinct](const Pool& pool, const Arguments& of) {
        return distinct(pool, of[0], [&](int32_t each) { return !pool.Has(of[1], each); });
      }));
  add("ARRAY_INTERSECT", "(array, array)", "What is in both arrays, each element once.",
      {"ARRAY_INTERSECT(ARRAY[1, 2, 3], ARRAY[3, 2])", "[2, 3]"},
      OfArrays("ARRAY_INTERSECT", 2, [distinct](const Pool& pool, const Arguments& of) {
        return distinct(pool, of[0], [&](int32_t each) { return pool.Has(of[1], each); });
      }));
  add("ARRAY_MAX", "(array)", "The greatest element; NULL of an empty array.",
      {"ARRAY_MAX(ARRAY[2, 5, 3])", "5"}, Extreme("ARRAY_MAX", true));
  add("ARRAY_MIN", "(array)", "The least element; NULL of an empty array.",
      {"ARRAY_MIN(ARRAY[2, 5, 3])", "2"}, Extreme("ARRAY_MIN", false));
  add("ARRAY_SORT", "(array [, ascending [, nulls_first]])",
      "The elements in order. NULLs come first where it ascends, else last.",
      {"ARRAY_SORT(ARRAY[2, 5, 3], FALSE)", "[5, 3, 2]"}, BindSort);
  add("ARRAY_JOIN", "(array, separator [, instead_of_null])",
      "The texts with the separator between; NULLs are left out, or replaced.",
      {"ARRAY_JOIN(ARRAY['a', 'b'], '-')", "a-b"}, BindJoin);
  add("MAP_FROM_ARRAYS", "(keys, values)", "A map of the keys, each with the value at its place.",
      {"MAP_FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, 2])", "{a=1, b=2}"}, BindMapFromArrays);
  add("MAP_UNION", "(map [, map]*)", "The pairs of all maps; of equal keys the last one's value.",
      {"MAP_UNION(MAP['a', 1], MAP['b', 2])", "{a=1, b=2}"}, BindMapUnion);
}

}  // namespace millrace::functions
