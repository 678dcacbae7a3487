#include "sql/row_numbers.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "sql/conjuncts.h"
#include "sql/graph.h"
#include "syntax/text.h"

namespace millrace::sql {
namespace {

constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

Result<const syntax::WindowSpec*> SpecOf(const syntax::Over& over,
                                         const std::vector<syntax::NamedWindow>& windows,
                                         Position at) {
  const auto* spec = std::get_if<syntax::WindowSpec>(&over);
  const auto* name = std::get_if<syntax::Identifier>(&over);
  if (name != nullptr) {
    const auto named = std::find_if(windows.begin(), windows.end(),
                                    [&](const auto& w) { return w.name.name == name->name; });
    if (named == windows.end())
      return Error::User("no WINDOW '" + name->name + "'").At(name->position);
    spec = &named->spec;
  }
  if (spec->base) return NotPlanned("a WINDOW that refines another", at);
  return spec;
}

bool RunsInBatch(const PlannerContext& context, const Stream& input) {
  return context.Setting("execution.runtime-mode", "streaming") == "batch" && input.node->bounded &&
         input.append_only();
}

/// Columns of a stream, and expressions that become columns of it.
class AddedColumns {
 public:
  explicit AddedColumns(Stream input)
      : input_(std::move(input)),
        columns_(ColumnsOf(input_.schema())),
        names_(input_.schema().Names()) {}

  int Of(const ExpressionPtr& value) {
    const auto at = std::find_if(columns_.begin(), columns_.end(),
                                 [&](const ExpressionPtr& c) { return Equal(*c, *value); });
    if (at != columns_.end()) return static_cast<int>(at - columns_.begin());
    names_.push_back("$" + std::to_string(columns_.size()));
    columns_.push_back(value);
    return static_cast<int>(columns_.size()) - 1;
  }

  std::vector<SortColumn> Of(const std::vector<OrderKey>& order) {
    std::vector<SortColumn> sort;
    for (const OrderKey& key : order) {
      sort.push_back({Of(key.value), key.ascending, key.nulls_first});
    }
    return sort;
  }

  Stream Place(NodeFactory& nodes, const std::string& name) {
    if (static_cast<int>(columns_.size()) == input_.schema().size()) return input_;
    return {nodes.Calc(name, input_, nullptr, columns_, names_), 0};
  }

