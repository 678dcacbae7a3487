#include <arrow/compute/api_vector.h>

#include "expr/row_kernel.h"
#include "expr/type_rules.h"
#include "functions/collection_kernels.h"
#include "functions/families.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

Result<BoundFunction> BindItem(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("ITEM", types.size(), 2, 2));
  ARROW_RETURN_NOT_OK(
      NeedKind("ITEM", 0, types, {TypeKind::kArray, TypeKind::kMap}, "ARRAY or MAP"));
  if (types[0].kind() == TypeKind::kArray) {
    if (!types[1].is_integer())
      return WrongArgument("ITEM", 1, "index", "INT", types[1], SqlType::Int());
    return WithKernel(types[0].element().AsNullable(), {types[0], SqlType::BigInt()},
                      FullKernel([](const arrow::ArrayVector& columns, int64_t rows,
                                    RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
                        const auto& list = List(columns[0]);
                        const auto& index = static_cast<const arrow::Int64Array&>(*columns[1]);
                        std::vector<int32_t> at(static_cast<size_t>(rows), -1);
                        for (int64_t row = 0; row < rows; ++row) {
                          if (list.IsNull(row) || index.IsNull(row)) continue;
                          const int64_t i = index.Value(row);
                          if (i >= 1 && i <= list.value_length(row))
                            at[static_cast<size_t>(row)] =
                                static_cast<int32_t>(list.value_offset(row) + i - 1);
                        }
                        return TakeOrNull(*list.values(), at);
                      }));
  }
  return WithKernel(types[0].value().AsNullable(), {types[0], types[0].key()},
                    FullKernel([](const arrow::ArrayVector& columns, int64_t rows,
                                  RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
                      const auto& map = static_cast<const arrow::MapArray&>(*columns[0]);
                      std::vector<int32_t> at(static_cast<size_t>(rows), -1);
                      for (int64_t row = 0; row < rows; ++row) {
                        if (map.IsNull(row)) continue;
                        for (int32_t i = map.value_offset(row); i < map.value_offset(row + 1);
                             ++i) {
                          if (SameElement(*map.keys(), i, *columns[1], row))
                            at[static_cast<size_t>(row)] = i;
                        }
                      }
                      return TakeOrNull(*map.items(), at);
                    }));
}

Result<BoundFunction> BindField(Types types, Literals literals) {
  ARROW_RETURN_NOT_OK(CheckCount("FIELD", types.size(), 2, 2));
  ARROW_RETURN_NOT_OK(NeedKind("FIELD", 0, types, {TypeKind::kRow}, "ROW"));
  const auto* index =
      literals[1] == nullptr ? nullptr : std::get_if<int64_t>(&literals[1]->literal);
  if (index == nullptr || *index < 0 || *index >= static_cast<int64_t>(types[0].fields().size())) {
    return Error::Internal("FIELD needs a literal index of a field");
  }
  const auto field = static_cast<size_t>(*index);
  const SqlType& type = types[0].fields()[field].type;
  return WithKernel(
      type.AsNullable(type.nullable() || types[0].nullable()), {types[0], types[1]},
      [field](Columns arguments, int64_t, const EvalContext&, RowErrors&) -> Result<ColumnValue> {
        const auto& row = static_cast<const arrow::StructArray&>(*arguments[0].array);
        ARROW_ASSIGN_OR_RAISE(auto values, row.GetFlattenedField(static_cast<int>(field)));
        return ColumnValue{std::move(values), arguments[0].constant};
      });
}

Result<BoundFunction> BindRow(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("ROW", types.size(), 1, kAny));
  std::vector<SqlField> fields;
  for (const SqlType& type : types)
    fields.push_back({"EXPR$" + std::to_string(fields.size()), type, {}});
  const SqlType result = SqlType::Row(std::move(fields)).AsNotNull();
  return WithKernel(
      result, {types.begin(), types.end()},
      FullKernel([type = result.ToArrow()](const arrow::ArrayVector& columns, int64_t rows,
                                           RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
        return std::make_shared<arrow::StructArray>(type, rows, columns);
      }));
}

/// Row r's columns side by side: row r of the result takes one value of each.
Result<std::shared_ptr<arrow::Array>> Interleave(const arrow::ArrayVector& columns, int64_t rows) {
  ARROW_ASSIGN_OR_RAISE(auto all, arrow::Concatenate(columns));
  std::vector<int32_t> take;
  for (int64_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < columns.size(); ++c)
      take.push_back(static_cast<int32_t>(static_cast<int64_t>(c) * rows + row));
  }
  return TakeOrNull(*all, take);
}

