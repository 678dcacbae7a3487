// JSON in texts: the SQL/JSON functions. The planner hands their clauses over as text literals.
#include <arrow/array.h>
#include <nlohmann/json.hpp>

#include "expr/row_kernel.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/json_path.h"
#include "functions/json_text.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

using nlohmann::json;
using Text = std::string_view;

ScalarFunctionSpec JsonFunction(std::string name, std::string syntax, std::string doc,
                                std::vector<FunctionExample> examples) {
  return {std::move(name),    {}, FunctionFamily::kString, std::move(syntax), std::move(doc),
          std::move(examples)};
}

std::string Dump(const auto& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// A JSON text, the path into it and what the clauses say, per row; the path is parsed once.
struct Lookup {
  JsonPath path;
  std::vector<std::string> clauses;  ///< the literals after the path
};

Result<Lookup> LookupOf(const std::string& function, Literals arguments) {
  Lookup lookup;
  ARROW_ASSIGN_OR_RAISE(const std::string path, TextLiteral(function, 1, arguments));
  ARROW_ASSIGN_OR_RAISE(lookup.path, JsonPath::Parse(path));
  for (size_t i = 2; i < arguments.size(); ++i) {
    const auto* text = std::get_if<std::string>(&arguments[i]->literal);
    lookup.clauses.push_back(text == nullptr ? "NULL" : *text);
  }
  return lookup;
}

/// A fault where the text is no JSON, too.
JsonPath::Found FindIn(Text text, const JsonPath& path) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return {true, std::nullopt};
  JsonPath::Found found = path.Find(document);
  if (found.value && found.value->is_null()) found.value.reset();
  return found;
}

using MakeRow = std::function<ScalarKernel(const Lookup&)>;

ScalarFunctionSpec OfPath(ScalarFunctionSpec head, SqlType result, size_t clauses, MakeRow make) {
  head.bind = [name = head.name, result, clauses, make](
                  Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 2, 2 + clauses));
    for (size_t i = 0; i < types.size(); ++i) {
      if (!types[i].is_string() && !types[i].is_null())
        return WrongArgument(name, i, i == 0 ? "json" : "path", "STRING", types[i],
                             SqlType::String());
    }
    ARROW_ASSIGN_OR_RAISE(const std::string path, TextLiteral(name, 1, literals));
    ARROW_RETURN_NOT_OK(JsonPath::Parse(path).status());
    BoundFunction bound{result, std::vector<SqlType>(types.size(), SqlType::String()), true,
                        nullptr};
    bound.make_kernel = [name, make](Literals arguments) -> Result<ScalarKernel> {
      ARROW_ASSIGN_OR_RAISE(const Lookup lookup, LookupOf(name, arguments));
      // The clauses are settled; a NULL default among them is not a NULL argument.
      return [kernel = make(lookup)](std::span<const ColumnValue> columns, int64_t rows,
                                     const EvalContext& context, RowErrors& errors) {
        return kernel(columns.first(1), rows, context, errors);
      };
    };
    return bound;
  };
  return head;
}

/// What the behaviour ON EMPTY or ON ERROR gives: false is NULL, nothing an error of the row.
std::optional<bool> Behave(RowScope& row, const std::string& behaviour, const std::string& fallback,
                           const char* fault, std::string& out) {
  if (behaviour == "ERROR") return row.Fail(fault);
  if (behaviour == "NULL") return false;
  out += fallback;
  return true;
}

