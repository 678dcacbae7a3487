#include "expr/compiler.h"

#include <arrow/api.h>

#include "expr/cast.h"
#include "expr/literal.h"

namespace millrace::expr {

namespace {

std::string Key(std::string_view head, const SqlType& type, const std::vector<int>& arguments) {
  std::string key(head);
  key += '#';
  key += type.AsNullable().ToString();
  for (const int argument : arguments) key += ',' + std::to_string(argument);
  return key;
}

}  // namespace

const Expression& Compiler::Resolve(const Expression& expression) const {
  const Expression* resolved = &expression;
  while (resolved->IsColumn() && resolved->column >= input_.size()) {
    resolved = locals_[static_cast<size_t>(resolved->column - input_.size())].get();
  }
  return *resolved;
}

Result<const Compiler::Call*> Compiler::Bind(const Expression& call) {
  if (const auto found = bound_.find(&call); found != bound_.end()) return &found->second;
  Call result;
  auto spec = registries_.functions.Get(call.function);
  if (!spec.ok()) return WithPlace(spec.status(), call.position);
  result.spec = *spec;
  std::vector<SqlType> types;
  std::vector<ExpressionPtr> literals;
  for (const ExpressionPtr& argument : call.arguments) {
    types.push_back(argument->type);
    literals.push_back(argument->IsLiteral() ? argument : nullptr);
  }
  auto bound = result.spec->bind(types, literals);
  if (!bound.ok()) return WithPlace(bound.status(), call.position);
  result.bound = std::move(*bound);
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].is_null() || types[i].ToArrow()->Equals(*result.bound.argument_types[i].ToArrow()))
      continue;
    return Error::Internal("argument " + std::to_string(i + 1) + " of " + call.function + " is " +
                           types[i].ToString() + " in the plan, but its kernel takes " +
                           result.bound.argument_types[i].ToString())
        .At(call.position);
  }
  return &bound_.emplace(&call, std::move(result)).first->second;
}

bool Compiler::SafeDivisor(int id) {
  if (node(id).kind != Kind::kLiteral) return false;
  const arrow::Array& value = *node(id).literal.array;
  if (value.IsNull(0)) return false;
  return !value.GetScalar(0).ValueOrDie()->Equals(
      *arrow::MakeScalar(value.type(), 0).ValueOr(arrow::MakeNullScalar(value.type())));
}

std::optional<BlockOp> Compiler::FindOp(std::string_view function,
                                        const std::vector<int>& arguments, const SqlType& type) {
  std::vector<SqlType> types;
  std::vector<uint8_t> scalar;
  for (const int argument : arguments) {
    types.push_back(node(argument).type);
    scalar.push_back(node(argument).kind == Kind::kLiteral);
  }
  const bool divides = function == "/" || function == "%";
  return FindBlockOp({function, types, scalar, type,
                      divides && types[0].is_integer() && SafeDivisor(arguments[1])});
}

bool Compiler::IsBlockCall(const Expression& call) const {
  std::vector<SqlType> types;
  for (const ExpressionPtr& argument : call.arguments) types.push_back(argument->type);
  const std::vector<uint8_t> scalar(types.size());
  bool safe_divisor = false;
  if (types.size() == 2 && call.arguments[1]->IsLiteral()) {
    const auto* divisor = std::get_if<int64_t>(&call.arguments[1]->literal);
    safe_divisor = divisor != nullptr && *divisor != 0;
  }
  return FindBlockOp({call.function, types, scalar, call.type, safe_divisor}).has_value();
}

Result<bool> Compiler::CanFail(const Expression& unresolved) {
  const Expression& expression = Resolve(unresolved);
  if (expression.kind != Expression::Kind::kCall) return false;
  if (const auto found = can_fail_.find(&expression); found != can_fail_.end())
    return found->second;
  bool fails = false;
  for (const ExpressionPtr& argument : expression.arguments) {
    ARROW_ASSIGN_OR_RAISE(const bool argument_fails, CanFail(*argument));
    fails = fails || argument_fails;
  }
  static const std::set<std::string_view> kNever{"AND",      "OR", "CASE",   "COALESCE",
                                                 "TRY_CAST", "IF", "IFNULL", "NULLIF"};
  if (expression.function == "CAST") {
    fails = fails || CastCanFail(expression.arguments[0]->type, expression.type);
  } else if (!kNever.contains(expression.function) && !IsBlockCall(expression)) {
    ARROW_ASSIGN_OR_RAISE(const Call* call, Bind(expression));
    fails = fails || call->bound.can_fail;
  }
  can_fail_[&expression] = fails;
  return fails;
}

