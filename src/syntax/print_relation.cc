#include <string>
#include <utility>
#include <vector>

#include "syntax/print.h"

namespace millrace::syntax {
namespace {

Layout InParentheses(Layout inside) {
  return Layout::Group(Layout::Join(
      {"(", Layout::Nest(Layout::Join({Layout::SoftLine(), inside})), Layout::SoftLine(), ")"}));
}

int AlternativesOf(PatternKind kind) {
  return kind == PatternKind::kAlternation ? 0 : kind == PatternKind::kSequence ? 1 : 2;
}

std::string PrintPattern(const Pattern& pattern);

/// In parentheses where the pattern binds less than `min`: 0 for |, 1 for a sequence, 2 for an
/// operand.
std::string PrintPatternIn(const Pattern& pattern, int min) {
  const bool quantified = pattern.kind == PatternKind::kQuantified && min > 2;
  const std::string printed = PrintPattern(pattern);
  return quantified || AlternativesOf(pattern.kind) < std::min(min, 2) ? '(' + printed + ')'
                                                                       : printed;
}

std::string PrintPatterns(const std::vector<Ptr<Pattern>>& patterns, const char* separator,
                          int min) {
  std::string out;
  for (const Ptr<Pattern>& pattern : patterns) {
    out += (out.empty() ? "" : separator) + PrintPatternIn(*pattern, min);
  }
  return out;
}

std::string PrintQuantifier(const Pattern& pattern) {
  std::string out;
  if (pattern.min == 0 && !pattern.max) {
    out = "*";
  } else if (pattern.min == 1 && !pattern.max) {
    out = "+";
  } else if (pattern.min == 0 && pattern.max == 1) {
    out = "?";
  } else {
    out = "{" + std::to_string(pattern.min);
    if (!pattern.max) out += ",";
    if (pattern.max && *pattern.max != pattern.min) out += "," + std::to_string(*pattern.max);
    out += "}";
  }
  return pattern.reluctant ? out + "?" : out;
}

std::string PrintPattern(const Pattern& pattern) {
  switch (pattern.kind) {
    case PatternKind::kVariable:
      return PrintName(pattern.variable);
    case PatternKind::kSequence:
      return PrintPatterns(pattern.children, " ", 2);
    case PatternKind::kAlternation:
      return PrintPatterns(pattern.children, " | ", 1);
    case PatternKind::kPermute:
      return "PERMUTE(" + PrintPatterns(pattern.children, ", ", 0) + ")";
    case PatternKind::kExclusion:
      return "{- " + PrintPatterns(pattern.children, " ", 0) + " -}";
    case PatternKind::kQuantified:
      return PrintPatternIn(*pattern.children.front(), 3) + PrintQuantifier(pattern);
    case PatternKind::kStart:
      return "^";
    case PatternKind::kEnd:
      return "$";
    case PatternKind::kEmpty:
      return "()";
  }
  return {};
}

std::string PrintAlias(const TableAlias& alias) {
  std::string columns;
  for (const Identifier& column : alias.columns) {
    columns += (columns.empty() ? "" : ", ") + PrintName(column);
  }
  return " AS " + PrintName(alias.name) + (columns.empty() ? "" : " (" + columns + ")");
}

Layout Lines(std::string word, std::vector<Layout> items, const Layout& line = Layout::Line()) {
  const Layout separator = Layout::Join({",", line});
  const Layout first = items.size() > 1 ? line : Layout::Line();
  return Layout::Group(Layout::Nest(
      Layout::Join({std::move(word), first, Layout::Join(std::move(items), separator)})));
}

std::string PrintSkip(const MatchRecognize& match) {
  switch (match.skip) {
    case MatchRecognize::kPastLastRow:
      return "AFTER MATCH SKIP PAST LAST ROW";
    case MatchRecognize::kToNextRow:
      return "AFTER MATCH SKIP TO NEXT ROW";
    case MatchRecognize::kToFirst:
      return "AFTER MATCH SKIP TO FIRST " + PrintName(match.skip_to);
    case MatchRecognize::kToLast:
      return "AFTER MATCH SKIP TO LAST " + PrintName(match.skip_to);
  }
  return {};
}

class RelationPrinter {
 public:
  Layout operator()(const TableName& node) const {
    std::vector<Layout> parts = {node.name.ToString(), PrintHints(node.hints)};
    if (node.system_time) {
      parts.push_back(" FOR SYSTEM_TIME AS OF ");
      parts.push_back(PrintNode(*node.system_time));
    }
    return Layout::Join(std::move(parts));
  }

