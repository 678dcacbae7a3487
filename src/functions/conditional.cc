#include "expr/row_kernel.h"
#include "expr/type_rules.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

using Bind = std::function<Result<BoundFunction>(Types, Literals)>;

void Add(Registries& registries, FunctionFamily family, const std::string& name, std::string syntax,
         std::string doc, FunctionExample example, Bind bind) {
  registries.functions.Add({name,
                            {},
                            family,
                            std::move(syntax),
                            std::move(doc),
                            {std::move(example)},
                            true,
                            std::move(bind)});
}

Result<BoundFunction> BindCase(Types types, Literals) {
  if (types.size() < 3 || types.size() % 2 == 0)
    return Error::Internal("CASE needs pairs of WHEN and THEN, and an ELSE");
  std::vector<SqlType> values;
  for (size_t i = 0; i + 1 < types.size(); i += 2) {
    if (types[i].kind() != TypeKind::kBoolean && !types[i].is_null()) {
      return WrongArgument("CASE", i, "WHEN", "BOOLEAN", types[i], SqlType::Boolean());
    }
    values.push_back(types[i + 1]);
  }
  values.push_back(types.back());
  ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf("CASE", values));
  std::vector<SqlType> arguments;
  for (size_t i = 0; i < types.size(); ++i) {
    arguments.push_back(i + 1 < types.size() && i % 2 == 0 ? SqlType::Boolean() : common);
  }
  return BuiltIn(common, std::move(arguments));
}

Bind Coalescing(const std::string& name, size_t most) {
  return [name, most](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), most == kAny ? 1 : most, most));
    ARROW_ASSIGN_OR_RAISE(SqlType common, CommonOf(name, types));
    bool nullable = true;
    for (const SqlType& type : types) nullable = nullable && type.nullable();
    return BuiltIn(common.AsNullable(nullable),
                   std::vector<SqlType>(types.size(), common.AsNullable()));
  };
}

Bind Casting(const std::string& name) {
  return [name](Types, Literals) -> Result<BoundFunction> {
    return Error::User(name + " is written " + name + "(value AS type)");
  };
}

}  // namespace

void AddConditional(Registries& registries) {
  using enum FunctionFamily;
  Add(registries, kConditional, "CASE", "CASE [value] WHEN a THEN b … [ELSE c] END",
      "The value of the first WHEN that is TRUE; others are not evaluated.",
      {"CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END", "b"}, BindCase);
  Add(registries, kConditional, "IF", "IF(condition, a, b)",
      "`a` where the condition is TRUE, else `b`.", {"IF(1 < 2, 10, 20)", "10"},
      [](Types types, Literals literals) -> Result<BoundFunction> {
        ARROW_RETURN_NOT_OK(CheckCount("IF", types.size(), 3, 3));
        return BindCase(types, literals);
      });
  Add(registries, kConditional, "COALESCE", "COALESCE(a [, b]*)",
      "The first value that is not NULL; later ones are not evaluated.",
      {"COALESCE(CAST(NULL AS INT), 5)", "5"}, Coalescing("COALESCE", kAny));
  Add(registries, kConditional, "IFNULL", "IFNULL(a, b)", "`b` where `a` is NULL.",
      {"IFNULL(CAST(NULL AS INT), 5)", "5"}, Coalescing("IFNULL", 2));
  Add(registries, kConditional, "NULLIF", "NULLIF(a, b)", "NULL where both are equal, else `a`.",
      {"NULLIF(5, 0)", "5"}, [](Types types, Literals) -> Result<BoundFunction> {
        ARROW_RETURN_NOT_OK(CheckCount("NULLIF", types.size(), 2, 2));
        ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf("NULLIF", types));
        return BuiltIn(common.AsNullable(), {common, common});
      });
  Add(registries, kConversion, "CAST", "CAST(value AS type)",
      "The value in another type; an error of the row where it does not fit.",
      {"CAST('42' AS INT)", "42"}, Casting("CAST"));
  Add(registries, kConversion, "TRY_CAST", "TRY_CAST(value AS type)",
      "As CAST; NULL where the value does not fit.", {"TRY_CAST('abc' AS INT)", "NULL"},
      Casting("TRY_CAST"));
  Add(registries, kConversion, "TYPEOF", "TYPEOF(value)", "The name of the value's type.",
      {"TYPEOF(1)", "INT NOT NULL"}, [](Types types, Literals) -> Result<BoundFunction> {
        ARROW_RETURN_NOT_OK(CheckCount("TYPEOF", types.size(), 1, 1));
        const std::string name = types[0].ToString();
        return WithKernel(SqlType::String().AsNotNull(), {types[0]},
                          [name](std::span<const ColumnValue>, int64_t, const EvalContext&,
                                 RowErrors&) -> Result<ColumnValue> {
                            arrow::StringBuilder builder;
                            ARROW_RETURN_NOT_OK(builder.Append(name));
                            ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
                            return ColumnValue{array, true};
                          });
      });
}

}  // namespace millrace::functions
