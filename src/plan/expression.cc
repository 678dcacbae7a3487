#include "plan/expression.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>

namespace millrace {
namespace {

/// How tightly an operator binds; a call in function form binds tightest.
enum Precedence { kOr = 1, kAnd, kNot, kCompare, kAdd, kMultiply, kUnary, kPrimary };

const std::map<std::string, Precedence, std::less<>>& InfixOperators() {
  static const std::map<std::string, Precedence, std::less<>> operators = {
      {"OR", kOr},
      {"AND", kAnd},
      {"=", kCompare},
      {"<>", kCompare},
      {"<", kCompare},
      {"<=", kCompare},
      {">", kCompare},
      {">=", kCompare},
      {"LIKE", kCompare},
      {"IS DISTINCT FROM", kCompare},
      {"IS NOT DISTINCT FROM", kCompare},
      {"+", kAdd},
      {"-", kAdd},
      {"||", kAdd},
      {"*", kMultiply},
      {"/", kMultiply},
      {"%", kMultiply},
  };
  return operators;
}

Precedence PrecedenceOf(const Expression& e) {
  if (e.kind != Expression::Kind::kCall) return kPrimary;
  const auto infix = InfixOperators().find(e.function);
  if (infix != InfixOperators().end() && e.arguments.size() >= 2) return infix->second;
  if (e.function == "NOT") return kNot;
  if (e.function == "NEGATE") return kUnary;
  return e.function.starts_with("IS ") ? kCompare : kPrimary;
}

std::string Quote(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + '\'';
}

std::string Hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "X'";
  for (const unsigned char c : bytes) out += {kDigits[c >> 4], kDigits[c & 15]};
  return out + '\'';
}

std::string LiteralText(const Expression& e) {
  struct Printer {
    const SqlType& type;
    std::string operator()(std::monostate) const { return "NULL"; }
    std::string operator()(bool value) const { return value ? "TRUE" : "FALSE"; }
    std::string operator()(double value) const {
      char text[32];
      const auto written = std::to_chars(text, text + sizeof(text), value);
      return std::string(text, written.ptr);
    }
    std::string operator()(int64_t value) const {
      const std::string number = std::to_string(value);
      if (type.kind() == TypeKind::kIntervalYearMonth) return "INTERVAL '" + number + "' MONTH";
      if (type.kind() == TypeKind::kIntervalDayTime) {
        const bool whole = value % 1'000'000 == 0;
        return "INTERVAL '" +
               (whole ? std::to_string(value / 1'000'000)
                      : std::to_string(static_cast<double>(value) / 1e6)) +
               "' SECOND";
      }
      return number;
    }
    std::string operator()(const std::string& value) const {
      if (type.kind() == TypeKind::kDecimal) return value;
      return type.is_binary() ? Hex(value) : Quote(value);
    }
  };
  return std::visit(Printer{e.type}, e.literal);
}

std::string Text(const Expression& e, const std::vector<std::string>& columns);

std::string Bracketed(const Expression& e, Precedence at_least,
                      const std::vector<std::string>& columns) {
  const std::string text = Text(e, columns);
  return PrecedenceOf(e) < at_least ? '(' + text + ')' : text;
}

std::string Joined(const std::vector<ExpressionPtr>& arguments,
                   const std::vector<std::string>& columns) {
  std::string out;
  for (const auto& argument : arguments)
    out += (out.empty() ? "" : ", ") + Text(*argument, columns);
  return out;
}

std::string CaseText(const Expression& e, const std::vector<std::string>& columns) {
  std::string out = "CASE";
  for (size_t i = 0; i + 1 < e.arguments.size(); i += 2) {
    out +=
        " WHEN " + Text(*e.arguments[i], columns) + " THEN " + Text(*e.arguments[i + 1], columns);
  }
  return out + " ELSE " + Text(*e.arguments.back(), columns) + " END";
}

std::string FieldText(const Expression& e, const std::vector<std::string>& columns) {
  const auto* index = std::get_if<int64_t>(&e.arguments[1]->literal);
  const auto& fields = e.arguments[0]->type.fields();
  const bool named =
      index != nullptr && *index >= 0 && *index < static_cast<int64_t>(fields.size());
  const std::string name = named ? fields[static_cast<size_t>(*index)].name : "?";
  return Bracketed(*e.arguments[0], kPrimary, columns) + '.' + name;
}

std::string CallText(const Expression& e, const std::vector<std::string>& columns) {
  const auto& arguments = e.arguments;
  const Precedence own = PrecedenceOf(e);
  if (InfixOperators().contains(e.function) && arguments.size() >= 2) {
    std::string out = Bracketed(*arguments[0], own, columns);
    const auto next = static_cast<Precedence>(own + 1);
    for (size_t i = 1; i < arguments.size(); ++i) {
      out += ' ' + e.function + ' ' + Bracketed(*arguments[i], next, columns);
    }
    return out;
  }
  if (e.function == "CASE" && arguments.size() % 2 == 1) return CaseText(e, columns);
  if (e.function == "FIELD" && arguments.size() == 2) return FieldText(e, columns);
  if (arguments.size() == 1) {
    if (e.function == "NOT") return "NOT " + Bracketed(*arguments[0], kNot, columns);
    if (e.function == "NEGATE") return "-" + Bracketed(*arguments[0], kPrimary, columns);
    if (own == kCompare) return Bracketed(*arguments[0], kAdd, columns) + ' ' + e.function;
    if (e.function == "CAST" || e.function == "TRY_CAST") {
      return e.function + '(' + Text(*arguments[0], columns) + " AS " +
             e.type.AsNullable().ToString() + ')';
    }
  }
  if (e.function == "ITEM" && arguments.size() == 2) {
    return Bracketed(*arguments[0], kPrimary, columns) + '[' + Text(*arguments[1], columns) + ']';
  }
  if (e.function == "IN" && arguments.size() > 1) {
    const std::vector<ExpressionPtr> list(arguments.begin() + 1, arguments.end());
    return Bracketed(*arguments[0], kAdd, columns) + " IN (" + Joined(list, columns) + ')';
  }
  if (e.function == "ARRAY" || e.function == "MAP")
    return e.function + '[' + Joined(arguments, columns) + ']';
  return e.function + '(' + Joined(arguments, columns) + ')';
}

std::string Text(const Expression& e, const std::vector<std::string>& columns) {
  switch (e.kind) {
    case Expression::Kind::kColumn:
      return e.column >= 0 && e.column < static_cast<int>(columns.size())
                 ? columns[static_cast<size_t>(e.column)]
                 : '$' + std::to_string(e.column);
    case Expression::Kind::kLiteral:
      return LiteralText(e);
    case Expression::Kind::kCall:
      return CallText(e, columns);
  }
  return {};
}

void CollectColumns(const Expression& expression, std::set<int>& out) {
  if (expression.IsColumn()) out.insert(expression.column);
  for (const auto& argument : expression.arguments) CollectColumns(*argument, out);
}

void Mix(size_t& seed, size_t value) {
  seed ^= value + 0x9e3779b97f4a7c15ull + (seed << 6) + (seed >> 2);
}

}  // namespace

