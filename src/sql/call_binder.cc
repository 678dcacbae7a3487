// The calls of an expression binder: functions, models and aggregates.

#include <utility>

#include "base/suggest.h"
#include "sql/coerce.h"
#include "sql/expression_binder.h"

namespace millrace::sql {

Result<std::vector<ExpressionPtr>> ExpressionBinder::BindArguments(
    const syntax::FunctionCall& call) {
  std::vector<ExpressionPtr> arguments;
  for (const auto& argument : call.arguments) {
    if (argument.name) {
      return Error::User("'" + call.name.ToString() + "' takes its arguments by position")
          .At(argument.name->position);
    }
    ARROW_ASSIGN_OR_RAISE(auto value, Bind(argument.value));
    arguments.push_back(std::move(value));
  }
  return arguments;
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::FunctionCall& call,
                                                 Position position) {
  if (call_hook_) {
    ARROW_ASSIGN_OR_RAISE(auto meant, call_hook_(call, position));
    if (meant) return meant;
  }
  const std::string& name = call.name.parts.back().name;
  if (call.over) return NotPlanned("OVER", position);
  if (!call.within_group.empty()) return NotPlanned("WITHIN GROUP", position);
  if (IsJsonCall(name) && !call.distinct && !call.filter) {
    return BindJsonCall(name, call, position);
  }
  if (!call.clauses.empty()) return NotPlanned("a clause of " + name, position);
  if (call.name.parts.size() == 1) {
    if (const auto* aggregate = context_.registries.aggregates.Find(name)) {
      return BindAggregate(*aggregate, call, position);
    }
    if (context_.registries.functions.Find(name) != nullptr) {
      if (call.distinct || call.filter) {
        return Error::User("'" + name + "' is no aggregate: DISTINCT and FILTER do not apply")
            .At(position);
      }
      ARROW_ASSIGN_OR_RAISE(auto arguments, BindArguments(call));
      return Call(name, std::move(arguments), position);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const std::string object, ObjectName(call.name));
  if (auto model = context_.catalog.FindModel(object)) {
    return BindModelCall(std::move(model), call, position);
  }
  std::vector<std::string> names = context_.catalog.ModelNames();
  for (const auto* spec : context_.registries.functions.All()) names.push_back(spec->name);
  for (const auto* spec : context_.registries.aggregates.All()) names.push_back(spec->name);
  const std::string near = Nearest(name, names);
  return Error::User("no function or model '" + call.name.ToString() + "'")
      .At(position)
      .Hint(near.empty() ? "SHOW FUNCTIONS and SHOW MODELS list what there is"
                         : "did you mean '" + near + "'?");
}

Result<ExpressionPtr> ExpressionBinder::BindModelCall(std::shared_ptr<const Model> model,
                                                      const syntax::FunctionCall& call,
                                                      Position position) {
  if (models_ == nullptr) {
    return Error::User("the model '" + model->config.name + "' cannot be called in " + clause_)
        .At(position)
        .Hint("call it in the select list or WHERE of a query");
  }
  const Schema& input = model->config.input;
  std::vector<ExpressionPtr> arguments(call.arguments.size());
  std::vector<std::string> names = input.Names();
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    size_t at = i;
    if (const auto& name = call.arguments[i].name) {
      const int column = input.Find(name->name);
      if (column < 0) {
        return Error::User("model '" + model->config.name + "' has no input '" + name->name + "'")
            .At(name->position)
            .Hint(Suggest(name->name, names));
      }
      at = static_cast<size_t>(column);
    }
    if (at >= arguments.size() || arguments[at] != nullptr) {
      return Error::User("the arguments of model '" + model->config.name +
                         "' do not match its input")
          .At(position)
          .Hint("its input is " + input.ToString());
    }
    ARROW_ASSIGN_OR_RAISE(arguments[at], Bind(call.arguments[i].value));
  }
  ARROW_ASSIGN_OR_RAISE(arguments, CoerceModelArguments(*model, std::move(arguments), position));
  return models_->Add(std::move(model), std::move(arguments), position);
}

Result<ExpressionPtr> ExpressionBinder::BindAggregate(const AggregateFunctionSpec& spec,
                                                      const syntax::FunctionCall& call,
                                                      Position position) {
  if (aggregates_ == nullptr) {
    return Error::User("the aggregate " + spec.name + " cannot stand in " + clause_)
        .At(position)
        .Hint(clause_ == "WHERE" ? "use HAVING, or aggregate in a subquery first" : "");
  }
  AggregateCalls* const outer = std::exchange(aggregates_, nullptr);
  ModelCalls* const outer_models = std::exchange(models_, models_inside_);
  const std::string clause = std::exchange(clause_, "an aggregate's arguments");
  AggregateCall aggregate;
  aggregate.function = spec.name;
  aggregate.distinct = call.distinct;
  const auto bind = [&]() -> Status {
    const bool star =
        call.arguments.size() == 1 && call.arguments[0].value->As<syntax::Star>() != nullptr;
    if (!star) {
      ARROW_ASSIGN_OR_RAISE(aggregate.arguments, BindArguments(call));
    }
    if (call.filter) {
      ARROW_ASSIGN_OR_RAISE(aggregate.filter, BindCondition(*call.filter));
    }
    return Status::OK();
  };
  const Status bound_arguments = bind();
  aggregates_ = outer;
  models_ = outer_models;
  clause_ = clause;
  ARROW_RETURN_NOT_OK(bound_arguments);
  std::vector<SqlType> types;
  for (const auto& argument : aggregate.arguments) types.push_back(argument->type);
  auto bound = spec.bind(types, aggregate.distinct);
  if (!bound.ok()) return WithPlace(bound.status(), position);
  for (size_t i = 0; i < aggregate.arguments.size(); ++i) {
    aggregate.arguments[i] = CastTo(aggregate.arguments[i], bound->argument_types[i]);
  }
  aggregate.type = bound->type;
  return aggregates_->Add(std::move(aggregate), position);
}

}  // namespace millrace::sql
