#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "syntax/ast.h"
#include "syntax/layout.h"

namespace millrace::syntax {

// The layouts of the nodes, for the printer's own files.

Layout PrintNode(const Expression& expression,
                 int min_precedence = 0);  ///< in parentheses where it binds less
Layout PrintNode(const Relation& relation);
Layout PrintNode(const Query& query,
                 bool on_lines = false);  ///< `on_lines`: every clause on its own line
Layout PrintNode(const Pattern& pattern);
Layout PrintNode(const Statement& statement);        ///< without the ';' and what trails it
Layout PrintTerminated(const Statement& statement);  ///< with them
Layout PrintNode(const WindowSpec& spec);
Layout PrintNode(const OrderItem& item);

/// As a call in FROM is printed: always with parentheses.
Layout PrintTableFunction(const FunctionCall& call);
Layout PrintCall(const FunctionCall& call);

std::string PrintType(const SqlType& type);
std::string PrintString(std::string_view text);  ///< 'it''s'
std::string PrintName(const Identifier& name);
std::string PrintProperty(const Property& property);
std::string PrintHints(
    const std::vector<Hint>& hints);  ///< with a blank before; empty without hints

Layout PrintQueryInParentheses(const Query& query);
Layout PrintExpressions(const std::vector<ExpressionPtr>& expressions);  ///< a, b
Layout PrintOrder(const std::vector<OrderItem>& items);                  ///< a DESC, b
Layout PrintNames(const std::vector<Identifier>& names);                 ///< (a, b)

/// The items with commas between them; on one line, if they fit.
Layout PrintItems(std::vector<Layout> items);

/// "open", the items with commas between them, "close"; on one line, if it fits.
Layout PrintList(Layout open, std::vector<Layout> items, Layout close);

template <class Items, class PrintItem>
std::vector<Layout> PrintEach(const Items& items, PrintItem print_item) {
  std::vector<Layout> out;
  for (const auto& item : items) out.push_back(print_item(item));
  return out;
}

}  // namespace millrace::syntax
