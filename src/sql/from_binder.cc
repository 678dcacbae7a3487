// FROM: names, subqueries, joins, table functions.
#include <algorithm>

#include "base/suggest.h"
#include "sql/query_binder.h"
#include "sql/table_binder.h"
#include "syntax/text.h"

namespace millrace::sql {
namespace {

std::string HintText(const std::vector<syntax::Hint>& hints) {
  std::string text;
  for (const auto& hint : hints) {
    text += '/' + hint.name.name;
    for (const auto& option : hint.options) text += '\n' + option.key + '=' + option.value;
  }
  return text;
}

/// The elements of an unnested collection as columns.
Result<Schema> ElementColumns(const SqlType& type, Position at) {
  Schema out;
  switch (type.kind()) {
    case TypeKind::kArray:
      if (type.element().kind() == TypeKind::kRow) {
        for (const SqlField& field : type.element().fields()) {
          out.Add(field.name,
                  field.type.AsNullable(field.type.nullable() || type.element().nullable()));
        }
      } else {
        out.Add("EXPR$0", type.element());
      }
      return out;
    case TypeKind::kMap:
      out.Add("KEY", type.key());
      out.Add("VALUE", type.value());
      return out;
    default:
      return Error::User("UNNEST needs an ARRAY or a MAP, but this is " + type.ToString()).At(at);
  }
}

Result<Schema> Renamed(const Schema& schema, const std::optional<syntax::TableAlias>& alias) {
  if (!alias || alias->columns.empty()) return schema;
  if (static_cast<int>(alias->columns.size()) != schema.size()) {
    return Error::User("'" + alias->name.name + "' names " + std::to_string(alias->columns.size()) +
                       " columns, but there are " + std::to_string(schema.size()))
        .At(alias->name.position);
  }
  Schema out;
  for (int i = 0; i < schema.size(); ++i) {
    out.Add(alias->columns[static_cast<size_t>(i)].name, schema.column(i).type);
  }
  return out;
}

std::string DefaultAlias(const syntax::Relation& relation) {
  const auto* table = relation.As<syntax::TableName>();
  return table == nullptr ? std::string() : table->name.parts.back().name;
}

}  // namespace

Result<QueryBinder::From> QueryBinder::BindFrom(const syntax::Select& select) {
  if (select.from.empty()) {
    ValuesConfig one_row;
    one_row.schema.Add("$dummy", SqlType::Boolean());
    one_row.rows = {{Expression::Literal(std::monostate(), SqlType::Boolean())}};
    From from{{nodes_.Values(name_, std::move(one_row)), 0}, {}};
    from.scope.Add("", from.stream.schema());
    return from;
  }
  ARROW_ASSIGN_OR_RAISE(From from, BindRelation(*select.from[0], nullptr, false));
  for (size_t i = 1; i < select.from.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(from, BindRelation(*select.from[i], &from, false));
  }
  return from;
}

Result<QueryBinder::From> QueryBinder::BindRelation(const syntax::Relation& relation,
                                                    const From* left, bool outer) {
  if (const auto* join = relation.As<syntax::Join>()) return BindJoin(*join, relation.position);
  if (const auto* unnest = relation.As<syntax::Unnest>()) {
    if (left == nullptr) {
      From nothing;
      ARROW_ASSIGN_OR_RAISE(nothing, BindFrom(syntax::Select()));
      return BindUnnest(relation, *unnest, nothing, outer);
    }
    return BindUnnest(relation, *unnest, *left, outer);
  }
  if (left != nullptr) return NotPlanned("a join", relation.position);
  Stream stream;
  if (const auto* table = relation.As<syntax::TableName>()) {
    ARROW_ASSIGN_OR_RAISE(stream, BindName(*table, relation.position));
  } else if (const auto* derived = relation.As<syntax::DerivedTable>()) {
    ARROW_ASSIGN_OR_RAISE(stream, Bind(*derived->query, name_));
  } else if (const auto* function = relation.As<syntax::TableFunction>()) {
    ARROW_ASSIGN_OR_RAISE(stream, BindTableFunction(*function, relation.position));
  } else {
    return NotPlanned("MATCH_RECOGNIZE", relation.position);
  }
  From from;
  ARROW_ASSIGN_OR_RAISE(Schema schema, Renamed(stream.schema(), relation.alias));
  from.scope.Add(relation.alias ? relation.alias->name.name : DefaultAlias(relation),
                 std::move(schema));
  from.stream = std::move(stream);
  return from;
}

Result<QueryBinder::From> QueryBinder::BindJoin(const syntax::Join& join, Position at) {
  const bool unnests = join.right->As<syntax::Unnest>() != nullptr;
  const auto* always = join.condition ? join.condition->As<syntax::Literal>() : nullptr;
  const bool on_true = !join.condition || (always != nullptr && always->text == "TRUE");
  const bool kind_fits = join.kind == syntax::JoinKind::kCross ||
                         join.kind == syntax::JoinKind::kInner ||
                         join.kind == syntax::JoinKind::kLeft;
  if (!unnests || !on_true || !kind_fits || !join.using_columns.empty() || join.natural) {
    return NotPlanned("a join other than CROSS JOIN UNNEST and LEFT JOIN UNNEST … ON TRUE", at);
  }
  ARROW_ASSIGN_OR_RAISE(From left, BindRelation(*join.left, nullptr, false));
  return BindRelation(*join.right, &left, join.kind == syntax::JoinKind::kLeft);
}

Result<QueryBinder::From> QueryBinder::BindUnnest(const syntax::Relation& relation,
                                                  const syntax::Unnest& unnest, const From& left,
                                                  bool outer) {
  if (unnest.collections.size() != 1)
    return NotPlanned("UNNEST of several collections", relation.position);
  ExpressionBinder binder(context_, left.scope);
  binder.SetClause("UNNEST");
  UnnestConfig config;
  ARROW_ASSIGN_OR_RAISE(config.collection, binder.Bind(unnest.collections[0]));
  config.outer = outer;
  config.ordinality = unnest.with_ordinality;
  ARROW_ASSIGN_OR_RAISE(Schema added, ElementColumns(config.collection->type, relation.position));
  if (unnest.with_ordinality) added.Add("ORDINALITY", SqlType::Int().AsNotNull());
  ARROW_ASSIGN_OR_RAISE(added, Renamed(added, relation.alias));
  if (outer) {
    Schema nullable;
    for (const SqlField& column : added.columns())
      nullable.Add(column.name, column.type.AsNullable());
    added = std::move(nullable);
  }
  config.names = added.Names();
  From from;
  from.scope = left.scope;
  from.scope.Add(relation.alias ? relation.alias->name.name : "", added);
  from.stream = {nodes_.Unnest(name_, left.stream, std::move(config), added), 0};
  return from;
}

Result<Stream> QueryBinder::BindName(const syntax::TableName& table, Position at) {
  if (table.system_time) return NotPlanned("FOR SYSTEM_TIME AS OF", at);
  const std::string& first = table.name.parts[0].name;
  if (table.name.parts.size() == 1) {
    for (auto cte = ctes_.rbegin(); cte != ctes_.rend(); ++cte) {
      if (cte->table->name.name == first) return cte->stream;
    }
  }
  if (first == "millrace" && table.name.parts.size() == 2) {
    return BindSystemTable(context_, nodes_, table.name.parts[1].name, at);
  }
  ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(table.name));
  const std::string key = name + HintText(table.hints);
  if (const auto shared = shared_.find(key); shared != shared_.end()) return shared->second;
  Stream stream;
  if (const auto found = context_.catalog.FindTable(name)) {
    ARROW_ASSIGN_OR_RAISE(stream, BindTable(context_, nodes_, *found, table.hints, at));
  } else if (const auto view = context_.catalog.FindView(name)) {
    const auto ctes = std::exchange(ctes_, {});
    auto bound = Bind(*view->query, name);
    ctes_ = ctes;
    if (!bound.ok()) return WithPlace(bound.status(), at, "view " + name);
    stream = std::move(*bound);
    if (stream.schema().Names() != view->schema.Names()) {
      auto projections = sql::ColumnsOf(stream.schema());
      stream = {nodes_.Calc(name, std::move(stream), nullptr, std::move(projections),
                            view->schema.Names()),
                0};
    }
  } else if (const size_t dollar = name.rfind('$'); dollar != std::string::npos && dollar > 0) {
    ARROW_ASSIGN_OR_RAISE(stream, BindPort(name.substr(0, dollar), name.substr(dollar + 1), at));
  } else {
    std::vector<std::string> known = context_.catalog.TableNames();
    for (const Cte& cte : ctes_) known.push_back(cte.table->name.name);
    return UnknownObject("table or view", name, known, at);
  }
  shared_[key] = stream;
  return stream;
}

Result<Stream> QueryBinder::BindTableFunction(const syntax::TableFunction& function, Position at) {
  const auto& call = *function.call->As<syntax::FunctionCall>();
  const std::string name = syntax::ToUpper(call.name.parts.back().name);
  if (name == "ML_PREDICT") return BindMlPredict(call, function.call->position);
  if (name == "ML_EVALUATE") return BindMlEvaluate(call, function.call->position);
  if (IsWindowFunction(name)) return BindWindowFunction(name, call, function.call->position);
  const std::vector<std::string> known = {"ML_PREDICT", "ML_EVALUATE", "TUMBLE",
                                          "HOP",        "CUMULATE",    "SESSION"};
  if (const auto near = Nearest(name, known); !near.empty()) {
    return Error::User("no table function '" + name + "'")
        .At(function.call->position)
        .Hint("did you mean '" + near + "'?");
  }
  return NotPlanned("the table function " + name, at);
}

}  // namespace millrace::sql
