#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sql/expression_binder.h"
#include "sql/logical_node.h"

namespace millrace::sql {

/// The time column of a window over `stream`: its rowtime, or -1 for processing time. Another
/// column is a user error that says what is missing.
Result<int> WindowTimeColumn(const Stream& stream, const Schema& names,
                             const syntax::Identifier& column);

/// A length of time in microseconds: an INTERVAL of days to seconds.
Result<int64_t> WindowLength(const syntax::Expression& expression, const std::string& what);

/// Checks the lengths of a window against each other.
Status CheckWindow(const WindowSpec& window, Position at);

/// The window of GROUP BY TUMBLE(ts, …), HOP or SESSION, and what TUMBLE_START(ts, …) and the like
/// stand for: the columns that a window function adds to the rows of FROM.
class GroupWindow {
 public:
  /// None where `select` groups by no such window.
  static Result<std::optional<GroupWindow>> Find(const syntax::Select& select, const Stream& from,
                                                 const Scope& scope);

  /// The window's start for the call in GROUP BY, and what its auxiliary functions give; null
  /// where the call is another one.
  Result<ExpressionPtr> Bind(const syntax::FunctionCall& call, Position at) const;
  ExpressionPtr End(Position at) const;
  /// Of the window, over the rows of FROM.
  WindowSpec spec() const { return spec_; }
  Schema columns() const;

 private:
  std::string function_;
  std::vector<syntax::Argument> arguments_;
  WindowSpec spec_;
  int first_ = 0;  ///< of the added columns
  SqlType time_type_;
};

}  // namespace millrace::sql
