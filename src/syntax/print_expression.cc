#include <string>
#include <utility>
#include <vector>

#include "syntax/interval.h"
#include "syntax/operators.h"
#include "syntax/print.h"

namespace millrace::syntax {
namespace {

std::string PrintHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "X'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out + '\'';
}

std::string PrintParameters(const std::optional<int>& first, const std::optional<int>& second) {
  if (!first && !second) return {};
  std::string out = "(" + std::to_string(first ? *first : *second);
  if (first && second) out += ", " + std::to_string(*second);
  return out + ')';
}

std::string PrintPath(const std::vector<Identifier>& path) {
  return QualifiedName{path}.ToString();
}

/// How tightly the operator of a node binds.
struct PrecedenceOf {
  int operator()(const Binary& node) const { return Of(node.op).precedence; }
  int operator()(const Unary& node) const {
    return node.op == UnaryOp::kNot ? kNotPrecedence : kSignPrecedence;
  }
  int operator()(const Is&) const { return kIsPrecedence; }
  int operator()(const Between&) const { return kPredicatePrecedence; }
  int operator()(const In&) const { return kPredicatePrecedence; }
  int operator()(const Like&) const { return kPredicatePrecedence; }
  int operator()(const AtTimeZone&) const { return kAtTimeZonePrecedence; }
  // Its unit could be read together with a TO that follows.
  int operator()(const IntervalLiteral&) const { return kPrimaryPrecedence - 1; }
  template <class Other>
  int operator()(const Other&) const {
    return kPrimaryPrecedence;
  }
};

/// `base` of base.field and base[index].
Layout PrintBase(const Expression& base, bool before_field) {
  const bool is_bare =
      base.As<Literal>() != nullptr || (before_field && base.As<ColumnRef>() != nullptr);
  Layout printed = PrintNode(base, kPrimaryPrecedence);
  return is_bare ? Layout::Join({"(", std::move(printed), ")"}) : printed;
}

class NodePrinter {
 public:
  Layout operator()(const Literal& node) const {
    switch (node.kind) {
      case LiteralKind::kNull:
        return "NULL";
      case LiteralKind::kString:
        return PrintString(node.text);
      case LiteralKind::kBinary:
        return PrintHex(node.text);
      case LiteralKind::kDate:
        return "DATE " + PrintString(node.text);
      case LiteralKind::kTime:
        return "TIME " + PrintString(node.text);
      case LiteralKind::kTimestamp:
        return "TIMESTAMP " + PrintString(node.text);
      case LiteralKind::kTimestampLtz:
        return "TIMESTAMP_LTZ " + PrintString(node.text);
      default:
        return node.text;
    }
  }

  Layout operator()(const IntervalLiteral& node) const {
    std::string out = node.negative ? "INTERVAL -" : "INTERVAL ";
    out += PrintString(node.text) + ' ' + std::string(WordOf(node.from));
    if (!node.to) return out + PrintParameters(node.precision, node.fractional_precision);
    return out + PrintParameters(node.precision, {}) + " TO " + std::string(WordOf(*node.to)) +
           PrintParameters({}, node.fractional_precision);
  }

  Layout operator()(const ColumnRef& node) const { return PrintPath(node.path); }

  Layout operator()(const Star& node) const {
    return node.qualifier.empty() ? "*" : PrintPath(node.qualifier) + ".*";
  }

  Layout operator()(const Unary& node) const {
    static constexpr const char* kWords[] = {"+", "-", "NOT ", "FINAL ", "RUNNING "};
    const auto* inner = node.operand->As<Unary>();
    // Two signs in a row would begin a comment.
    const bool doubled = inner != nullptr && node.op == UnaryOp::kMinus && inner->op == node.op;
    const int own = node.op == UnaryOp::kNot ? kNotPrecedence : kSignPrecedence;
    return Layout::Join({kWords[static_cast<size_t>(node.op)],
                         PrintNode(*node.operand, doubled ? kPrimaryPrecedence : own)});
  }

  /// A chain of operators of one precedence, broken before each of them.
  Layout operator()(const Binary& node) const {
    const int precedence = Of(node.op).precedence;
    std::vector<Layout> reversed;
    const Binary* link = &node;
    while (true) {
      reversed.push_back(PrintNode(*link->right, precedence + 1));
      reversed.push_back(" ");
      reversed.push_back(Of(link->op).text);
      reversed.push_back(Layout::Line());
      const auto* left = link->left->As<Binary>();
      if (left == nullptr || Of(left->op).precedence != precedence) break;
      link = left;
    }
    reversed.push_back(PrintNode(*link->left, precedence));
    return Layout::Group(Layout::Nest(Layout::Join({reversed.rbegin(), reversed.rend()})));
  }

  Layout operator()(const Is& node) const {
    return Layout::Join({PrintNode(*node.operand, kOperandPrecedence),
                         node.negated ? " IS NOT " : " IS ", WordOf(node.test)});
  }

  Layout operator()(const Between& node) const {
    const std::string word = std::string(node.negated ? " NOT" : "") + " BETWEEN " +
                             (node.symmetric ? "SYMMETRIC " : "");
    return Layout::Join({PrintNode(*node.operand, kOperandPrecedence), word,
                         PrintNode(*node.low, kOperandPrecedence), " AND ",
                         PrintNode(*node.high, kOperandPrecedence)});
  }

  Layout operator()(const In& node) const {
    Layout operand = Layout::Join(
        {PrintNode(*node.operand, kOperandPrecedence), node.negated ? " NOT IN " : " IN "});
    if (node.query) return Layout::Join({operand, PrintQueryInParentheses(*node.query)});
    return PrintList(
        Layout::Join({operand, "("}),
        PrintEach(node.list, [](const ExpressionPtr& item) { return PrintNode(*item); }), ")");
  }

