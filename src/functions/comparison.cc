#include <algorithm>
#include <unordered_set>

#include "expr/block.h"
#include "expr/row_kernel.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

bool IsBlock(const SqlType& type) { return expr::BlockTypeOf(type).has_value(); }

/// Calls `f` with a value of the type by which values of `type` compare; null where they do not.
template <class F>
ScalarKernel DispatchComparable(const SqlType& type, F f) {
  if (const auto block = expr::BlockTypeOf(type)) {
    switch (*block) {
      case expr::BlockType::kBool:
        return f(bool{});
      case expr::BlockType::kInt8:
        return f(int8_t{});
      case expr::BlockType::kInt16:
        return f(int16_t{});
      case expr::BlockType::kInt32:
        return f(int32_t{});
      case expr::BlockType::kInt64:
        return f(int64_t{});
      case expr::BlockType::kFloat:
        return f(float{});
      case expr::BlockType::kDouble:
        return f(double{});
    }
  }
  if (type.kind() == TypeKind::kDecimal) return f(Int128{});
  if (type.is_string() || type.is_binary()) return f(std::string_view{});
  return nullptr;
}

/// The type to which both sides are cast: of a text literal beside a time, the time's.
Result<SqlType> ComparedType(const std::string& name, Types types, Literals literals) {
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const bool text = types[i].is_string() && i < literals.size() && literals[i] != nullptr;
    if (text && types[1 - i].is_temporal()) return types[1 - i];
  }
  return CommonOf(name, types);
}

Result<BoundFunction> Bound(const SqlType& result, const SqlType& common, size_t count,
                            ScalarKernel kernel, const std::string& name) {
  std::vector<SqlType> arguments(count, common);
  if (IsBlock(common)) return BuiltIn(result, std::move(arguments));
  if (!kernel) {
    return Error::User(name + " does not compare values of type " + common.AsNullable().ToString())
        .Hint("compare their fields or elements");
  }
  return WithKernel(result, std::move(arguments), std::move(kernel));
}

template <class Compare>
ScalarFunctionSpec Comparison(const std::string& name, std::string doc, FunctionExample example,
                              Compare compare) {
  ScalarFunctionSpec spec{name,
                          {},
                          FunctionFamily::kComparison,
                          "a " + name + " b",
                          std::move(doc),
                          {std::move(example)}};
  spec.bind = [name, compare](Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 2, 2));
    ARROW_ASSIGN_OR_RAISE(const SqlType common, ComparedType(name, types, literals));
    const SqlType result = SqlType::Boolean().AsNullable(AnyNullable(types));
    ScalarKernel kernel = DispatchComparable(
        common, [&]<class T>(T) -> ScalarKernel { return RowKernel<bool, T, T>(result, compare); });
    return Bound(result, common, 2, std::move(kernel), name);
  };
  return spec;
}

ScalarFunctionSpec Distinct(const std::string& name, bool distinct, std::string doc,
                            FunctionExample example) {
  ScalarFunctionSpec spec{name,
                          {},
                          FunctionFamily::kComparison,
                          "a " + name + " b",
                          std::move(doc),
                          {std::move(example)}};
  spec.bind = [name, distinct](Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 2, 2));
    ARROW_ASSIGN_OR_RAISE(const SqlType common, ComparedType(name, types, literals));
    ScalarKernel kernel = DispatchComparable(common, [&]<class T>(T) -> ScalarKernel {
      return [distinct](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext&,
                        RowErrors&) -> Result<ColumnValue> {
        const ColumnReader<T> a(arguments[0]), b(arguments[1]);
        const NullReader no_a(arguments.first(1)), no_b(arguments.subspan(1));
        arrow::BooleanBuilder builder;
        ARROW_RETURN_NOT_OK(builder.Reserve(rows));
        for (int64_t row = 0; row < rows; ++row) {
          const bool same = no_a[row] || no_b[row] ? no_a[row] == no_b[row] : a[row] == b[row];
          builder.UnsafeAppend(same != distinct);
        }
        ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
        return ColumnValue{array};
      };
    });
    return Bound(SqlType::Boolean().AsNotNull(), common, 2, std::move(kernel), name);
  };
  return spec;
}

ScalarFunctionSpec NullTest(const std::string& name, bool null, std::string doc,
                            FunctionExample example) {
  ScalarFunctionSpec spec{
      name, {}, FunctionFamily::kComparison, "a " + name, std::move(doc), {std::move(example)}};
  spec.bind = [name, null](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
    const SqlType type = types[0].is_null() ? SqlType::Boolean() : types[0];
    if (IsBlock(type)) return BuiltIn(SqlType::Boolean().AsNotNull(), {type});
    return WithKernel(SqlType::Boolean().AsNotNull(), {type},
                      [null](std::span<const ColumnValue> arguments, int64_t, const EvalContext&,
                             RowErrors&) -> Result<ColumnValue> {
                        const arrow::Array& array = *arguments[0].array;
                        arrow::BooleanBuilder builder;
                        ARROW_RETURN_NOT_OK(builder.Reserve(array.length()));
                        for (int64_t row = 0; row < array.length(); ++row) {
                          builder.UnsafeAppend(array.IsNull(row) == null);
                        }
                        ARROW_ASSIGN_OR_RAISE(auto result, builder.Finish());
                        return ColumnValue{result, arguments[0].constant};
                      });
  };
  return spec;
}