ScalarKernel ValueKernel(const Lookup& lookup) {
  auto clauses = lookup.clauses;
  clauses.resize(4);
  return RowKernel<std::string, Text>(
      SqlType::String(),
      [path = lookup.path, on_empty = clauses[0], empty = clauses[1], on_error = clauses[2],
       error = clauses[3]](RowScope& row, Text text, std::string& out) -> std::optional<bool> {
        const JsonPath::Found found = FindIn(text, path);
        if (found.fault || (found.value && found.value->is_structured())) {
          return Behave(row, on_error.empty() ? "NULL" : on_error, error,
                        "JSON_VALUE finds no single value at its path", out);
        }
        if (!found.value) {
          return Behave(row, on_empty.empty() ? "NULL" : on_empty, empty,
                        "JSON_VALUE finds nothing at its path", out);
        }
        out += found.value->is_string() ? found.value->get<std::string>() : Dump(*found.value);
        return true;
      });
}

ScalarKernel QueryKernel(const Lookup& lookup) {
  auto clauses = lookup.clauses;
  clauses.resize(3);
  const auto fallback = [](const std::string& behaviour) {
    return behaviour == "EMPTY ARRAY" ? "[]" : behaviour == "EMPTY OBJECT" ? "{}" : "";
  };
  return RowKernel<std::string, Text>(
      SqlType::String(),
      [path = lookup.path, wrapper = clauses[0], on_empty = clauses[1], on_error = clauses[2],
       fallback](RowScope& row, Text text, std::string& out) -> std::optional<bool> {
        JsonPath::Found found = FindIn(text, path);
        const bool wraps =
            wrapper == "WITH UNCONDITIONAL ARRAY" ||
            (wrapper == "WITH CONDITIONAL ARRAY" && found.value && !found.value->is_array());
        if (found.value && wraps) found.value = json::array({std::move(*found.value)});
        if (found.fault || (found.value && !found.value->is_structured())) {
          return Behave(row, on_error.empty() ? "NULL" : on_error, fallback(on_error),
                        "JSON_QUERY finds no object or array at its path", out);
        }
        if (!found.value) {
          return Behave(row, on_empty.empty() ? "NULL" : on_empty, fallback(on_empty),
                        "JSON_QUERY finds nothing at its path", out);
        }
        out += Dump(*found.value);
        return true;
      });
}

ScalarKernel ExistsKernel(const Lookup& lookup) {
  auto clauses = lookup.clauses;
  clauses.resize(1);
  return RowKernel<bool, Text>(
      SqlType::Boolean(),
      [path = lookup.path, on_error = clauses[0]](RowScope& row, Text text) -> std::optional<bool> {
        const JsonPath::Found found = FindIn(text, path);
        if (!found.fault) return found.value.has_value();
        if (on_error == "ERROR") return row.Fail("JSON_EXISTS cannot follow its path");
        if (on_error == "UNKNOWN") return std::nullopt;
        return on_error == "TRUE";
      });
}

/// IS [NOT] JSON …; never NULL.
ScalarFunctionSpec IsJson(const std::string& kind, bool negated) {
  const std::string name =
      std::string(negated ? "IS NOT JSON" : "IS JSON") + (kind.empty() ? "" : " ") + kind;
  ScalarFunctionSpec spec = JsonFunction(
      name, "text " + name,
      std::string("Whether the text is ") + (negated ? "not " : "") + "JSON" +
          (kind.empty() ? "." : ", and of this kind."),
      {{"'{}' " + name,
        (kind.empty() || kind == "VALUE" || kind == "OBJECT") != negated ? "TRUE" : "FALSE"}});
  spec.bind = [name, kind, negated](Types types, Literals) -> Result<BoundFunction> {
    if (!types[0].is_string() && !types[0].is_null())
      return WrongArgument(name, 0, "text", "STRING", types[0], SqlType::String());
    return WithKernel(
        SqlType::Boolean().AsNotNull(), {SqlType::String()},
        [kind, negated](std::span<const ColumnValue> columns, int64_t rows, const EvalContext&,
                        RowErrors&) -> Result<ColumnValue> {
          const auto& texts = static_cast<const arrow::StringArray&>(*columns[0].array);
          arrow::BooleanBuilder builder;
          for (int64_t row = 0; row < (columns[0].constant ? 1 : rows); ++row) {
            const json value = texts.IsNull(row) ? json(json::value_t::discarded)
                                                 : json::parse(texts.GetView(row), nullptr, false);
            const bool fits = !value.is_discarded() && (kind != "OBJECT" || value.is_object()) &&
                              (kind != "ARRAY" || value.is_array()) &&
                              (kind != "SCALAR" || !value.is_structured());
            ARROW_RETURN_NOT_OK(builder.Append(fits != negated));
          }
          ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
          return ColumnValue{std::move(array), columns[0].constant};
        });
  };
  return spec;
}