 private:
  Stream input_;
  std::vector<ExpressionPtr> columns_;
  std::vector<std::string> names_;
};

struct Range {
  int64_t from = 1;
  int64_t to = kUnbounded;
};

/// `column op number`, either way round.
struct Bound {
  int column;
  std::string op;
  int64_t number;
};

std::optional<Bound> BoundOf(const Expression& condition) {
  static const std::map<std::string, std::string> kMirrored = {
      {"<", ">"}, {"<=", ">="}, {"=", "="}, {">=", "<="}, {">", "<"}};
  const auto mirrored = kMirrored.find(condition.function);
  const bool compares = condition.kind == Expression::Kind::kCall && mirrored != kMirrored.end();
  if (!compares || condition.arguments.size() != 2) return std::nullopt;
  const Expression* column = condition.arguments[0].get();
  const Expression* number = condition.arguments[1].get();
  const bool swapped = number->IsColumn();
  if (swapped) std::swap(column, number);
  const auto* value = number->IsLiteral() ? std::get_if<int64_t>(&number->literal) : nullptr;
  if (!column->IsColumn() || value == nullptr || !number->type.is_integer()) return std::nullopt;
  return Bound{column->column, swapped ? mirrored->second : condition.function, *value};
}

void Narrow(const Bound& bound, Range* range) {
  const int64_t n = bound.number;
  if (bound.op == "<" || bound.op == "<=" || bound.op == "=") {
    range->to = std::min(range->to, bound.op == "<" ? n - 1 : n);
  }
  if (bound.op == ">" || bound.op == ">=" || bound.op == "=") {
    range->from = std::max(range->from, bound.op == ">" ? n + 1 : n);
  }
}

/// The node that numbers rows, where `column` of the stream is its number, and the projections
/// between, the nearest to the stream first.
struct NumberedBy {
  const LogicalNode* node = nullptr;
  std::vector<const LogicalNode*> calcs;
};

NumberedBy FindNumber(const Stream& stream, int column) {
  NumberedBy out;
  Stream at = stream;
  while (at.port == 0) {
    if (const auto* calc = As<CalcConfig>(*at.node)) {
      const Expression& value = *calc->projections[static_cast<size_t>(column)];
      if (!value.IsColumn()) return {};
      column = value.column;
      out.calcs.push_back(at.node.get());
      at = at.node->inputs[0];
      continue;
    }
    const auto* rank = As<RankConfig>(*at.node);
    const bool numbers = rank != nullptr && rank->to == kUnbounded && !rank->number_name.empty();
    if (!numbers || column != at.schema().size() - 1) return {};
    out.node = at.node.get();
    return out;
  }
  return {};
}

/// The end column of the windows that `keys` hold as a whole; -1: they hold none.
int WindowEnd(const Stream& input, const std::vector<int>& keys) {
  const auto& windows = input.node->times.windows;
  if (input.port != 0 || !windows || windows->processing_time) return -1;
  const auto has = [&](int column) {
    return std::find(keys.begin(), keys.end(), column) != keys.end();
  };
  return has(windows->start) && has(windows->end) ? windows->end : -1;
}

/// The one row of each key by time, where that is what the Top-N asks for.
std::optional<DeduplicateConfig> AsDeduplication(const Stream& input, const RankConfig& rank) {
  const bool first_row = rank.from == 1 && rank.to == 1 && rank.order.size() == 1;
  if (!first_row || rank.final || rank.keys.empty() || !input.append_only() || input.port != 0) {
    return std::nullopt;
  }
  const int column = rank.order[0].column;
  const TimeColumns& times = input.node->times;
  const bool rowtime = column == input.plan().rowtime ||
                       (rank.window_end >= 0 && times.windows && column == times.windows->of);
  const auto& processing_time = times.processing_time;
  const bool arrival =
      std::find(processing_time.begin(), processing_time.end(), column) != processing_time.end();
  if (!rowtime && !arrival) return std::nullopt;
  DeduplicateConfig config;
  config.keys = rank.keys;
  config.time_column = rowtime ? column : -1;
  config.keep_last = !rank.order[0].ascending;
  config.window_end = rank.window_end;
  config.window_local = rank.window_local;
  return config;
}

/// The stream of `numbered`'s number within `range`.
Stream Bounded(NodeFactory& nodes, const std::string& name, const std::string& state_id,
               const LogicalNode& numbered, Range range) {
  const Stream& input = numbered.inputs[0];
  RankConfig config = *As<RankConfig>(numbered);
  config.from = range.from;
  config.to = range.to;
  if (!config.final && input.append_only()) config.window_end = WindowEnd(input, config.keys);
  if (config.window_end >= 0) {
    const SqlType& time = input.node->times.windows->time_type;
    config.window_local = time.kind() == TypeKind::kTimestampLtz;
  }
  if (auto deduplication = AsDeduplication(input, config)) {
    auto columns = ColumnsOf(input.schema());
    columns.push_back(Expression::Literal(int64_t{1}, SqlType::BigInt().AsNotNull()));
    auto names = input.schema().Names();
    names.push_back(config.number_name);
    Stream rows{nodes.Deduplicate(name, input, std::move(*deduplication), state_id), 0};
    return {nodes.Calc(name, std::move(rows), nullptr, std::move(columns), std::move(names)), 0};
  }
  return {nodes.Rank(name, input, std::move(config), state_id), 0};
}

}  // namespace

Result<OrderKey> BindOrderItem(const syntax::OrderItem& item, const BindExpression& bind) {
  OrderKey key;
  ARROW_ASSIGN_OR_RAISE(key.value, bind(item.expression));
  key.ascending = !item.descending;
  key.nulls_first = item.nulls_first.value_or(key.ascending);
  return key;
}

Result<int> OrdinalOf(const syntax::Expression& item, int width) {
  const auto* literal = item.As<syntax::Literal>();
  if (literal == nullptr || literal->kind != syntax::LiteralKind::kInteger) return -1;
  const int64_t ordinal = std::strtoll(literal->text.c_str(), nullptr, 10);
  if (ordinal >= 1 && ordinal <= width) return static_cast<int>(ordinal - 1);
  return Error::User("ORDER BY " + literal->text + " is none of the " + std::to_string(width) +
                     " columns")
      .At(item.position);
}

Result<ExpressionPtr> RowNumbers::Bind(const syntax::FunctionCall& call, Position at,
                                       const std::vector<syntax::NamedWindow>& windows,
                                       const BindExpression& bind) {
  if (!call.over) return ExpressionPtr();
  const std::string function = syntax::ToUpper(call.name.parts.back().name);
  if (function == "RANK" || function == "DENSE_RANK") {
    return Error::User(function +
                       "() OVER is not supported on streams: one row can move the rank "
                       "of any number of others")
        .At(at)
        .Hint("ROW_NUMBER() OVER (…) with a condition on it is a Top-N");
  }
  if (function != "ROW_NUMBER") return NotPlanned(function + " with OVER", at);
  if (!call.arguments.empty()) return Error::User("ROW_NUMBER takes no arguments").At(at);
  ARROW_ASSIGN_OR_RAISE(const auto* spec, SpecOf(*call.over, windows, at));
  if (spec->frame) return Error::User("ROW_NUMBER takes no ROWS or RANGE").At(at);
  if (spec->order_by.empty()) {
    return Error::User("ROW_NUMBER() OVER needs an ORDER BY")
        .At(at)
        .Hint("ROW_NUMBER() OVER (PARTITION BY k ORDER BY amount DESC)");
  }
  Call bound;
  bound.position = at;
  for (const auto& key : spec->partition_by) {
    ARROW_ASSIGN_OR_RAISE(auto value, bind(key));
    bound.keys.push_back(std::move(value));
  }
  for (const auto& item : spec->order_by) {
    ARROW_ASSIGN_OR_RAISE(auto key, BindOrderItem(item, bind));
    bound.order.push_back(std::move(key));
  }
  calls_.push_back(std::move(bound));
  return Expression::Column(kBase + static_cast<int>(calls_.size()) - 1,
                            SqlType::BigInt().AsNotNull(), at);
}

ExpressionPtr WithRowNumbers(const ExpressionPtr& value, const std::vector<int>& columns) {
  return Rewrite(value, [&](const ExpressionPtr& node) -> ExpressionPtr {
    const bool number = node->IsColumn() && node->column >= RowNumbers::kBase &&
                        node->column < 2 * RowNumbers::kBase;
    if (!number) return nullptr;
    const auto call = static_cast<size_t>(node->column - RowNumbers::kBase);
    return Expression::Column(columns[call], node->type, node->position);
  });
}

Stream PlaceRowNumber(const PlannerContext& context, NodeFactory& nodes, const std::string& name,
                      Stream input, const RowNumbers::Call& call) {
  RankConfig config;
  config.to = kUnbounded;
  config.number_name = "$number";
  config.final = RunsInBatch(context, input);
  AddedColumns columns(std::move(input));
  for (const auto& key : call.keys) config.keys.push_back(columns.Of(key));
  config.order = columns.Of(call.order);
  return {nodes.Rank(name, columns.Place(nodes, name), std::move(config), {}), 0};
}

bool IsUnboundedRowNumber(const LogicalNode& node) {
  const auto* rank = As<RankConfig>(node);
  return rank != nullptr && rank->to == kUnbounded && !rank->final;
}

Stream PlaceTopN(NodeFactory& nodes, const std::string& name, const std::string& state_id,
                 Stream input, std::vector<ExpressionPtr> conjuncts) {
  for (const auto& conjunct : conjuncts) {
    const auto first = BoundOf(*conjunct);
    const auto numbered = first ? FindNumber(input, first->column) : NumberedBy();
    if (numbered.node == nullptr) continue;
    Range range;
    std::vector<ExpressionPtr> rest;
    for (const auto& other : conjuncts) {
      const auto bound = BoundOf(*other);
      if (bound && bound->column == first->column)
        Narrow(*bound, &range);
      else
        rest.push_back(other);
    }
    if (range.to == kUnbounded) continue;
    if (range.to < range.from) {  // no row at all: the conditions say so themselves
      range = {1, 1};
      rest = conjuncts;
    }
    Stream stream = Bounded(nodes, name, state_id, *numbered.node, range);
    for (auto calc = numbered.calcs.rbegin(); calc != numbered.calcs.rend(); ++calc) {
      const auto* config = As<CalcConfig>(**calc);
      stream = {nodes.Calc(name, std::move(stream), config->condition, config->projections,
                           config->names),
                0};
    }
    return PlaceTopN(nodes, name, state_id, std::move(stream), std::move(rest));
  }
  if (conjuncts.empty()) return input;
  return {nodes.Filter(name, std::move(input), JoinConjuncts(std::move(conjuncts))), 0};
}

Stream PlaceSort(const PlannerContext& context, NodeFactory& nodes, const std::string& name,
                 Stream input, const std::vector<OrderKey>& order, int64_t from, int64_t to) {
  RankConfig config;
  config.from = from;
  config.to = to;
  config.final = RunsInBatch(context, input);
  AddedColumns columns(std::move(input));
  config.order = columns.Of(order);
  return {nodes.Rank(name, columns.Place(nodes, name), std::move(config), {}), 0};
}

}  // namespace millrace::sql
