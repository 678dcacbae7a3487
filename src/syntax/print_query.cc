#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "syntax/print.h"

namespace millrace::syntax {
namespace {

Layout Clause(std::string word, Layout content) {
  return Layout::Group(Layout::Join({std::move(word), " ", std::move(content)}));
}

/// "WORD item, item", each on its own line where they do not fit on one.
Layout ListClause(std::string word, std::vector<Layout> items) {
  const Layout separator = Layout::Join({",", Layout::Line()});
  return Layout::Group(Layout::Nest(
      Layout::Join({std::move(word), Layout::Line(), Layout::Join(std::move(items), separator)})));
}

Layout PrintItem(const SelectItem& item) {
  Layout expression = PrintNode(*item.expression);
  return item.alias ? Layout::Join({expression, " AS ", PrintName(*item.alias)}) : expression;
}

std::vector<Layout> PrintAll(const std::vector<ExpressionPtr>& expressions) {
  return PrintEach(expressions,
                   [](const ExpressionPtr& expression) { return PrintNode(*expression); });
}

Layout PrintGrouping(const Grouping& grouping) {
  switch (grouping.kind) {
    case Grouping::kRollup:
      return PrintList("ROLLUP (", PrintEach(grouping.elements, PrintGrouping), ")");
    case Grouping::kCube:
      return PrintList("CUBE (", PrintEach(grouping.elements, PrintGrouping), ")");
    case Grouping::kSets:
      return PrintList("GROUPING SETS (", PrintEach(grouping.elements, PrintGrouping), ")");
    case Grouping::kExpressions:
      break;
  }
  if (grouping.expressions.size() == 1) return PrintNode(*grouping.expressions.front());
  return PrintList("(", PrintAll(grouping.expressions), ")");
}

Layout PrintWindow(const NamedWindow& window) {
  return Layout::Join({PrintName(window.name), " AS ", PrintNode(window.spec)});
}

/// Joins break with the clauses; a list without joins may stay on one line.
Layout PrintFrom(const std::vector<RelationPtr>& from) {
  const auto is_join = [](const RelationPtr& relation) { return relation->As<Join>() != nullptr; };
  std::vector<Layout> items =
      PrintEach(from, [](const RelationPtr& relation) { return PrintNode(*relation); });
  if (std::none_of(from.begin(), from.end(), is_join)) return PrintItems(std::move(items));
  if (items.size() == 1) return items.front();
  return Layout::Nest(Layout::Join(std::move(items), Layout::Join({",", Layout::Line()})));
}

std::vector<Layout> PrintClauses(const Select& select) {
  std::vector<Layout> clauses;
  const std::string word =
      "SELECT" + PrintHints(select.hints) + (select.distinct ? " DISTINCT" : "");
  clauses.push_back(ListClause(word, PrintEach(select.items, PrintItem)));
  if (!select.from.empty()) {
    clauses.push_back(Layout::Join({"FROM ", PrintFrom(select.from)}));
  }
  if (select.where) clauses.push_back(Clause("WHERE", PrintNode(*select.where)));
  if (!select.group_by.empty()) {
    clauses.push_back(ListClause("GROUP BY", PrintEach(select.group_by, PrintGrouping)));
  }
  if (select.having) clauses.push_back(Clause("HAVING", PrintNode(*select.having)));
  if (!select.windows.empty()) {
    clauses.push_back(ListClause("WINDOW", PrintEach(select.windows, PrintWindow)));
  }
  if (select.qualify) clauses.push_back(Clause("QUALIFY", PrintNode(*select.qualify)));
  return clauses;
}

Layout PrintValues(const Values& values) {
  return ListClause("VALUES", PrintEach(values.rows, [](const std::vector<ExpressionPtr>& row) {
                      return PrintList("(", PrintAll(row), ")");
                    }));
}

std::string WordOf(const SetOperation& operation) {
  static constexpr const char* kWords[] = {"UNION", "INTERSECT", "EXCEPT"};
  return kWords[static_cast<size_t>(operation.op)] + std::string(operation.all ? " ALL" : "");
}

bool IsIntersection(const Query& query) {
  const auto* operation = query.As<SetOperation>();
  return operation != nullptr && operation->op == SetOperator::kIntersect;
}

/// An operand of a set operation, which needs parentheses where it would be read otherwise.
Layout PrintSetOperand(const SetOperation& parent, const Query& operand, bool is_left,
                       bool on_lines) {
  const bool is_operation = operand.As<SetOperation>() != nullptr;
  const bool binds_less = parent.op == SetOperator::kIntersect
                              ? !IsIntersection(operand) || !is_left
                              : !is_left && !IsIntersection(operand);
  const bool has_tail = !operand.order_by.empty() || operand.limit || operand.offset;
  if (has_tail || !operand.with.empty() || (is_operation && binds_less)) {
    return PrintQueryInParentheses(operand);
  }
  return PrintNode(operand, on_lines);
}

/// A chain such as a UNION ALL b UNION ALL c, without a recursion to the left.
std::vector<Layout> PrintSetOperation(const SetOperation& operation, const Layout& separator,
                                      bool on_lines) {
  std::vector<Layout> reversed;
  const SetOperation* link = &operation;
  while (true) {
    reversed.push_back(PrintSetOperand(*link, *link->right, false, on_lines));
    reversed.push_back(WordOf(*link));
    const auto* left = link->left->As<SetOperation>();
    const bool same =
        left != nullptr && link->left->with.empty() && link->left->order_by.empty() &&
        !link->left->limit && !link->left->offset &&
        (left->op == SetOperator::kIntersect) == (link->op == SetOperator::kIntersect);
    if (!same) break;
    link = left;
  }
  reversed.push_back(PrintSetOperand(*link, *link->left, true, on_lines));
  return {Layout::Join({reversed.rbegin(), reversed.rend()}, separator)};
}

Layout PrintCommonTable(const CommonTable& table) {
  std::vector<Layout> parts = {PrintName(table.name)};
  if (!table.columns.empty()) parts.push_back(Layout::Join({" ", PrintNames(table.columns)}));
  parts.push_back(" AS ");
  parts.push_back(PrintQueryInParentheses(*table.query));
  return Layout::Join(std::move(parts));
}

}  // namespace

Layout PrintQueryInParentheses(const Query& query) {
  return Layout::Group(
      Layout::Join({"(", Layout::Nest(Layout::Join({Layout::SoftLine(), PrintNode(query)})),
                    Layout::SoftLine(), ")"}));
}

Layout PrintNode(const Query& query, bool on_lines) {
  const Layout separator = on_lines ? Layout::HardLine() : Layout::Line();
  std::vector<Layout> clauses;
  if (!query.with.empty()) {
    clauses.push_back(Layout::Join({"WITH ", Layout::Join(PrintEach(query.with, PrintCommonTable),
                                                          Layout::Join({",", separator}))}));
  }
  std::vector<Layout> body;
  if (const auto* select = query.As<Select>()) {
    body = PrintClauses(*select);
  } else if (const auto* operation = query.As<SetOperation>()) {
    body = PrintSetOperation(*operation, separator, on_lines);
  } else {
    body = {PrintValues(*query.As<Values>())};
  }
  clauses.insert(clauses.end(), body.begin(), body.end());
  if (!query.order_by.empty()) {
    clauses.push_back(ListClause("ORDER BY", PrintEach(query.order_by, [](const OrderItem& item) {
                                   return PrintNode(item);
                                 })));
  }
  if (query.limit) clauses.push_back("LIMIT " + std::to_string(*query.limit));
  if (query.offset) clauses.push_back("OFFSET " + std::to_string(*query.offset));
  return Layout::Join(std::move(clauses), separator);
}

}  // namespace millrace::syntax
