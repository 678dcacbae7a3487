#pragma once

#include <optional>
#include <vector>

#include "sql/logical_node.h"

namespace millrace::sql {

/// A window function behind projections and filters, seen through them: what aggregates by its
/// windows can cut them itself, without a copy of each row for each of its windows.
struct WindowInput {
  const WindowConfig* config = nullptr;
  Stream input;                        ///< of the window function
  ExpressionPtr condition;             ///< of the filters, over `input`; null: none
  std::vector<ExpressionPtr> columns;  ///< of the stream, over the window function's output

  /// None where `keys`, `calls` or a filter need the windows' own columns, or where the windows
  /// are other ones for rows that a filter takes out or that other keys divide.
  static std::optional<WindowInput> Find(const Stream& stream,
                                         const std::vector<ExpressionPtr>& keys,
                                         const std::vector<AggregateCall>& calls);

  /// An expression over the stream as one over `input`.
  ExpressionPtr OverInput(const ExpressionPtr& expression) const;
};

}  // namespace millrace::sql
