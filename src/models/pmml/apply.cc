#include "models/pmml/apply.h"

#include <algorithm>

#include "base/suggest.h"
#include "models/pmml/functions.h"

namespace millrace::pmml {
namespace {

struct MissingRule {
  double if_missing, otherwise;

  double operator()(bool any_missing, double value) const {
    if (any_missing && !IsMissing(if_missing)) return if_missing;
    return any_missing || IsMissing(value) ? otherwise : value;
  }
};

class ApplyFunction final : public Expression {
 public:
  ApplyFunction(const Function& function, DataType type, MissingRule missing,
                std::vector<std::unique_ptr<Expression>> arguments)
      : Expression(type), function_(function), missing_(missing), arguments_(std::move(arguments)) {
    for (const auto& argument : arguments_) types_.push_back(argument->type());
  }

  void Evaluate(Frame& frame, double* out) const override {
    std::vector<std::unique_ptr<Scratch>> scratch;
    std::vector<double*> columns;
    for (const auto& argument : arguments_) {
      scratch.push_back(std::make_unique<Scratch>(frame));
      columns.push_back(scratch.back()->get());
      argument->Evaluate(frame, columns.back());
    }
    function_.evaluate({frame, columns, types_}, out);
    for (int i = 0; i < frame.rows(); ++i) {
      bool any_missing = false;
      if (!function_.sees_missing) {
        for (const double* column : columns) any_missing = any_missing || IsMissing(column[i]);
      }
      out[i] = missing_(any_missing, out[i]);
    }
    while (!scratch.empty()) scratch.pop_back();
  }

 private:
  const Function& function_;
  MissingRule missing_;
  std::vector<std::unique_ptr<Expression>> arguments_;
  std::vector<DataType> types_;
};

/// The body of a function of the document, over columns for its parameters.
class ApplyDefined final : public Expression {
 public:
  ApplyDefined(DataType type, MissingRule missing,
               std::vector<std::pair<Slot, std::unique_ptr<Expression>>> parameters, Steps steps,
               std::unique_ptr<Expression> body)
      : Expression(type),
        missing_(missing),
        parameters_(std::move(parameters)),
        steps_(std::move(steps)),
        body_(std::move(body)) {}

  void Evaluate(Frame& frame, double* out) const override {
    for (const auto& [slot, argument] : parameters_) argument->Evaluate(frame, frame.Write(slot));
    for (const auto& step : steps_) step->Run(frame, nullptr);
    body_->Evaluate(frame, out);
    for (int i = 0; i < frame.rows(); ++i) {
      bool any_missing = false;
      for (const auto& [slot, argument] : parameters_)
        any_missing = any_missing || IsMissing(frame.Read(slot)[i]);
      if (any_missing && !IsMissing(missing_.if_missing)) out[i] = missing_.if_missing;
      if (IsMissing(out[i])) out[i] = missing_.otherwise;
    }
  }

