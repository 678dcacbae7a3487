// UNION ALL and VALUES.
#include <algorithm>

#include "expr/type_rules.h"
#include "sql/coerce.h"
#include "sql/query_binder.h"

namespace millrace::sql {
namespace {

/// The types that column `column` of all rows fits, each row giving one type list.
Result<std::vector<SqlType>> CommonTypes(const std::vector<std::vector<SqlType>>& rows,
                                         const char* what, Position at) {
  std::vector<SqlType> out;
  for (size_t column = 0; column < rows[0].size(); ++column) {
    std::vector<SqlType> types;
    for (const auto& row : rows) types.push_back(row[column]);
    const bool all_null =
        std::all_of(types.begin(), types.end(), [](const SqlType& t) { return t.is_null(); });
    const auto common = all_null ? std::optional(SqlType::Null()) : CommonType(types);
    if (!common) {
      const auto other = std::find_if(types.begin(), types.end(), [&](const SqlType& t) {
        return !t.EqualsIgnoringNullability(types[0]);
      });
      return Error::User("column " + std::to_string(column + 1) + " of " + what + " is " +
                         types[0].AsNullable().ToString() + " here and " +
                         other->AsNullable().ToString() + " there")
          .At(at)
          .Hint("CAST one of them");
    }
    out.push_back(*common);
  }
  return out;
}

std::vector<SqlType> TypesOf(const Schema& schema) {
  std::vector<SqlType> types;
  for (const SqlField& column : schema.columns()) types.push_back(column.type);
  return types;
}

}  // namespace

Result<Stream> QueryBinder::BindBody(const syntax::SetOperation& set, const syntax::Query& query) {
  if (set.op != syntax::SetOperator::kUnion) {
    return NotPlanned("INTERSECT and EXCEPT", query.position);
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, BindSet(set));
  return BindOrder(query, std::move(rows));
}

Result<Stream> QueryBinder::BindSet(const syntax::SetOperation& set) {
  std::vector<Stream> inputs(2);
  ARROW_ASSIGN_OR_RAISE(inputs[0], Bind(*set.left, name_));
  ARROW_ASSIGN_OR_RAISE(inputs[1], Bind(*set.right, name_));
  const Schema first = inputs[0].schema();
  if (first.size() != inputs[1].schema().size()) {
    return Error::User("the sides of UNION have " + std::to_string(first.size()) + " and " +
                       std::to_string(inputs[1].schema().size()) + " columns")
        .At(set.right->position)
        .Hint("left: " + first.ToString() + "; right: " + inputs[1].schema().ToString());
  }
  ARROW_ASSIGN_OR_RAISE(const auto types, CommonTypes({TypesOf(first), TypesOf(inputs[1].schema())},
                                                      "UNION", set.right->position));
  for (Stream& input : inputs) {
    const Schema schema = input.schema();
    if (TypesOf(schema) == types && schema.Names() == first.Names()) continue;
    auto columns = sql::ColumnsOf(schema);
    for (size_t i = 0; i < columns.size(); ++i) columns[i] = CastTo(columns[i], types[i]);
    input = {nodes_.Calc(name_, std::move(input), nullptr, std::move(columns), first.Names()), 0};
  }
  Stream all{nodes_.Union(name_, std::move(inputs)), 0};
  return set.all ? all : Distinct(std::move(all));
}

Result<Stream> QueryBinder::BindBody(const syntax::Values& values, const syntax::Query& query) {
  ARROW_ASSIGN_OR_RAISE(auto rows, BindValues(values, query.position));
  return BindOrder(query, std::move(rows));
}

Result<Stream> QueryBinder::BindValues(const syntax::Values& values, Position at) {
  const Scope nothing;
  ExpressionBinder binder(context_, nothing);
  binder.SetClause("VALUES");
  ValuesConfig config;
  std::vector<std::vector<SqlType>> types;
  for (const auto& row : values.rows) {
    std::vector<ExpressionPtr> bound;
    std::vector<SqlType> row_types;
    for (const auto& value : row) {
      ARROW_ASSIGN_OR_RAISE(auto expression, binder.Bind(value));
      row_types.push_back(expression->type);
      bound.push_back(std::move(expression));
    }
    if (!types.empty() && types[0].size() != row_types.size()) {
      return Error::User("the rows of VALUES have " + std::to_string(types[0].size()) + " and " +
                         std::to_string(row_types.size()) + " values")
          .At(row.empty() ? at : Position(row[0]->position));
    }
    types.push_back(std::move(row_types));
    config.rows.push_back(std::move(bound));
  }
  ARROW_ASSIGN_OR_RAISE(const auto common, CommonTypes(types, "VALUES", at));
  for (size_t i = 0; i < common.size(); ++i)
    config.schema.Add("EXPR$" + std::to_string(i), common[i]);
  for (auto& row : config.rows) {
    for (size_t i = 0; i < row.size(); ++i) row[i] = CastTo(row[i], common[i]);
  }
  return Stream{nodes_.Values(name_, std::move(config)), 0};
}

}  // namespace millrace::sql