int Compiler::Intern(std::string key, Node made, int region) {
  const int own = made.can_fail ? region : made.early ? 0 : base_;
  for (int r = own; r >= 0; r = program_->regions_[static_cast<size_t>(r)].parent) {
    const auto found = interned_.find(key + '@' + std::to_string(r));
    if (found != interned_.end()) return found->second;
  }
  made.region = own;
  const int id = static_cast<int>(program_->nodes_.size());
  program_->nodes_.push_back(std::move(made));
  program_->regions_[static_cast<size_t>(own)].nodes.push_back(id);
  interned_.emplace(key + '@' + std::to_string(own), id);
  return id;
}

Result<int> Compiler::AddLiteral(const SqlType& type, ColumnValue value, std::string key) {
  Node made;
  made.kind = Kind::kLiteral;
  made.type = type;
  made.literal = std::move(value);
  return Intern(Key("literal:" + key, type, {}), std::move(made), base_);
}

Result<int> Compiler::Add(const Expression& unresolved, int region) {
  const Expression& expression = Resolve(unresolved);
  if (const auto found = added_.find({&expression, region}); found != added_.end())
    return found->second;
  int id = -1;
  switch (expression.kind) {
    case Expression::Kind::kColumn: {
      Node made;
      made.kind = Kind::kColumn;
      made.type = expression.type;
      made.column = expression.column;
      id = Intern("column:" + std::to_string(expression.column), std::move(made), base_);
      break;
    }
    case Expression::Kind::kLiteral: {
      ARROW_ASSIGN_OR_RAISE(auto array, LiteralArray(expression));
      std::string key = array->GetScalar(0).ValueOrDie()->ToString();
      if (const auto* text = std::get_if<std::string>(&expression.literal)) key = '\'' + *text;
      ARROW_ASSIGN_OR_RAISE(id, AddLiteral(expression.type, {array, true}, key));
      break;
    }
    case Expression::Kind::kCall: {
      ARROW_ASSIGN_OR_RAISE(id, AddCall(expression, region));
      break;
    }
  }
  added_[{&expression, region}] = id;
  return id;
}

Result<int> Compiler::AddCall(const Expression& call, int region) {
  const std::string& function = call.function;
  if (function == "AND") return AddLazy(call, Control::kAnd, region);
  if (function == "OR") return AddLazy(call, Control::kOr, region);
  if (function == "CASE" || function == "IF") return AddLazy(call, Control::kCase, region);
  if (function == "COALESCE" || function == "IFNULL")
    return AddLazy(call, Control::kCoalesce, region);
  if (function == "NULLIF") {
    const auto same = Expression::Call("=", call.arguments, SqlType::Boolean(), call.position);
    rewritten_.push_back(Expression::Call(
        "CASE", {same, Expression::Literal({}, call.type, call.position), call.arguments[0]},
        call.type, call.position));
    return Add(*rewritten_.back(), region);
  }
  std::vector<int> arguments;
  for (const ExpressionPtr& argument : call.arguments) {
    ARROW_ASSIGN_OR_RAISE(const int id, Add(*argument, region));
    arguments.push_back(id);
  }
  if ((function == "GREATEST" || function == "LEAST") && arguments.size() > 2 &&
      FindOp(function, {arguments[0], arguments[1]}, call.type)) {
    int id = arguments[0];
    for (size_t i = 1; i < arguments.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(
          id, AddBlock(function, {id, arguments[i]}, call.type, call.position, region));
    }
    return id;
  }
  const bool cast = function == "CAST" || function == "TRY_CAST";
  if (cast && node(arguments[0]).type.EqualsIgnoringNullability(call.type)) return arguments[0];
  if (FindOp(function, arguments, call.type)) {
    return AddBlock(function, std::move(arguments), call.type, call.position, region);
  }
  return AddKernel(call, std::move(arguments), region);
}

