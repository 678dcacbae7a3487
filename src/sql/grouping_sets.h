#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plan/expression.h"
#include "sql/context.h"
#include "syntax/ast.h"

namespace millrace::sql {

/// The GROUP BY of a SELECT: each key once, and which of them every grouping set keeps.
struct GroupKeys {
  /// Stands for the column that says which keys a row's set leaves out, until the aggregation is
  /// placed.
  static constexpr int kSetColumn = 1 << 21;

  std::vector<ExpressionPtr> keys;
  std::vector<std::string> names;
  std::vector<std::vector<int>> sets;  ///< of `keys`, ascending; no two alike

  bool has_sets() const { return sets.size() > 1; }
  /// Whether some set leaves it out.
  bool IsOptional(int key) const;
  /// The optional keys: those that a row's set column speaks of.
  std::vector<int> optional() const;
  /// Adds a key that is there already, or to every set.
  void AddToAll(ExpressionPtr key, std::string name);
};

using BindExpression = std::function<Result<ExpressionPtr>(const syntax::ExpressionPtr&)>;

/// Keys and sets of `group_by`: GROUPING SETS, ROLLUP and CUBE among its elements multiply.
Result<GroupKeys> BindGroupBy(const std::vector<syntax::Grouping>& group_by,
                              const BindExpression& bind);

/// GROUPING(a) and GROUPING_ID(a, …): a bit for each argument, the first in the highest, 1 where
/// the row's set leaves it out. Null where the call is another one. `call` makes calls of built-in
/// functions.
Result<ExpressionPtr> BindGroupingCall(
    const syntax::FunctionCall& call, Position at, const GroupKeys& group,
    const BindExpression& bind,
    const std::function<Result<ExpressionPtr>(const std::string&, std::vector<ExpressionPtr>)>&
        make_call);

}  // namespace millrace::sql
