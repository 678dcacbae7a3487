#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sql/context.h"
#include "sql/placed_calls.h"
#include "sql/scope.h"

namespace millrace::sql {

/// Turns syntax into typed expressions: names to columns, calls to functions, implicit casts to
/// casts.
class ExpressionBinder {
 public:
  ExpressionBinder(const PlannerContext& context, const Scope& scope)
      : context_(context), scope_(scope) {}

  /// Where model calls go; without it they are errors.
  void AllowModels(ModelCalls* models) { models_ = models; }
  /// Where aggregate calls go, and the model calls in their arguments; without it they are errors.
  void AllowAggregates(AggregateCalls* aggregates, ModelCalls* models_inside) {
    aggregates_ = aggregates;
    models_inside_ = models_inside;
  }
  /// Names that mean these expressions where no column has them (select-list aliases).
  void SetAliases(const std::vector<syntax::SelectItem>* items) { aliases_ = items; }
  /// Asked first for every call: what it stands for in this SELECT, or null for an ordinary call.
  using CallHook = std::function<Result<ExpressionPtr>(const syntax::FunctionCall&, Position)>;
  void SetCallHook(CallHook hook) { call_hook_ = std::move(hook); }
  /// "WHERE", "GROUP BY" …: for messages.
  void SetClause(std::string clause) { clause_ = std::move(clause); }

  Result<ExpressionPtr> Bind(const syntax::Expression& expression);
  Result<ExpressionPtr> Bind(const syntax::ExpressionPtr& expression) { return Bind(*expression); }
  /// As `Bind`, and must be BOOLEAN.
  Result<ExpressionPtr> BindCondition(const syntax::Expression& expression);

  /// A call of a registered function, with its implicit casts.
  Result<ExpressionPtr> Call(const std::string& function, std::vector<ExpressionPtr> arguments,
                             Position position);

 private:
  Result<ExpressionPtr> BindNode(const syntax::Literal&, Position);
  Result<ExpressionPtr> BindNode(const syntax::IntervalLiteral&, Position);
  Result<ExpressionPtr> BindNode(const syntax::ColumnRef&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Unary&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Binary&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Is&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Between&, Position);
  Result<ExpressionPtr> BindNode(const syntax::In&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Like&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Case&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Cast&, Position);
  Result<ExpressionPtr> BindNode(const syntax::FunctionCall&, Position);
  Result<ExpressionPtr> BindNode(const syntax::Keyword&, Position);
  Result<ExpressionPtr> BindNode(const syntax::RowConstructor&, Position);
  Result<ExpressionPtr> BindNode(const syntax::ArrayConstructor&, Position);
  Result<ExpressionPtr> BindNode(const syntax::MapConstructor&, Position);
  Result<ExpressionPtr> BindNode(const syntax::ElementAccess&, Position);
  Result<ExpressionPtr> BindNode(const syntax::FieldAccess&, Position);
  Result<ExpressionPtr> BindNode(const syntax::AtTimeZone&, Position);
  template <class Other>
  Result<ExpressionPtr> BindNode(const Other&, Position);

  Result<ExpressionPtr> BindAlias(const std::string& name, bool* found);
  Result<ExpressionPtr> BindModelCall(std::shared_ptr<const Model>, const syntax::FunctionCall&,
                                      Position);
  Result<ExpressionPtr> BindAggregate(const AggregateFunctionSpec&, const syntax::FunctionCall&,
                                      Position);
  Result<ExpressionPtr> BindJsonCall(const std::string& name, const syntax::FunctionCall&,
                                     Position);
  Result<std::vector<ExpressionPtr>> BindArguments(const syntax::FunctionCall&);
  Result<ExpressionPtr> Negate(Result<ExpressionPtr> operand, bool negated, Position position);

  const PlannerContext& context_;
  const Scope& scope_;
  ModelCalls* models_ = nullptr;
  AggregateCalls* aggregates_ = nullptr;
  ModelCalls* models_inside_ = nullptr;
  CallHook call_hook_;
  const std::vector<syntax::SelectItem>* aliases_ = nullptr;
  std::map<std::string, ExpressionPtr> bound_aliases_;
  std::vector<std::string> aliases_in_progress_;
  std::string clause_ = "this place";
};

/// Whether a call of this name is `ExpressionBinder::BindJsonCall`'s.
bool IsJsonCall(const std::string& name);

}  // namespace millrace::sql
