// One line for each node, for EXPLAIN.
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
  if (c.watermark) out += ", watermark " + ToString(*c.watermark->expression, columns);
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

std::string Text(const AggregateConfig& c, const Names& columns) {
  Names calls;
  for (const AggregateCall& call : c.aggregates) {
    Names arguments;
    for (const auto& argument : call.arguments) arguments.push_back(ToString(*argument, columns));
    std::string text = call.function + '(' + (call.distinct ? "DISTINCT " : "") +
                       (arguments.empty() ? "*" : Join(arguments)) + ')';
    if (call.filter) text += " FILTER (" + ToString(*call.filter, columns) + ')';
    calls.push_back(std::move(text));
  }
  std::string out = c.keys.empty() ? "over everything" : "by " + Join(c.key_names);
  if (!calls.empty()) out += ": " + Join(calls);
  return out + (c.output == AggregateConfig::Output::kFinal ? " (final)" : " (changelog)");
}

std::string Text(const LimitConfig& c, const Names&) {
  return std::to_string(c.limit) + (c.offset == 0 ? "" : " after " + std::to_string(c.offset));
}

std::string Text(const PredictConfig& c, const Names& columns) {
  Names arguments;
  for (const auto& argument : c.arguments) arguments.push_back(ToString(*argument, columns));
  return c.model.name + '(' + Join(arguments) + ") AS " + Join(c.names) + " by " +
         c.model.provider + OptionsText(c.model.options) +
         (c.order == PredictOrder::kUnordered ? ", unordered" : "");
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

}  // namespace millrace
