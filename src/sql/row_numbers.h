#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sql/context.h"
#include "sql/grouping_sets.h"
#include "sql/logical_node.h"

namespace millrace::sql {

/// What rows are ordered by.
struct OrderKey {
  ExpressionPtr value;
  bool ascending = true;
  bool nulls_first = true;
};

/// NULL is the least value, as in Flink, where the item does not say.
Result<OrderKey> BindOrderItem(const syntax::OrderItem& item, const BindExpression& bind);

/// Which of `width` output columns an ORDER BY 1, 2 … means; -1: it is no such number.
Result<int> OrdinalOf(const syntax::Expression& item, int width);

/// The ROW_NUMBER() OVER (…) calls of a SELECT; call i is column `kBase` + i until it is placed.
class RowNumbers {
 public:
  static constexpr int kBase = 1 << 22;

  struct Call {
    std::vector<ExpressionPtr> keys;
    std::vector<OrderKey> order;
    Position position;
  };

  /// Null where the call has no OVER.
  Result<ExpressionPtr> Bind(const syntax::FunctionCall& call, Position at,
                             const std::vector<syntax::NamedWindow>& windows,
                             const BindExpression& bind);
  std::vector<Call>& calls() { return calls_; }
  const std::vector<Call>& calls() const { return calls_; }

 private:
  std::vector<Call> calls_;
};

/// `value` with every ROW_NUMBER replaced by its column: call i is `columns[i]`.
ExpressionPtr WithRowNumbers(const ExpressionPtr& value, const std::vector<int>& columns);

/// Adds the rows' numbers, unbounded: a filter behind it makes a Top-N of it (`PlaceTopN`), else it
/// runs on bounded input in batch mode only.
Stream PlaceRowNumber(const PlannerContext& context, NodeFactory& nodes, const std::string& name,
                      Stream input, const RowNumbers::Call& call);

/// Whether the node numbers all its rows, whose state would grow without end.
bool IsUnboundedRowNumber(const LogicalNode& node);

/// The rows of `input` that pass all `conjuncts`. Where they bound a row number that was placed
/// behind projections and filters, the node becomes a Top-N, or a deduplication where that does.
Stream PlaceTopN(NodeFactory& nodes, const std::string& name, const std::string& state_id,
                 Stream input, std::vector<ExpressionPtr> conjuncts);

/// ORDER BY with LIMIT and OFFSET as a Top-N over everything: rows `from` to `to`.
Stream PlaceSort(const PlannerContext& context, NodeFactory& nodes, const std::string& name,
                 Stream input, const std::vector<OrderKey>& order, int64_t from, int64_t to);

}  // namespace millrace::sql