Result<int> Compiler::AddBlock(const std::string& function, std::vector<int> arguments,
                               const SqlType& type, Position position, int region) {
  auto op = FindOp(function, arguments, type);
  if (!op) return Error::Internal("no block operation for " + function).At(position);
  Node made;
  made.kind = Kind::kBlock;
  made.type = type;
  made.position = position;
  made.op = *op;
  made.can_fail = std::ranges::any_of(arguments, [&](int id) { return node(id).can_fail; });
  made.arguments = arguments;
  const bool fold = AllLiterals(arguments);
  const int id = Intern(Key(function, type, arguments), std::move(made), region);
  return fold ? Fold(id) : id;
}

Result<int> Compiler::AddKernel(const Expression& call, std::vector<int> arguments, int region) {
  Node made;
  made.kind = Kind::kKernel;
  made.type = call.type;
  made.position = call.position;
  made.can_fail = std::ranges::any_of(arguments, [&](int id) { return node(id).can_fail; });
  std::string key = Key(call.function, call.type, arguments);
  // The session's zone is known only when the program runs.
  const auto zoned = [](const SqlType& type) { return type.kind() == TypeKind::kTimestampLtz; };
  bool fold = AllLiterals(arguments) && !zoned(call.type) &&
              std::ranges::none_of(call.arguments, [&](const ExpressionPtr& argument) {
                return zoned(argument->type);
              });
  if (call.IsCall("CAST") || call.IsCall("TRY_CAST")) {
    const SqlType& from = call.arguments[0]->type;
    const bool try_cast = call.IsCall("TRY_CAST");
    auto kernel = MakeCast(from, call.type, try_cast);
    if (!kernel.ok()) return WithPlace(kernel.status(), call.position);
    made.kernel = std::move(*kernel);
    made.can_fail = made.can_fail || (!try_cast && CastCanFail(from, call.type));
  } else {
    ARROW_ASSIGN_OR_RAISE(const Call* bound, Bind(call));
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (!node(arguments[i]).type.is_null()) continue;
      const SqlType& type = bound->bound.argument_types[i];
      ARROW_ASSIGN_OR_RAISE(auto null, arrow::MakeArrayOfNull(type.ToArrow(), 1));
      ARROW_ASSIGN_OR_RAISE(arguments[i], AddLiteral(type, {null, true}, "null"));
    }
    if (!bound->bound.make_kernel) {
      return Error::Internal("the evaluator has no kernel for " + call.function + " of " +
                             (call.arguments.empty() ? "()" : call.arguments[0]->type.ToString()))
          .At(call.position);
    }
    auto kernel = bound->bound.make_kernel(call.arguments);
    if (!kernel.ok()) return WithPlace(kernel.status(), call.position);
    made.kernel = std::move(*kernel);
    made.can_fail = made.can_fail || bound->bound.can_fail;
    if (call.IsCall("FIELD")) {
      const Node& row = node(arguments[0]);
      made.early = row.kind == Kind::kColumn || row.early;
    }
    if (!bound->spec->deterministic) {
      fold = false;
      key += "!" + std::to_string(unique_++);
    }
  }
  made.arguments = std::move(arguments);
  const int id = Intern(std::move(key), std::move(made), region);
  return fold ? Fold(id) : id;
}