Result<std::shared_ptr<arrow::Buffer>> EvenOffsets(int64_t rows, int64_t width) {
  arrow::TypedBufferBuilder<int32_t> offsets;
  for (int64_t row = 0; row <= rows; ++row)
    ARROW_RETURN_NOT_OK(offsets.Append(static_cast<int32_t>(row * width)));
  return offsets.Finish();
}

Result<BoundFunction> BindArray(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("ARRAY", types.size(), 1, kAny));
  ARROW_ASSIGN_OR_RAISE(const SqlType element, CommonOf("ARRAY", types));
  const SqlType result = SqlType::Array(element).AsNotNull();
  return WithKernel(
      result, std::vector<SqlType>(types.size(), element),
      FullKernel([type = result.ToArrow()](const arrow::ArrayVector& columns, int64_t rows,
                                           RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
        ARROW_ASSIGN_OR_RAISE(auto values, Interleave(columns, rows));
        ARROW_ASSIGN_OR_RAISE(auto offsets,
                              EvenOffsets(rows, static_cast<int64_t>(columns.size())));
        return std::make_shared<arrow::ListArray>(type, rows, offsets, values);
      }));
}

Result<BoundFunction> BindMap(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("MAP", types.size(), 2, kAny));
  if (types.size() % 2 != 0) return Error::User("MAP takes pairs of key and value");
  std::vector<SqlType> keys, values, arguments;
  for (size_t i = 0; i < types.size(); i += 2) {
    keys.push_back(types[i]);
    values.push_back(types[i + 1]);
  }
  ARROW_ASSIGN_OR_RAISE(const SqlType key, CommonOf("MAP", keys));
  ARROW_ASSIGN_OR_RAISE(const SqlType value, CommonOf("MAP", values));
  for (size_t i = 0; i < keys.size(); ++i) arguments.insert(arguments.end(), {key, value});
  const SqlType result = SqlType::Map(key, value).AsNotNull();
  return WithKernel(
      result, std::move(arguments),
      FullKernel([type = result.ToArrow()](const arrow::ArrayVector& columns, int64_t rows,
                                           RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
        arrow::ArrayVector key_columns, value_columns;
        for (size_t i = 0; i < columns.size(); i += 2) {
          key_columns.push_back(columns[i]);
          value_columns.push_back(columns[i + 1]);
        }
        ARROW_ASSIGN_OR_RAISE(auto map_keys, Interleave(key_columns, rows));
        ARROW_ASSIGN_OR_RAISE(auto map_values, Interleave(value_columns, rows));
        ARROW_ASSIGN_OR_RAISE(auto offsets,
                              EvenOffsets(rows, static_cast<int64_t>(key_columns.size())));
        return std::make_shared<arrow::MapArray>(type, rows, offsets, map_keys, map_values);
      }));
}

Result<BoundFunction> BindCardinality(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("CARDINALITY", types.size(), 1, 1));
  ARROW_RETURN_NOT_OK(
      NeedKind("CARDINALITY", 0, types, {TypeKind::kArray, TypeKind::kMap}, "ARRAY or MAP"));
  return WithKernel(
      SqlType::Int().AsNullable(types[0].nullable()), {types[0]},
      FullKernel([](const arrow::ArrayVector& columns, int64_t rows,
                    RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
        arrow::Int32Builder builder;
        for (int64_t row = 0; row < rows; ++row) {
          ARROW_RETURN_NOT_OK(columns[0]->IsNull(row)
                                  ? builder.AppendNull()
                                  : builder.Append(List(columns[0]).value_length(row)));
        }
        return builder.Finish();
      }));
}

/// ARRAY_CONTAINS (BOOLEAN) and ARRAY_POSITION (INT, 1-based, 0: none).
Bind Search(const std::string& name, bool position) {
  return [name, position](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 2, 2));
    ARROW_RETURN_NOT_OK(NeedKind(name, 0, types, {TypeKind::kArray}, "ARRAY"));
    const SqlType element = types[0].element().AsNullable();
    if (!CanImplicitlyCast(types[1], element))
      return WrongArgument(name, 1, "element", element.ToString(), types[1], element);
    const SqlType result = (position ? SqlType::Int() : SqlType::Boolean())
                               .AsNullable(types[0].nullable() || position);
    return WithKernel(
        result, {types[0], element},
        FullKernel([position](const arrow::ArrayVector& columns, int64_t rows,
                              RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
          const auto& list = List(columns[0]);
          arrow::Int32Builder positions;
          arrow::BooleanBuilder contains;
          for (int64_t row = 0; row < rows; ++row) {
            if (list.IsNull(row) || (position && columns[1]->IsNull(row))) {
              ARROW_RETURN_NOT_OK(positions.AppendNull());
              ARROW_RETURN_NOT_OK(contains.AppendNull());
              continue;
            }
            int32_t found = 0;
            for (int32_t i = 0; i < list.value_length(row) && found == 0; ++i) {
              if (SameElement(*list.values(), list.value_offset(row) + i, *columns[1], row))
                found = i + 1;
            }
            ARROW_RETURN_NOT_OK(positions.Append(found));
            ARROW_RETURN_NOT_OK(contains.Append(found != 0));
          }
          return position ? positions.Finish() : contains.Finish();
        }));
  };
}