ExpressionPtr Expression::Column(int index, SqlType type, Position at) {
  auto e = std::make_shared<Expression>();
  e->kind = Kind::kColumn;
  e->column = index;
  e->type = std::move(type);
  e->position = at;
  return e;
}

ExpressionPtr Expression::Literal(LiteralValue value, SqlType type, Position at) {
  auto e = std::make_shared<Expression>();
  e->kind = Kind::kLiteral;
  e->literal = std::move(value);
  e->type = std::move(type);
  e->position = at;
  return e;
}

ExpressionPtr Expression::Call(std::string function, std::vector<ExpressionPtr> arguments,
                               SqlType type, Position at) {
  auto e = std::make_shared<Expression>();
  e->kind = Kind::kCall;
  e->function = std::move(function);
  e->arguments = std::move(arguments);
  e->type = std::move(type);
  e->position = at;
  return e;
}

bool Equal(const Expression& a, const Expression& b) {
  if (&a == &b) return true;
  if (a.kind != b.kind || a.column != b.column || a.function != b.function) return false;
  if (!(a.type == b.type) || a.literal != b.literal || a.arguments.size() != b.arguments.size())
    return false;
  return std::equal(a.arguments.begin(), a.arguments.end(), b.arguments.begin(),
                    [](const ExpressionPtr& x, const ExpressionPtr& y) { return Equal(*x, *y); });
}

size_t HashOf(const Expression& e) {
  size_t seed = static_cast<size_t>(e.kind);
  Mix(seed, static_cast<size_t>(e.type.kind()));
  Mix(seed, static_cast<size_t>(e.column));
  Mix(seed, std::hash<LiteralValue>()(e.literal));
  Mix(seed, std::hash<std::string>()(e.function));
  for (const auto& argument : e.arguments) Mix(seed, HashOf(*argument));
  return seed;
}

std::string ToString(const Expression& expression, const std::vector<std::string>& columns) {
  return Text(expression, columns);
}

ExpressionPtr Rewrite(const ExpressionPtr& expression,
                      const std::function<ExpressionPtr(const ExpressionPtr&)>& replace) {
  if (auto other = replace(expression)) return other;
  std::vector<ExpressionPtr> arguments;
  bool changed = false;
  for (const auto& argument : expression->arguments) {
    arguments.push_back(Rewrite(argument, replace));
    changed = changed || arguments.back() != argument;
  }
  if (!changed) return expression;
  auto copy = std::make_shared<Expression>(*expression);
  copy->arguments = std::move(arguments);
  return copy;
}

std::vector<int> ColumnsOf(const Expression& expression) {
  std::set<int> columns;
  CollectColumns(expression, columns);
  return {columns.begin(), columns.end()};
}

}  // namespace millrace