  Layout operator()(const DerivedTable& node) const {
    return Layout::Join({node.lateral ? "LATERAL " : "", PrintQueryInParentheses(*node.query)});
  }

  Layout operator()(const TableFunction& node) const {
    Layout call = PrintTableFunction(*node.call->As<FunctionCall>());
    return node.lateral ? Layout::Join({"LATERAL TABLE(", call, ")"}) : call;
  }

  Layout operator()(const Unnest& node) const {
    return Layout::Join({"UNNEST(", PrintExpressions(node.collections),
                         node.with_ordinality ? ") WITH ORDINALITY" : ")"});
  }

  Layout operator()(const Join& node) const {
    static constexpr const char* kWords[] = {"JOIN ", "LEFT JOIN ", "RIGHT JOIN ", "FULL JOIN ",
                                             "CROSS JOIN "};
    const bool right_is_join = node.right->As<Join>() != nullptr;
    std::vector<Layout> parts = {
        PrintNode(*node.left), Layout::Line(), node.natural ? "NATURAL " : "",
        kWords[static_cast<size_t>(node.kind)],
        right_is_join ? InParentheses(PrintNode(*node.right)) : PrintNode(*node.right)};
    if (node.condition) {
      parts.push_back(Layout::Group(
          Layout::Nest(Layout::Join({Layout::Line(), "ON ", PrintNode(*node.condition)}))));
    } else if (!node.using_columns.empty()) {
      parts.push_back(Layout::Join({" USING ", PrintNames(node.using_columns)}));
    }
    return Layout::Join(std::move(parts));
  }

  Layout operator()(const MatchRecognize& node) const {
    const auto print_order = [](const OrderItem& item) { return PrintNode(item); };
    const auto print_key = [](const ExpressionPtr& key) { return PrintNode(*key); };
    std::vector<Layout> lines;
    if (!node.partition_by.empty()) {
      lines.push_back(Lines("PARTITION BY", PrintEach(node.partition_by, print_key)));
    }
    if (!node.order_by.empty())
      lines.push_back(Lines("ORDER BY", PrintEach(node.order_by, print_order)));
    if (!node.measures.empty()) {
      lines.push_back(Lines("MEASURES",
                            PrintEach(node.measures,
                                      [](const NamedExpression& measure) {
                                        return Layout::Join({PrintNode(*measure.expression), " AS ",
                                                             PrintName(measure.name)});
                                      }),
                            Layout::HardLine()));
    }
    static constexpr const char* kRows[] = {
        "ONE ROW PER MATCH", "ALL ROWS PER MATCH", "ALL ROWS PER MATCH SHOW EMPTY MATCHES",
        "ALL ROWS PER MATCH OMIT EMPTY MATCHES", "ALL ROWS PER MATCH WITH UNMATCHED ROWS"};
    lines.push_back(kRows[node.rows]);
    lines.push_back(PrintSkip(node));
    lines.push_back(PrintPatternClause(node));
    if (!node.subsets.empty())
      lines.push_back(Lines("SUBSET", PrintEach(node.subsets, PrintSubset)));
    lines.push_back(Lines("DEFINE",
                          PrintEach(node.definitions,
                                    [](const NamedExpression& definition) {
                                      return Layout::Join({PrintName(definition.name), " AS ",
                                                           PrintNode(*definition.expression)});
                                    }),
                          Layout::HardLine()));
    Layout inside = Layout::Join(std::move(lines), Layout::HardLine());
    return Layout::Join({PrintNode(*node.input), " MATCH_RECOGNIZE (",
                         Layout::Nest(Layout::Join({Layout::HardLine(), inside})),
                         Layout::HardLine(), ")"});
  }

 private:
  static Layout PrintPatternClause(const MatchRecognize& node) {
    const std::string pattern = "PATTERN (" + PrintPattern(*node.pattern) + ")";
    if (!node.within) return pattern;
    return Layout::Join({pattern, " WITHIN ", PrintNode(*node.within)});
  }

  static Layout PrintSubset(const MatchRecognize::Subset& subset) {
    return Layout::Join({PrintName(subset.name), " = ", PrintNames(subset.variables)});
  }
};

}  // namespace

Layout PrintNode(const Relation& relation) {
  Layout printed = std::visit(RelationPrinter(), relation.node);
  return relation.alias ? Layout::Join({printed, PrintAlias(*relation.alias)}) : printed;
}

Layout PrintNode(const Pattern& pattern) { return PrintPattern(pattern); }

}  // namespace millrace::syntax