/// A function from ARRAY to ARRAY by choosing elements.
template <class Choose>
Bind OneArray(const std::string& name, Choose choose) {
  return [name, choose](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
    ARROW_RETURN_NOT_OK(NeedKind(name, 0, types, {TypeKind::kArray}, "ARRAY"));
    return WithKernel(types[0], {types[0]},
                      FullKernel([choose](const arrow::ArrayVector& columns, int64_t,
                                          RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
                        const auto& list = List(columns[0]);
                        return ChooseElements(list, [&](int64_t, int32_t first, int32_t end,
                                                        std::vector<int32_t>* take) {
                          choose(list, first, end, take);
                        });
                      }));
  };
}

Result<BoundFunction> BindSlice(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("ARRAY_SLICE", types.size(), 2, 3));
  ARROW_RETURN_NOT_OK(NeedKind("ARRAY_SLICE", 0, types, {TypeKind::kArray}, "ARRAY"));
  std::vector<SqlType> arguments(types.size(), SqlType::Int());
  arguments[0] = types[0];
  return WithKernel(
      types[0].AsNullable(), std::move(arguments),
      FullKernel([](const arrow::ArrayVector& columns, int64_t,
                    RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
        const auto& list = List(columns[0]);
        const auto place = [&](size_t c, int64_t row, int32_t size) {
          const int32_t at = static_cast<const arrow::Int32Array&>(*columns[c]).Value(row);
          return at < 0 ? size + at + 1 : std::max(at, 1);
        };
        return ChooseElements(
            list, [&](int64_t row, int32_t first, int32_t end, std::vector<int32_t>* take) {
              const int32_t size = end - first;
              const int32_t last = columns.size() == 3 ? std::min(place(2, row, size), size) : size;
              for (int32_t i = std::max(place(1, row, size), 1); i <= last; ++i)
                take->push_back(first + i - 1);
            });
      }));
}

Bind MapPart(const std::string& name, int part) {
  return [name, part](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
    ARROW_RETURN_NOT_OK(NeedKind(name, 0, types, {TypeKind::kMap}, "MAP"));
    SqlType element =
        part == 0   ? types[0].key()
        : part == 1 ? types[0].value()
                    : SqlType::Row({{"key", types[0].key(), {}}, {"value", types[0].value(), {}}});
    const SqlType result = SqlType::Array(std::move(element)).AsNullable(types[0].nullable());
    return WithKernel(
        result, {types[0]},
        FullKernel(
            [part, type = result.ToArrow()](const arrow::ArrayVector& columns, int64_t,
                                            RowErrors&) -> Result<std::shared_ptr<arrow::Array>> {
              const auto& map = static_cast<const arrow::MapArray&>(*columns[0]);
              auto data = map.data()->Copy();
              auto entries = part == 0 ? map.keys() : part == 1 ? map.items() : map.values();
              data->type = type;
              ARROW_ASSIGN_OR_RAISE(
                  entries, entries->View(static_cast<const arrow::ListType&>(*type).value_type()));
              data->child_data = {entries->data()};
              return arrow::MakeArray(data);
            }));
  };
}

}  // namespace