bool IsJsonText(const Expression& expression) {
  if (expression.IsCall("CAST")) return IsJsonText(*expression.arguments[0]);
  return expression.IsCall("JSON_OBJECT") || expression.IsCall("JSON_ARRAY");
}

using Json = nlohmann::ordered_json;
using Fill = void (*)(const std::vector<Json>& values, bool keep_nulls, Json* out);

/// JSON_OBJECT and JSON_ARRAY: what is itself such a call is put in as JSON, not as a text.
ScalarFunctionSpec Constructor(ScalarFunctionSpec head, bool pairs, Fill fill) {
  head.bind = [name = head.name, pairs, fill](Types types, Literals) -> Result<BoundFunction> {
    if (types.empty() || (pairs && types.size() % 2 == 0))
      return Error::User(name + " takes a key for every value");
    std::vector<SqlType> arguments(types.begin(), types.end());
    for (size_t i = 1; pairs && i < types.size(); i += 2) {
      if (!types[i].is_string())
        return WrongArgument(name, i, "key", "STRING", types[i], SqlType::String());
    }
    BoundFunction bound{SqlType::String().AsNotNull(), arguments, true, nullptr};
    bound.make_kernel = [name, pairs, fill,
                         arguments](Literals expressions) -> Result<ScalarKernel> {
      ARROW_ASSIGN_OR_RAISE(const std::string on_null, TextLiteral(name, 0, expressions));
      std::vector<bool> nested;
      for (const ExpressionPtr& each : expressions) nested.push_back(IsJsonText(*each));
      return [name, pairs, fill, arguments, nested, keep_nulls = on_null == "NULL"](
                 std::span<const ColumnValue> columns, int64_t rows, const EvalContext&,
                 RowErrors& errors) -> Result<ColumnValue> {
        arrow::StringBuilder builder;
        for (int64_t row = 0; row < rows; ++row) {
          std::vector<Json> values;
          bool failed = false;
          for (size_t c = 1; c < columns.size(); ++c) {
            Json value = JsonOf(arguments[c], *columns[c].array, columns[c].constant ? 0 : row);
            failed = failed || (pairs && c % 2 == 1 && value.is_null());
            if (nested[c] && value.is_string()) value = Json::parse(value.get<std::string>());
            values.push_back(std::move(value));
          }
          Json out = pairs ? Json::object() : Json::array();
          if (failed)
            errors.Add(row, "a key of " + name + " is NULL");
          else
            fill(values, keep_nulls, &out);
          ARROW_RETURN_NOT_OK(builder.Append(Dump(out)));
        }
        ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
        return ColumnValue{std::move(array)};
      };
    };
    return bound;
  };
  return head;
}

ScalarFunctionSpec JsonString() {
  ScalarFunctionSpec spec = JsonFunction("JSON_STRING", "JSON_STRING(value)", "The value as JSON.",
                                         {{"JSON_STRING(ARRAY[1, 2])", "[1,2]"}});
  spec.bind = [](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("JSON_STRING", types.size(), 1, 1));
    return WithKernel(
        SqlType::String().AsNullable(types[0].nullable()), {types[0]},
        [type = types[0]](std::span<const ColumnValue> columns, int64_t rows, const EvalContext&,
                          RowErrors&) -> Result<ColumnValue> {
          arrow::StringBuilder builder;
          for (int64_t row = 0; row < (columns[0].constant ? 1 : rows); ++row) {
            ARROW_RETURN_NOT_OK(columns[0].array->IsNull(row)
                                    ? builder.AppendNull()
                                    : builder.Append(Dump(JsonOf(type, *columns[0].array, row))));
          }
          ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
          return ColumnValue{std::move(array), columns[0].constant};
        });
  };
  return spec;
}

}  // namespace