 private:
  MissingRule missing_;
  std::vector<std::pair<Slot, std::unique_ptr<Expression>>> parameters_;
  Steps steps_;
  std::unique_ptr<Expression> body_;
};

MissingRule MissingRuleOf(const Element& apply, DataType type, Scope& scope) {
  const auto constant = [&](const char* attribute) {
    return apply.Has(attribute)
               ? ParseConstant(apply, apply.Text(attribute), type, scope.compiler().pool)
               : kMissing;
  };
  return {constant("mapMissingTo"), constant("defaultValue")};
}

std::unique_ptr<Expression> CompileDefined(const Element& apply, const Element& definition,
                                           std::vector<std::unique_ptr<Expression>> arguments,
                                           Scope& scope) {
  Compiler& compiler = scope.compiler();
  const auto fields = definition.Children("ParameterField");
  if (fields.size() != arguments.size()) {
    apply.Fail("gives " + std::to_string(arguments.size()) +
               " arguments to a function that takes " + std::to_string(fields.size()));
  }
  Scope inner(compiler, nullptr);
  std::vector<std::pair<Slot, std::unique_ptr<Expression>>> parameters;
  for (size_t i = 0; i < fields.size(); ++i) {
    Field field;
    field.name = fields[i].RequireText("name");
    field.type = DataTypeOf(fields[i], arguments[i]->type());
    field.op = OpTypeOf(fields[i], field.type);
    field.slot = compiler.NewSlot();
    parameters.emplace_back(field.slot, ConvertTo(field.type, std::move(arguments[i])));
    inner.Add(std::move(field));
  }
  auto body = CompileDerived(definition, inner);
  const DataType type = body->type();
  return std::make_unique<ApplyDefined>(type, MissingRuleOf(apply, type, scope),
                                        std::move(parameters), inner.TakeSteps(), std::move(body));
}

/// Values that are compared with each other must be of one kind.
void Align(const Function& function, std::vector<std::unique_ptr<Expression>>* arguments) {
  constexpr std::string_view kCompare[] = {"equal",       "notEqual",    "lessThan",
                                           "lessOrEqual", "greaterThan", "greaterOrEqual",
                                           "isIn",        "isNotIn"};
  constexpr std::string_view kOfText[] = {"uppercase", "lowercase", "stringLength", "trimBlanks",
                                          "substring", "replace",   "matches"};
  const auto is_among = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), function.name) != std::end(names);
  };
  if (is_among(kOfText)) {
    const size_t texts = function.name == "substring" ? 1 : arguments->size();
    for (size_t i = 0; i < texts; ++i)
      (*arguments)[i] = ConvertTo(DataType::kString, std::move((*arguments)[i]));
  } else if (is_among(kCompare)) {
    const DataType type = (*arguments)[0]->type();
    for (auto& argument : *arguments) {
      if ((argument->type() == DataType::kString) != (type == DataType::kString))
        argument = ConvertTo(type, std::move(argument));
    }
  } else if (function.name == "if" && arguments->size() == 3 &&
             ((*arguments)[1]->type() == DataType::kString) !=
                 ((*arguments)[2]->type() == DataType::kString)) {
    (*arguments)[2] = ConvertTo((*arguments)[1]->type(), std::move((*arguments)[2]));
  } else if (function.returns == Function::Returns::kNumber ||
             function.returns == Function::Returns::kDouble) {
    for (auto& argument : *arguments) {
      if (argument->type() == DataType::kString)
        argument = ConvertTo(DataType::kDouble, std::move(argument));
    }
  }
}

}  // namespace

std::unique_ptr<Expression> CompileApply(const Element& apply, Scope& scope) {
  const std::string name = apply.RequireText("function");
  std::vector<std::unique_ptr<Expression>> arguments;
  for (const Element& child : apply.Children())
    arguments.push_back(CompileExpression(child, scope));
  const auto& defined = scope.compiler().functions;
  if (const auto at = defined.find(name); at != defined.end())
    return CompileDefined(apply, at->second, std::move(arguments), scope);
  const Function* function = FindFunction(name);
  if (function == nullptr) {
    apply.Fail("calls the function '" + name + "', which is not supported",
               Suggest(name, FunctionNames()));
  }
  const int n = static_cast<int>(arguments.size());
  if (n < function->least || (function->most >= 0 && n > function->most)) {
    apply.Fail("gives " + std::to_string(n) + " arguments to '" + name + "'",
               "it takes " + std::to_string(function->least) +
                   (function->most < 0                 ? " or more"
                    : function->most > function->least ? " to " + std::to_string(function->most)
                                                       : ""));
  }
  Align(*function, &arguments);
  std::vector<DataType> types;
  for (const auto& argument : arguments) types.push_back(argument->type());
  const DataType type = TypeOf(*function, types);
  return std::make_unique<ApplyFunction>(*function, type, MissingRuleOf(apply, type, scope),
                                         std::move(arguments));
}

}  // namespace millrace::pmml