  Layout operator()(const Like& node) const {
    std::vector<Layout> parts = {PrintNode(*node.operand, kOperandPrecedence),
                                 node.negated ? " NOT" : "",
                                 node.kind == LikeKind::kLike ? " LIKE " : " SIMILAR TO ",
                                 PrintNode(*node.pattern, kOperandPrecedence)};
    if (node.escape) {
      parts.push_back(" ESCAPE ");
      parts.push_back(PrintNode(*node.escape, kOperandPrecedence));
    }
    return Layout::Join(std::move(parts));
  }

  Layout operator()(const Exists& node) const {
    return Layout::Join({"EXISTS ", PrintQueryInParentheses(*node.query)});
  }

  Layout operator()(const ScalarSubquery& node) const {
    return PrintQueryInParentheses(*node.query);
  }

  Layout operator()(const Case& node) const {
    std::vector<Layout> lines;
    for (const Case::When& when : node.whens) {
      lines.push_back(Layout::Line());
      lines.push_back(Layout::Group(Layout::Join(
          {"WHEN ", PrintNode(*when.condition),
           Layout::Nest(Layout::Join({Layout::Line(), "THEN ", PrintNode(*when.result)}))})));
    }
    if (node.otherwise) {
      lines.push_back(Layout::Line());
      lines.push_back(Layout::Join({"ELSE ", PrintNode(*node.otherwise)}));
    }
    std::vector<Layout> parts = {"CASE"};
    if (node.operand) {
      parts.push_back(" ");
      parts.push_back(PrintNode(*node.operand));
    }
    parts.push_back(Layout::Nest(Layout::Join(std::move(lines))));
    parts.push_back(Layout::Line());
    parts.push_back("END");
    return Layout::Group(Layout::Join(std::move(parts)));
  }

  Layout operator()(const Cast& node) const {
    return Layout::Join({node.is_try ? "TRY_CAST(" : "CAST(", PrintNode(*node.operand), " AS ",
                         PrintType(node.type), ")"});
  }

  Layout operator()(const FunctionCall& node) const { return PrintCall(node); }
  Layout operator()(const Keyword& node) const { return node.word; }
  Layout operator()(const TypeName& node) const { return PrintType(node.type); }

  Layout operator()(const Descriptor& node) const {
    return PrintList("DESCRIPTOR(", PrintEach(node.columns, PrintName), ")");
  }

  Layout operator()(const TableArgument& node) const {
    std::vector<Layout> parts = {"TABLE "};
    // A call stands in parentheses here; a query prints its own.
    const auto* function = node.relation->As<TableFunction>();
    parts.push_back(function == nullptr ? PrintNode(*node.relation)
                                        : Layout::Join({"(", PrintNode(*node.relation), ")"}));
    if (!node.partition_by.empty()) {
      const bool plain = node.partition_by.size() == 1 && IsColumn(node.partition_by.front());
      parts.push_back(plain ? " PARTITION BY " : " PARTITION BY (");
      parts.push_back(PrintExpressions(node.partition_by));
      if (!plain) parts.push_back(")");
    }
    if (!node.order_by.empty()) {
      const bool plain = node.order_by.size() == 1 && IsColumn(node.order_by.front().expression);
      parts.push_back(plain ? " ORDER BY " : " ORDER BY (");
      parts.push_back(PrintOrder(node.order_by));
      if (!plain) parts.push_back(")");
    }
    return Layout::Join(std::move(parts));
  }

  Layout operator()(const ModelArgument& node) const { return "MODEL " + node.name.ToString(); }

  Layout operator()(const RowConstructor& node) const {
    return PrintList("ROW(", PrintAll(node.values), ")");
  }

  Layout operator()(const ArrayConstructor& node) const {
    return PrintList("ARRAY[", PrintAll(node.elements), "]");
  }

  Layout operator()(const MapConstructor& node) const {
    return PrintList(
        "MAP[",
        PrintEach(node.entries,
                  [](const auto& entry) {
                    return Layout::Join({PrintNode(*entry.first), ", ", PrintNode(*entry.second)});
                  }),
        "]");
  }

  Layout operator()(const ElementAccess& node) const {
    return Layout::Join({PrintBase(*node.collection, false), "[", PrintNode(*node.index), "]"});
  }

  Layout operator()(const FieldAccess& node) const {
    return Layout::Join({PrintBase(*node.row, true), ".", PrintName(node.field)});
  }

  Layout operator()(const AtTimeZone& node) const {
    Layout operand = PrintNode(*node.operand, kAtTimeZonePrecedence);
    if (!node.zone) return Layout::Join({operand, " AT LOCAL"});
    return Layout::Join(
        {operand, " AT TIME ZONE ", PrintNode(*node.zone, kAtTimeZonePrecedence + 1)});
  }

 private:
  static bool IsColumn(const ExpressionPtr& expression) {
    return expression->As<ColumnRef>() != nullptr;
  }

  static std::vector<Layout> PrintAll(const std::vector<ExpressionPtr>& expressions) {
    return PrintEach(expressions,
                     [](const ExpressionPtr& expression) { return PrintNode(*expression); });
  }
};

}  // namespace

Layout PrintNode(const Expression& expression, int min_precedence) {
  Layout printed = std::visit(NodePrinter(), expression.node);
  if (std::visit(PrecedenceOf(), expression.node) >= min_precedence) return printed;
  return Layout::Group(Layout::Join(
      {"(", Layout::Nest(Layout::Join({Layout::SoftLine(), printed})), Layout::SoftLine(), ")"}));
}

}  // namespace millrace::syntax
