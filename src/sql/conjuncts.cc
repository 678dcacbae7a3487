#include "sql/conjuncts.h"

#include <algorithm>

namespace millrace::sql {

std::vector<ExpressionPtr> SplitConjuncts(const ExpressionPtr& condition) {
  if (!condition) return {};
  if (!condition->IsCall("AND")) return {condition};
  std::vector<ExpressionPtr> out;
  for (const auto& argument : condition->arguments) {
    const auto parts = SplitConjuncts(argument);
    out.insert(out.end(), parts.begin(), parts.end());
  }
  return out;
}

ExpressionPtr JoinConjuncts(std::vector<ExpressionPtr> conjuncts) {
  if (conjuncts.empty()) return nullptr;
  if (conjuncts.size() == 1) return conjuncts[0];
  const bool nullable = std::any_of(conjuncts.begin(), conjuncts.end(),
                                    [](const ExpressionPtr& e) { return e->type.nullable(); });
  const Position at = conjuncts[0]->position;
  return Expression::Call("AND", std::move(conjuncts), SqlType::Boolean().AsNullable(nullable), at);
}

}  // namespace millrace::sql