void AddCollection(Registries& registries) {
  AddToCollections(registries, "ROW", "ROW(a [, b]*)", "A row of the values.",
                   {"ROW(1, 'a')", "(1, a)"}, BindRow);
  AddToCollections(registries, "ARRAY", "ARRAY[a [, b]*]", "An array of the values.",
                   {"ARRAY[1, 2]", "[1, 2]"}, BindArray);
  AddToCollections(registries, "MAP", "MAP[key, value [, key, value]*]", "A map of the pairs.",
                   {"MAP['a', 1]", "{a=1}"}, BindMap);
  AddToCollections(registries, "ITEM", "array[index] or map[key]",
                   "The element at a 1-based index or of a key; NULL where there is none.",
                   {"ARRAY[10, 20][2]", "20"}, BindItem);
  AddToCollections(registries, "FIELD", "row.field", "A field of a row.",
                   {"CAST(ROW(1, 'a') AS ROW<x INT, y STRING>).y", "a"}, BindField);
  AddToCollections(registries, "CARDINALITY", "CARDINALITY(array or map)",
                   "The number of elements.", {"CARDINALITY(ARRAY[1, 2, 3])", "3"},
                   BindCardinality);
  AddToCollections(
      registries, "ELEMENT", "ELEMENT(array)",
      "The only element; NULL of an empty array, an error of the row where there are more.",
      {"ELEMENT(ARRAY[7])", "7"}, [](Types types, Literals) -> Result<BoundFunction> {
        ARROW_RETURN_NOT_OK(CheckCount("ELEMENT", types.size(), 1, 1));
        ARROW_RETURN_NOT_OK(NeedKind("ELEMENT", 0, types, {TypeKind::kArray}, "ARRAY"));
        return WithKernel(
            types[0].element().AsNullable(), {types[0]},
            FullKernel([](const arrow::ArrayVector& columns, int64_t rows,
                          RowErrors& errors) -> Result<std::shared_ptr<arrow::Array>> {
              const auto& list = List(columns[0]);
              std::vector<int32_t> at(static_cast<size_t>(rows), -1);
              for (int64_t row = 0; row < rows; ++row) {
                if (list.IsNull(row) || list.value_length(row) == 0) continue;
                if (list.value_length(row) > 1)
                  errors.Add(row, "ELEMENT of an array that has more than one");
                else
                  at[static_cast<size_t>(row)] = list.value_offset(row);
              }
              return TakeOrNull(*list.values(), at);
            }),
            true);
      });
  AddToCollections(registries, "ARRAY_CONTAINS", "ARRAY_CONTAINS(array, element)",
                   "Whether the element is in the array.",
                   {"ARRAY_CONTAINS(ARRAY[1, 2], 2)", "TRUE"}, Search("ARRAY_CONTAINS", false));
  AddToCollections(registries, "ARRAY_POSITION", "ARRAY_POSITION(array, element)",
                   "The 1-based place of the element; 0 where it is not in the array.",
                   {"ARRAY_POSITION(ARRAY[5, 7], 7)", "2"}, Search("ARRAY_POSITION", true));
  AddToCollections(registries, "ARRAY_DISTINCT", "ARRAY_DISTINCT(array)",
                   "Each element once, in the order of first occurrence.",
                   {"ARRAY_DISTINCT(ARRAY[1, 2, 1])", "[1, 2]"},
                   OneArray("ARRAY_DISTINCT", [](const arrow::ListArray& list, int32_t first,
                                                 int32_t end, std::vector<int32_t>* take) {
                     const size_t start = take->size();
                     for (int32_t i = first; i < end; ++i) {
                       bool known = false;
                       for (size_t k = start; k < take->size() && !known; ++k)
                         known = SameElement(*list.values(), (*take)[k], *list.values(), i);
                       if (!known) take->push_back(i);
                     }
                   }));
  AddToCollections(registries, "ARRAY_REVERSE", "ARRAY_REVERSE(array)",
                   "The elements in reverse order.", {"ARRAY_REVERSE(ARRAY[1, 2])", "[2, 1]"},
                   OneArray("ARRAY_REVERSE", [](const arrow::ListArray&, int32_t first, int32_t end,
                                                std::vector<int32_t>* take) {
                     for (int32_t i = end; i > first; --i) take->push_back(i - 1);
                   }));
  AddToCollections(
      registries, "ARRAY_SLICE", "ARRAY_SLICE(array, start [, end])",
      "The elements from a place to another, both 1-based and included; negative: from the end.",
      {"ARRAY_SLICE(ARRAY[1, 2, 3], 2)", "[2, 3]"}, BindSlice);
  AddToCollections(registries, "MAP_KEYS", "MAP_KEYS(map)", "The keys.",
                   {"MAP_KEYS(MAP['a', 1])", "[a]"}, MapPart("MAP_KEYS", 0));
  AddToCollections(registries, "MAP_VALUES", "MAP_VALUES(map)", "The values.",
                   {"MAP_VALUES(MAP['a', 1])", "[1]"}, MapPart("MAP_VALUES", 1));
  AddToCollections(registries, "MAP_ENTRIES", "MAP_ENTRIES(map)",
                   "The pairs as rows of key and value.", {"MAP_ENTRIES(MAP['a', 1])", "[(a, 1)]"},
                   MapPart("MAP_ENTRIES", 2));
}

}  // namespace millrace::functions