void AddJson(Registries& registries) {
  const auto add = [&](ScalarFunctionSpec spec) { registries.functions.Add(std::move(spec)); };
  add(OfPath(
      JsonFunction("JSON_VALUE",
                   "JSON_VALUE(json, path [RETURNING type] [{NULL | ERROR | DEFAULT x} ON EMPTY] "
                   "[{NULL | ERROR | DEFAULT x} ON ERROR])",
                   "The number, text or boolean at a path ('$.a[0].b', 'lax $.a'). Without a mode "
                   "a path is strict: what it names must be there.",
                   {{"JSON_VALUE('{\"a\": [1, 2]}', '$.a[1]')", "2"},
                    {"JSON_VALUE('{\"a\": 1}', 'lax $.b' DEFAULT 'none' ON EMPTY)", "none"}}),
      SqlType::String(), 4, ValueKernel));
  add(OfPath(JsonFunction("JSON_QUERY",
                          "JSON_QUERY(json, path [{WITHOUT | WITH [CONDITIONAL]} ARRAY WRAPPER] "
                          "[{NULL | EMPTY ARRAY | EMPTY OBJECT | ERROR} ON EMPTY] [… ON ERROR])",
                          "The object or array at a path, as JSON.",
                          {{"JSON_QUERY('{\"a\": {\"b\": 1}}', '$.a')", "{\"b\":1}"},
                           {"JSON_QUERY('[{\"a\": 1}, {\"a\": 2}]', '$[*].a')", "[1,2]"}}),
             SqlType::String(), 3, QueryKernel));
  add(OfPath(JsonFunction("JSON_EXISTS",
                          "JSON_EXISTS(json, path [{TRUE | FALSE | UNKNOWN | ERROR} ON ERROR])",
                          "Whether there is something at a path.",
                          {{"JSON_EXISTS('{\"a\": true}', '$.a')", "TRUE"}}),
             SqlType::Boolean(), 1, ExistsKernel));
  for (const bool negated : {false, true}) {
    for (const char* kind : {"", "VALUE", "OBJECT", "ARRAY", "SCALAR"}) add(IsJson(kind, negated));
  }
  add(JsonString());
  add(Constructor(
      JsonFunction(
          "JSON_OBJECT", "JSON_OBJECT([[KEY] key VALUE value]* [{NULL | ABSENT} ON NULL])",
          "A JSON object of the pairs.",
          {{"JSON_OBJECT('a' VALUE 1, 'b' VALUE JSON_ARRAY(TRUE))", "{\"a\":1,\"b\":[true]}"}}),
      true, [](const std::vector<Json>& values, bool keep_nulls, Json* out) {
        for (size_t i = 0; i + 1 < values.size(); i += 2) {
          if (keep_nulls || !values[i + 1].is_null())
            (*out)[values[i].get<std::string>()] = values[i + 1];
        }
      }));
  add(Constructor(
      JsonFunction("JSON_ARRAY", "JSON_ARRAY([value]* [{NULL | ABSENT} ON NULL])",
                   "A JSON array of the values; NULLs are left out unless NULL ON NULL.",
                   {{"JSON_ARRAY(1, 'a', CAST(NULL AS INT))", "[1,\"a\"]"}}),
      false, [](const std::vector<Json>& values, bool keep_nulls, Json* out) {
        for (const Json& value : values) {
          if (keep_nulls || !value.is_null()) out->push_back(value);
        }
      }));
}

}  // namespace millrace::functions