struct BytesHash {
  template <class T>
  size_t operator()(const T& value) const {
    if constexpr (std::is_same_v<T, Int128>)
      return std::hash<int64_t>()(static_cast<int64_t>(value));
    else
      return std::hash<T>()(value);
  }
};

template <class T>
ScalarKernel InKernel() {
  return [](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext&,
            RowErrors&) -> Result<ColumnValue> {
    const ColumnReader<T> value(arguments[0]);
    const NullReader no_value(arguments.first(1));
    std::unordered_set<T, BytesHash> constants;
    std::vector<const ColumnValue*> others;
    bool null_constant = false;
    for (const ColumnValue& argument : arguments.subspan(1)) {
      if (!argument.constant)
        others.push_back(&argument);
      else if (argument.array->IsNull(0))
        null_constant = true;
      else
        constants.insert(ColumnReader<T>(argument)[0]);
    }
    std::vector<ColumnReader<T>> readers;
    for (const ColumnValue* other : others) readers.emplace_back(*other);
    arrow::BooleanBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (no_value[row]) {
        builder.UnsafeAppendNull();
        continue;
      }
      const T x = value[row];
      bool found = constants.contains(x);
      bool unknown = null_constant;
      for (size_t i = 0; i < readers.size() && !found; ++i) {
        if (others[i]->array->IsNull(row))
          unknown = true;
        else
          found = readers[i][row] == x;
      }
      if (!found && unknown)
        builder.UnsafeAppendNull();
      else
        builder.UnsafeAppend(found);
    }
    ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
    return ColumnValue{array};
  };
}

ScalarFunctionSpec In() {
  ScalarFunctionSpec spec{"IN",
                          {},
                          FunctionFamily::kComparison,
                          "a IN (b [, c]*)",
                          "TRUE where the value equals one of the list.",
                          {{"2 IN (1, 2)", "TRUE"}}};
  spec.bind = [](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("IN", types.size(), 2, kAny));
    ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf("IN", types));
    ScalarKernel kernel =
        DispatchComparable(common, [&]<class T>(T) -> ScalarKernel { return InKernel<T>(); });
    if (!kernel)
      return Error::User("IN does not compare values of type " + common.AsNullable().ToString());
    return WithKernel(SqlType::Boolean().AsNullable(AnyNullable(types)),
                      std::vector<SqlType>(types.size(), common), std::move(kernel));
  };
  return spec;
}

template <class T>
ScalarKernel ExtremeKernel(const SqlType& type, bool greatest) {
  return [type = type.ToArrow(), greatest](std::span<const ColumnValue> arguments, int64_t rows,
                                           const EvalContext&, RowErrors&) -> Result<ColumnValue> {
    using Stored = std::conditional_t<std::is_same_v<T, std::string_view>, std::string, T>;
    std::vector<ColumnReader<T>> readers;
    for (const ColumnValue& argument : arguments) readers.emplace_back(argument);
    const NullReader null(arguments);
    ColumnWriter<Stored> writer(type, rows);
    ARROW_RETURN_NOT_OK(writer.Open());
    for (int64_t row = 0; row < rows; ++row) {
      if (null[row]) {
        ARROW_RETURN_NOT_OK(writer.AppendNull());
        continue;
      }
      T best = readers[0][row];
      for (size_t i = 1; i < readers.size(); ++i) {
        const T other = readers[i][row];
        if (greatest ? other > best : other < best) best = other;
      }
      if constexpr (std::is_same_v<T, std::string_view>) {
        ARROW_RETURN_NOT_OK(writer.Append(best));
      } else {
        writer.Append(best);
      }
    }
    ARROW_ASSIGN_OR_RAISE(auto array, writer.Finish());
    return ColumnValue{array};
  };
}

ScalarFunctionSpec Extreme(const std::string& name, bool greatest, std::string doc,
                           FunctionExample example) {
  ScalarFunctionSpec spec{name,
                          {},
                          FunctionFamily::kComparison,
                          name + "(a [, b]*)",
                          std::move(doc),
                          {std::move(example)}};
  spec.bind = [name, greatest](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, kAny));
    ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf(name, types));
    ScalarKernel kernel = DispatchComparable(
        common, [&]<class T>(T) -> ScalarKernel { return ExtremeKernel<T>(common, greatest); });
    if (!kernel)
      return Error::User(name + " does not compare values of type " +
                         common.AsNullable().ToString());
    return WithKernel(common, std::vector<SqlType>(types.size(), common), std::move(kernel));
  };
  return spec;
}

}  // namespace

