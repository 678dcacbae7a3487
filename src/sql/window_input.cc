#include "sql/window_input.h"

#include <algorithm>
#include <set>

#include "sql/conjuncts.h"
#include "sql/graph.h"

namespace millrace::sql {
namespace {

ExpressionPtr Through(const ExpressionPtr& expression, const std::vector<ExpressionPtr>& columns) {
  if (!expression) return nullptr;
  return Rewrite(expression, [&](const ExpressionPtr& node) -> ExpressionPtr {
    return node->IsColumn() ? columns[static_cast<size_t>(node->column)] : nullptr;
  });
}

/// A session reaches over the rows of its own keys, whatever is filtered behind it.
bool SameSessions(const WindowInput& window, const std::vector<ExpressionPtr>& keys) {
  if (window.condition) return false;
  std::set<int> grouped;
  for (const auto& key : keys) {
    const auto over_input = window.OverInput(key);
    grouped.insert(over_input->IsColumn() ? over_input->column : -1);
  }
  return grouped == std::set<int>(window.config->keys.begin(), window.config->keys.end());
}

}  // namespace

ExpressionPtr WindowInput::OverInput(const ExpressionPtr& expression) const {
  return Through(expression, columns);
}

std::optional<WindowInput> WindowInput::Find(const Stream& stream,
                                             const std::vector<ExpressionPtr>& keys,
                                             const std::vector<AggregateCall>& calls) {
  WindowInput out;
  out.columns = ColumnsOf(stream.schema());
  Stream at = stream;
  std::vector<ExpressionPtr> conjuncts;
  while (const auto* calc = at.port == 0 ? As<CalcConfig>(*at.node) : nullptr) {
    for (auto& column : out.columns) column = Through(column, calc->projections);
    for (auto& conjunct : conjuncts) conjunct = Through(conjunct, calc->projections);
    if (calc->condition) conjuncts.push_back(calc->condition);
    at = at.node->inputs[0];
  }
  out.config = at.port == 0 ? As<WindowConfig>(*at.node) : nullptr;
  if (out.config == nullptr) return std::nullopt;
  out.input = at.node->inputs[0];
  out.condition = JoinConjuncts({conjuncts.rbegin(), conjuncts.rend()});
  const int width = out.input.schema().size();
  const auto fits = [&](const ExpressionPtr& expression) {
    const auto read = expression ? millrace::ColumnsOf(*expression) : std::vector<int>();
    return read.empty() || read.back() < width;
  };
  const auto fits_above = [&](const ExpressionPtr& expression) {
    return !expression || fits(out.OverInput(expression));
  };
  bool all = fits(out.condition) && std::all_of(keys.begin(), keys.end(), fits_above);
  for (const AggregateCall& call : calls) {
    all = all && fits_above(call.filter) &&
          std::all_of(call.arguments.begin(), call.arguments.end(), fits_above);
  }
  if (!all) return std::nullopt;
  const bool session = out.config->window.kind == WindowSpec::Kind::kSession;
  if (session && !SameSessions(out, keys)) return std::nullopt;
  return out;
}

}  // namespace millrace::sql
