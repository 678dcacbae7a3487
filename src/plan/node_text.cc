// One line for each node, for EXPLAIN.
#include <limits>
#include <sstream>
#include <utility>

#include "base/options.h"
#include "plan/nodes.h"

namespace millrace {
namespace {

using Names = std::vector<std::string>;

std::string Join(const Names& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

Names NamesOf(const std::vector<Schema>& inputs) {
  return inputs.empty() ? Names() : inputs[0].Names();
}

std::string OptionsText(const std::map<std::string, std::string>& options) {
  std::string out;
  for (const auto& [key, value] : options) {
    if (key == "connector" || key == "provider") continue;
    out += " '" + key + "'='" + RedactedValue(key, value) + "'";
  }
  return out;
}

/// "a, b * 2 AS c": an alias only where the text is not the name already.
std::string Projected(const std::vector<ExpressionPtr>& expressions, const Names& names,
                      const Names& columns) {
  Names parts;
  for (size_t i = 0; i < expressions.size(); ++i) {
    std::string text = ToString(*expressions[i], columns);
    const bool same = i < names.size() && names[i] == text;
    if (i < names.size() && !same) text += " AS " + names[i];
    parts.push_back(std::move(text));
  }
  return Join(parts);
}

std::string Text(const SourceConfig& c, const Names&) {
  Names columns;
  for (const int column : c.projection) columns.push_back(c.table.physical.column(column).name);
  for (const MetadataColumn& column : c.metadata) columns.push_back(column.name);
  const std::string extra = Projected(c.computed, c.computed_names, columns);
  std::string out = c.table.name + '[' + Join(columns) + (extra.empty() ? "" : ", " + extra) +
                    "] from " + c.table.connector + OptionsText(c.table.options);
  columns.insert(columns.end(), c.computed_names.begin(), c.computed_names.end());
  if (c.watermark) {
    out += ", watermark " + ToString(*c.watermark->expression, columns);
    const std::string& group = c.watermark->alignment_group;
    if (!group.empty()) out += " aligned in '" + group + '\'';
  }
  if (c.limit) out += ", limit " + std::to_string(*c.limit);
  return out;
}

std::string Text(const ValuesConfig& c, const Names&) {
  return std::to_string(c.rows.size()) + (c.rows.size() == 1 ? " row " : " rows ") +
         c.schema.ToString();
}

std::string Text(const CalcConfig& c, const Names& columns) {
  Names all = columns;
  std::string out;
  for (size_t i = 0; i < c.locals.size(); ++i) {
    out +=
        (i == 0 ? "let " : ", ") + ("#" + std::to_string(i)) + " = " + ToString(*c.locals[i], all);
    all.push_back("#" + std::to_string(i));
  }
  if (!out.empty()) out += "; ";
  if (c.condition) out += "where " + ToString(*c.condition, all) + "; ";
  return out + "select " + Projected(c.projections, c.names, all);
}

std::string Text(const UnnestConfig& c, const Names& columns) {
  return std::string(c.outer ? "outer " : "") + ToString(*c.collection, columns) + " AS (" +
         Join(c.names) + ')' + (c.ordinality ? " with ordinality" : "");
}

std::string CallsText(const std::vector<AggregateCall>& aggregates, const Names& columns) {
  Names calls;
  for (const AggregateCall& call : aggregates) {
    Names arguments;
    for (const auto& argument : call.arguments) arguments.push_back(ToString(*argument, columns));
    std::string text = call.function + '(' + (call.distinct ? "DISTINCT " : "") +
                       (arguments.empty() ? "*" : Join(arguments)) + ')';
    if (call.filter) text += " FILTER (" + ToString(*call.filter, columns) + ')';
    calls.push_back(std::move(text));
  }
  return Join(calls);
}

std::string_view PhaseText(AggregatePhase phase) {
  switch (phase) {
    case AggregatePhase::kSingle:
      return "";
    case AggregatePhase::kLocal:
      return ", local";
    case AggregatePhase::kGlobal:
      return ", global";
  }
  return "";
}

std::string Text(const AggregateConfig& c, const Names& columns) {
  // What a global node's calls read is the local node's input, whose names are not here.
  const std::string calls =
      c.phase == AggregatePhase::kGlobal ? "" : CallsText(c.aggregates, columns);
  std::string out = c.keys.empty() ? "over everything" : "by " + Join(c.key_names);
  if (!calls.empty()) out += ": " + calls;
  return out + (c.output == AggregateConfig::Output::kFinal ? " (final" : " (changelog") +
         std::string(PhaseText(c.phase)) + ')';
}

std::string NameAt(const Names& columns, int column) {
  const auto index = static_cast<size_t>(column);
  return index < columns.size() ? columns[index] : '#' + std::to_string(column);
}

std::string Duration(int64_t us) {
  constexpr std::pair<int64_t, std::string_view> kUnits[] = {{86'400'000'000, " d"},
                                                             {3'600'000'000, " h"},
                                                             {60'000'000, " min"},
                                                             {1'000'000, " s"},
                                                             {1'000, " ms"}};
  for (const auto& [length, name] : kUnits) {
    if (us != 0 && us % length == 0) return std::to_string(us / length) + std::string(name);
  }
  return std::to_string(us) + " us";
}

std::string WindowText(const WindowSpec& w, const Names& columns) {
  const std::string time = w.time_column < 0 ? "processing time" : NameAt(columns, w.time_column);
  const std::string offset = w.offset_us == 0 ? "" : ", offset " + Duration(w.offset_us);
  switch (w.kind) {
    case WindowSpec::Kind::kTumble:
      return "tumble(" + time + ", " + Duration(w.size_us) + offset + ')';
    case WindowSpec::Kind::kHop:
      return "hop(" + time + ", " + Duration(w.step_us) + ", " + Duration(w.size_us) + offset + ')';
    case WindowSpec::Kind::kCumulate:
      return "cumulate(" + time + ", " + Duration(w.step_us) + ", " + Duration(w.size_us) + offset +
             ')';
    case WindowSpec::Kind::kSession:
      return "session(" + time + ", " + Duration(w.size_us) + ')';
    case WindowSpec::Kind::kAttached:
      return "windows of the rows";
  }
  return "";
}

Names NamesAt(const Names& columns, const std::vector<int>& which) {
  Names names;
  for (const int column : which) names.push_back(NameAt(columns, column));
  return names;
}

std::string Text(const WindowConfig& c, const Names& columns) {
  return WindowText(c.window, columns) +
         (c.keys.empty() ? "" : " by " + Join(NamesAt(columns, c.keys)));
}

std::string Text(const WindowAggregateConfig& c, const Names& columns) {
  std::string out = WindowText(c.window, columns);
  if (!c.key_names.empty()) out += " by " + Join(c.key_names);
  const std::string calls =
      c.phase == AggregatePhase::kGlobal ? "" : CallsText(c.aggregates, columns);
  if (!calls.empty()) out += ": " + calls;
  if (c.allowed_lateness_us > 0) out += ", late until " + Duration(c.allowed_lateness_us);
  return out + std::string(PhaseText(c.phase));
}

std::string Text(const ExpandConfig& c, const Names& columns) {
  Names sets;
  for (const auto& set : c.sets) sets.push_back('(' + Join(NamesAt(columns, set)) + ')');
  return Join(sets) + " AS " + c.id_name;
}

std::string Text(const DeduplicateConfig& c, const Names& columns) {
  return std::string(c.keep_last ? "last" : "first") + " row by " +
         (c.time_column < 0 ? "arrival" : NameAt(columns, c.time_column)) + " of " +
         Join(NamesAt(columns, c.keys)) +
         (c.window_end < 0 ? "" : ", when " + NameAt(columns, c.window_end) + " has passed");
}

std::string Text(const RankConfig& c, const Names& columns) {
  Names order;
  for (const SortColumn& sort : c.order) {
    order.push_back(NameAt(columns, sort.column) + (sort.ascending ? "" : " desc"));
  }
  std::string rows = "rows from " + std::to_string(c.from);
  if (c.to < std::numeric_limits<int64_t>::max()) {
    rows = "rows " + std::to_string(c.from) + " to " + std::to_string(c.to);
  } else if (c.from == 1) {
    rows = "all rows";
  }
  return rows + " by " + Join(order) +
         (c.keys.empty() ? "" : " of " + Join(NamesAt(columns, c.keys))) +
         (c.number_name.empty() ? "" : " AS " + c.number_name) +
         (c.window_end < 0 ? "" : ", when " + NameAt(columns, c.window_end) + " has passed") +
         (c.final ? " (final)" : "");
}

std::string Text(const LimitConfig& c, const Names&) {
  return std::to_string(c.limit) + (c.offset == 0 ? "" : " after " + std::to_string(c.offset));
}

std::string RolloutText(const RolloutConfig& c, const Names& columns) {
  if (c.kind == RolloutKind::kNone) return "";
  std::ostringstream text;
  text << ", " << c.share * 100 << " % of the rows by "
       << (c.keys.empty() ? "their arguments" : Join(NamesAt(columns, c.keys)))
       << (c.kind == RolloutKind::kCanary ? " to a new version" : " also to a new version");
  return text.str();
}

std::string VersionsText(const PredictConfig& c, const Names& columns) {
  if (!c.stream) return "";
  const ModelStream& stream = *c.stream;
  Names keys;
  for (const int key : stream.row_keys) keys.push_back(columns[static_cast<size_t>(key)]);
  std::string text = ", versions from " + stream.source;
  if (!keys.empty()) text += " by " + Join(keys);
  text += stream.row_time >= 0 ? ", swapped by event time" : ", swapped on arrival";
  text += stream.keyed ? ", keyed: a subtask has the models of its keys, which suits many or large "
                         "models and keys of like size"
                       : ", broadcast: every subtask has every model, which suits few models and "
                         "keys of any size";
  return text + RolloutText(stream.rollout, columns);
}

std::string Text(const PredictConfig& c, const Names& columns) {
  Names arguments;
  for (const auto& argument : c.arguments) arguments.push_back(ToString(*argument, columns));
  return c.model.name + '(' + Join(arguments) + ") AS " + Join(c.names) + " by " +
         c.model.provider + OptionsText(c.model.options) +
         (c.order == PredictOrder::kUnordered ? ", unordered" : "") +
         (c.model.in_sequence ? ", in sequences of " +
                                    (c.keys.empty() ? "all rows" : Join(NamesAt(columns, c.keys)))
                              : "") +
         VersionsText(c, columns);
}

std::string Text(const SinkConfig& c, const Names&) {
  return c.table.name + '[' + Join(c.table.physical.Names()) + "] to " + c.table.connector +
         OptionsText(c.table.options);
}

std::string Text(const CollectConfig&, const Names&) { return "the query's result"; }

}  // namespace

template <class Self>
std::string NodeConfigOf<Self>::Describe(const std::vector<Schema>& inputs) const {
  return Text(static_cast<const Self&>(*this), NamesOf(inputs));
}

template std::string NodeConfigOf<SourceConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<ValuesConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<CalcConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<UnnestConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<AggregateConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<LimitConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<PredictConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<SinkConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<CollectConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<WindowConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<WindowAggregateConfig>::Describe(
    const std::vector<Schema>&) const;
template std::string NodeConfigOf<ExpandConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<DeduplicateConfig>::Describe(const std::vector<Schema>&) const;
template std::string NodeConfigOf<RankConfig>::Describe(const std::vector<Schema>&) const;

}  // namespace millrace