void AddComparison(Registries& registries) {
  auto& to = registries.functions;
  to.Add(Comparison("=", "TRUE where both are equal.", {"1 = 1", "TRUE"},
                    [](auto a, auto b) { return a == b; }));
  to.Add(Comparison("<>", "TRUE where they differ.", {"1 <> 1", "FALSE"},
                    [](auto a, auto b) { return a != b; }));
  to.Add(Comparison("<", "TRUE where `a` is less.", {"'a' < 'b'", "TRUE"},
                    [](auto a, auto b) { return a < b; }));
  to.Add(Comparison("<=", "TRUE where `a` is not greater.", {"2 <= 1", "FALSE"},
                    [](auto a, auto b) { return a <= b; }));
  to.Add(Comparison(">", "TRUE where `a` is greater.", {"2 > 1", "TRUE"},
                    [](auto a, auto b) { return a > b; }));
  to.Add(Comparison(">=", "TRUE where `a` is not less.", {"2 >= 2.0", "TRUE"},
                    [](auto a, auto b) { return a >= b; }));
  to.Add(Distinct("IS DISTINCT FROM", true, "As `<>`, with NULL as a value like others.",
                  {"1 IS DISTINCT FROM NULL", "TRUE"}));
  to.Add(Distinct("IS NOT DISTINCT FROM", false, "As `=`, with NULL as a value like others.",
                  {"1 IS NOT DISTINCT FROM NULL", "FALSE"}));
  to.Add(NullTest("IS NULL", true, "TRUE where the value is NULL.", {"1 IS NULL", "FALSE"}));
  to.Add(NullTest("IS NOT NULL", false, "TRUE where the value is not NULL.",
                  {"1 IS NOT NULL", "TRUE"}));
  to.Add(In());
  to.Add(Extreme("GREATEST", true, "The greatest value; NULL where one is NULL.",
                 {"GREATEST(1, 3, 2)", "3"}));
  to.Add(Extreme("LEAST", false, "The least value; NULL where one is NULL.",
                 {"LEAST('b', 'a')", "a"}));
}

void AddLogical(Registries& registries) {
  const auto logical = [&](const std::string& name, const std::string& syntax,
                           const std::string& doc, FunctionExample example, size_t least,
                           size_t most, bool never_null) {
    ScalarFunctionSpec spec{name, {}, FunctionFamily::kLogical, syntax, doc, {std::move(example)}};
    spec.bind = [=](Types types, Literals) -> Result<BoundFunction> {
      ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), least, most));
      for (size_t i = 0; i < types.size(); ++i) {
        if (types[i].kind() == TypeKind::kBoolean || types[i].is_null()) continue;
        return WrongArgument(name, i, "", "BOOLEAN", types[i], SqlType::Boolean());
      }
      return BuiltIn(SqlType::Boolean().AsNullable(!never_null && AnyNullable(types)),
                     std::vector<SqlType>(types.size(), SqlType::Boolean()));
    };
    registries.functions.Add(std::move(spec));
  };
  logical("AND", "a AND b", "TRUE where all are; FALSE where one is, even beside NULL or an error.",
          {"FALSE AND NULL", "FALSE"}, 1, kAny, false);
  logical("OR", "a OR b", "TRUE where one is, even beside NULL.", {"TRUE OR NULL", "TRUE"}, 1, kAny,
          false);
  logical("NOT", "NOT a", "The opposite; NULL of NULL.", {"NOT TRUE", "FALSE"}, 1, 1, false);
  logical("IS TRUE", "a IS TRUE", "TRUE where the value is TRUE; never NULL.",
          {"(1 > 2) IS TRUE", "FALSE"}, 1, 1, true);
  logical("IS NOT TRUE", "a IS NOT TRUE", "TRUE where the value is FALSE or NULL.",
          {"(1 > 2) IS NOT TRUE", "TRUE"}, 1, 1, true);
  logical("IS FALSE", "a IS FALSE", "TRUE where the value is FALSE; never NULL.",
          {"(1 > 2) IS FALSE", "TRUE"}, 1, 1, true);
  logical("IS NOT FALSE", "a IS NOT FALSE", "TRUE where the value is TRUE or NULL.",
          {"(1 > 2) IS NOT FALSE", "FALSE"}, 1, 1, true);
  logical("IS UNKNOWN", "a IS UNKNOWN", "TRUE where the value is NULL.",
          {"(1 > 2) IS UNKNOWN", "FALSE"}, 1, 1, true);
  logical("IS NOT UNKNOWN", "a IS NOT UNKNOWN", "TRUE where the value is TRUE or FALSE.",
          {"(1 > 2) IS NOT UNKNOWN", "TRUE"}, 1, 1, true);
}

}  // namespace millrace::functions