Result<int> Compiler::AddLazy(const Expression& call, Control control, int region) {
  const auto& arguments = call.arguments;
  const auto literal = [&](int id) { return node(id).kind == Kind::kLiteral; };
  ARROW_ASSIGN_OR_RAISE(const bool fails, CanFail(call));
  if (arguments.size() == 1 && control != Control::kCase) return Add(*arguments[0], region);
  if (!fails) {
    std::vector<int> ids;
    bool blocks = BlockTypeOf(call.type).has_value();
    for (const ExpressionPtr& argument : arguments) {
      ARROW_ASSIGN_OR_RAISE(const int id, Add(*argument, region));
      ids.push_back(id);
      blocks = blocks && BlockTypeOf(node(id).type).has_value();
    }
    if (blocks && control == Control::kCase) {
      int result = ids.back();
      for (size_t i = ids.size() - 1; i >= 2; i -= 2) {
        const int when = ids[i - 2];
        if (literal(when)) {
          const auto& value = static_cast<const arrow::BooleanArray&>(*node(when).literal.array);
          if (value.IsValid(0) && value.Value(0)) result = ids[i - 1];
          continue;
        }
        ARROW_ASSIGN_OR_RAISE(
            result, AddBlock("CASE", {when, ids[i - 1], result}, call.type, call.position, region));
      }
      return result;
    }
    if (blocks) {
      const std::string function = control == Control::kAnd  ? "AND"
                                   : control == Control::kOr ? "OR"
                                                             : "COALESCE";
      int result = ids.back();
      for (size_t i = ids.size() - 1; i-- > 0;) {
        if (control == Control::kCoalesce && literal(ids[i])) {
          if (node(ids[i]).literal.array->IsValid(0)) result = ids[i];
          continue;
        }
        ARROW_ASSIGN_OR_RAISE(
            result, AddBlock(function, {ids[i], result}, call.type, call.position, region));
      }
      return result;
    }
  }
  Node made;
  made.kind = Kind::kControl;
  made.control = control;
  made.type = call.type;
  made.position = call.position;
  made.can_fail = fails;
  std::string key;
  for (const ExpressionPtr& argument : arguments) {
    const int child = AddRegion(fails ? region : base_);
    ARROW_ASSIGN_OR_RAISE(const int id, Add(*argument, child));
    made.arguments.push_back(id);
    made.regions.push_back(child);
  }
  // Children that can fail are in regions of their own: equal calls are then found by their
  // expression only.
  key = Key("control:" + std::to_string(static_cast<int>(control)), call.type, made.arguments);
  const std::vector<int> regions = made.regions;
  const int id = Intern(std::move(key), std::move(made), region);
  if (node(id).depends.empty()) {
    std::set<int> depends;
    for (const int child : node(id).regions) CollectDepends(node(id).region, child, &depends);
    for (const int argument : node(id).arguments) {
      if (node(argument).region == node(id).region) depends.insert(argument);
    }
    node(id).depends.assign(depends.begin(), depends.end());
  }
  return id;
}

void Compiler::CollectDepends(int control_region, int region, std::set<int>* depends) {
  for (const int id : program_->regions_[static_cast<size_t>(region)].nodes) {
    for (const int argument : node(id).arguments) {
      if (node(argument).region == control_region) depends->insert(argument);
    }
    for (const int child : node(id).regions) CollectDepends(control_region, child, depends);
  }
}

Result<int> Compiler::Fold(int id) {
  // Runs the node alone, over one row, as a program of its own.
  auto single = std::make_shared<Program>();
  single->regions_.push_back({});
  std::vector<int> arguments;
  for (const int argument : node(id).arguments) {
    arguments.push_back(static_cast<int>(single->nodes_.size()));
    single->nodes_.push_back(node(argument));
  }
  single->nodes_.push_back(node(id));
  single->nodes_.back().arguments = arguments;
  single->nodes_.back().region = 0;
  const int root = static_cast<int>(single->nodes_.size()) - 1;
  single->regions_[0].nodes.push_back(root);
  single->outputs_.push_back(root);
  std::swap(single, program_);
  Schedule();
  std::swap(single, program_);

  const auto one_row = arrow::RecordBatch::Make(arrow::schema({}), 1, arrow::ArrayVector{});
  std::vector<RowError> errors;
  ARROW_ASSIGN_OR_RAISE(auto result, single->Run(*one_row, {}, &errors));
  if (!errors.empty()) return id;  // reported for each row that needs it
  return AddLiteral(node(id).type, {result.columns[0].array, true}, "folded" + std::to_string(id));
}

Result<std::shared_ptr<const Program>> Compiler::Compile(const ExpressionPtr& condition,
                                                         std::span<const ExpressionPtr> outputs) {
  AddRegion(-1);
  if (condition != nullptr) {
    ARROW_ASSIGN_OR_RAISE(program_->condition_, Add(*condition, 0));
    base_ = AddRegion(0);
    program_->projected_region_ = base_;
  }
  for (const ExpressionPtr& output : outputs) {
    ARROW_ASSIGN_OR_RAISE(const int id, Add(*output, base_));
    program_->outputs_.push_back(id);
    program_->types_.push_back(output->type);
  }
  Schedule();
  return std::shared_ptr<const Program>(program_);
}

Result<std::shared_ptr<const Program>> Program::Compile(const Schema& input,
                                                        std::span<const ExpressionPtr> locals,
                                                        const ExpressionPtr& condition,
                                                        std::span<const ExpressionPtr> outputs,
                                                        const Registries& registries) {
  return Compiler(input, locals, registries).Compile(condition, outputs);
}

}  // namespace millrace::expr
