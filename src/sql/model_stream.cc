// Models whose versions are a stream: the join of rows with the records of their models. // M2
#include <algorithm>

#include "base/options.h"
#include "base/suggest.h"
#include "plan/micro_batch.h"
#include "sql/query_binder.h"
#include "types/row_keys.h"

namespace millrace::sql {
namespace {

/// The columns of a models' source, by what they are for.
class RecordColumns {
 public:
  using Fits = bool (SqlType::*)() const;

  RecordColumns(const Model& model, const Options& options, std::string source,
                const Schema& records)
      : model_(model), options_(options), source_(std::move(source)), records_(records) {}

  /// The column that `option` names, else the first of `names` that is there, else -1.
  Result<int> Find(const std::string& option, std::initializer_list<const char*> names,
                   std::initializer_list<Fits> fits, const char* wants) const {
    int column = -1;
    if (options_.Has(option)) {
      ARROW_ASSIGN_OR_RAISE(column, Named(options_.String(option), option));
    }
    for (const char* name : names) {
      if (column < 0) column = records_.Find(name);
    }
    if (column < 0) return column;
    const SqlType& type = records_.column(column).type;
    const auto fit = [&](Fits each) { return (type.*each)(); };
    if (std::any_of(fits.begin(), fits.end(), fit)) return column;
    return Error::User("the column '" + records_.column(column).name + "' of the models in '" +
                       source_ + "' is " + type.AsNullable().ToString() + ", not " + wants)
        .At(At(option))
        .Hint("name another one with '" + option + "', or CAST it in a view");
  }

  Result<int> Named(const std::string& name, const std::string& option) const {
    const int column = records_.Find(name);
    if (column >= 0) return column;
    return Error::User("'" + source_ + "' has no column '" + name + "'")
        .At(At(option))
        .Hint(Suggest(name, records_.Names()));
  }

  Position At(const std::string& option) const {
    const auto at = model_.positions.find(option);
    return at == model_.positions.end() ? Position() : at->second;
  }

 private:
  const Model& model_;
  const Options& options_;
  const std::string source_;
  const Schema& records_;
};

Status CheckKeys(const PredictConfig& config, const Schema& rows, const Schema& records,
                 Position at) {
  const ModelStream& stream = *config.stream;
  for (size_t i = 0; i < stream.row_keys.size(); ++i) {
    const SqlField& row = rows.column(stream.row_keys[i]);
    const SqlField& record = records.column(stream.record_keys[i]);
    if (row.type.HasSameForm(record.type)) continue;
    return Error::User("the rows' '" + row.name + "' is " + row.type.AsNullable().ToString() +
                       ", but the models' '" + record.name + "' is " +
                       record.type.AsNullable().ToString())
        .At(at)
        .Hint("CAST one of them in a view");
  }
  return Status::OK();
}

/// 'rollout-…' and 'rollback-…'.
Result<RolloutConfig> RolloutOf(const Options& options, const ModelConfig& model,
                                const Schema& rows, Position at) {
  RolloutConfig rollout;
  const std::string kind = options.String("rollout");
  if (kind == "none") {
    for (const auto& [key, value] : options.values()) {
      if (!key.starts_with("rollout-") && !key.starts_with("rollback-")) continue;
      return Error::User("the model '" + model.name + "' has '" + key + "', but no rollout")
          .At(at)
          .Hint("'rollout' = 'canary' or 'shadow'");
    }
    return rollout;
  }
  rollout.kind = kind == "canary" ? RolloutKind::kCanary : RolloutKind::kShadow;
  rollout.share = rollout.kind == RolloutKind::kCanary ? 0.1 : 1;
  if (options.Has("rollout-share")) rollout.share = options.Double("rollout-share");
  for (const std::string& key : ParseNames(options.String("rollout-key"))) {
    rollout.keys.push_back(rows.Find(key));
    if (rollout.keys.back() >= 0) continue;
    return Error::User("the rows have no column '" + key + "', the 'rollout-key' of the model '" +
                       model.name + "'")
        .At(at)
        .Hint(Suggest(key, rows.Names()));
  }
  const Schema& hashed = rollout.keys.empty() ? model.input : rows;
  std::vector<int> columns = rollout.keys;
  for (int i = 0; rollout.keys.empty() && i < hashed.size(); ++i) columns.push_back(i);
  if (const Status keys = KeyEncoder::Make(hashed, columns).status(); !keys.ok()) {
    return Error::User("the rollout of the model '" + model.name +
                       "' cannot choose rows: " + keys.message())
        .At(at)
        .Hint("name columns of another type with 'rollout-key'");
  }
  if (options.Has("rollout-rows")) rollout.rows = options.Int("rollout-rows");
  if (options.Has("rollout-time")) rollout.duration_us = options.DurationMicros("rollout-time");
  if (options.Has("rollback-failed")) rollout.max_failed = options.Double("rollback-failed");
  if (options.Has("rollback-shift")) rollout.max_shift = options.Double("rollback-shift");
  if (options.Has("rollback-latency")) {
    rollout.max_latency_us = options.DurationMicros("rollback-latency");
  }
  rollout.check_rows = options.Int("rollout-check-rows");
  const auto& outputs = model.output.columns();
  if (rollout.max_shift >= 0 && std::none_of(outputs.begin(), outputs.end(), [](const auto& each) {
        return each.type.is_numeric();
      })) {
    return Error::User("'rollback-shift' compares numbers, and the model '" + model.name +
                       "' gives none")
        .At(at)
        .Hint("use 'rollback-failed', or a shadow and a query over `v$shadow`");
  }
  return rollout;
}

}  // namespace

Result<Stream> QueryBinder::PredictByStream(Stream input, const Model& model, PredictConfig config,
                                            const std::vector<int>& partition_by, Position at) {
  ARROW_ASSIGN_OR_RAISE(const auto* provider,
                        context_.registries.providers.Get(config.model.provider));
  if (IsMicroBatch(config.model.input, config.arguments)) {
    return NotPlanned("a micro-batch for a model whose versions are a stream", at,
                      "UNNEST the arrays before");
  }
  auto values = config.model.options;
  values.erase("provider");
  ARROW_ASSIGN_OR_RAISE(const Options options, Options::Make("provider 'stream'", provider->options,
                                                             std::move(values), model.positions));
  const std::string source = options.String("source");
  syntax::TableName table;
  table.name.parts.push_back({source, at});
  const auto ctes = std::exchange(ctes_, {});
  auto bound = BindName(table, at);
  ctes_ = ctes;
  if (!bound.ok()) return WithPlace(bound.status(), at, "model " + model.config.name);
  const Stream versions = std::move(*bound);
  const Schema& records = versions.schema();
  const RecordColumns columns(model, options, source, records);

  ModelStream stream;
  stream.source = source;
  const std::vector<std::string> keys = ParseNames(options.String("key"));
  for (const std::string& key : keys) {
    ARROW_ASSIGN_OR_RAISE(stream.record_keys.emplace_back(), columns.Named(key, "key"));
  }
  stream.keyed = !partition_by.empty();
  stream.row_keys = partition_by;
  if (stream.keyed && partition_by.size() != keys.size()) {
    return Error::User("PARTITION BY has " + std::to_string(partition_by.size()) +
                       " columns, and the 'key' of the model '" + model.config.name + "' has " +
                       std::to_string(keys.size()))
        .At(at)
        .Hint("PARTITION BY the columns that say which model scores a row");
  }
  for (size_t i = 0; !stream.keyed && i < keys.size(); ++i) {
    stream.row_keys.push_back(input.schema().Find(keys[i]));
    if (stream.row_keys.back() >= 0) continue;
    return Error::User("the rows have no column '" + keys[i] + "', by which the model '" +
                       model.config.name + "' is chosen")
        .At(at)
        .Hint("select it, or name another with PARTITION BY");
  }
  constexpr auto kText = &SqlType::is_string;
  constexpr auto kInteger = &SqlType::is_integer;
  ARROW_ASSIGN_OR_RAISE(stream.type,
                        columns.Find("type-column", {"modeltype", "model_type", "type"},
                                     {kText, kInteger}, "a STRING or an INT"));
  ARROW_ASSIGN_OR_RAISE(stream.version,
                        columns.Find("version-column", {"version"}, {kInteger}, "an integer"));
  ARROW_ASSIGN_OR_RAISE(stream.data,
                        columns.Find("data-column", {"data"}, {&SqlType::is_binary}, "BYTES"));
  ARROW_ASSIGN_OR_RAISE(stream.location,
                        columns.Find("location-column", {"location"}, {kText}, "a STRING"));
  ARROW_ASSIGN_OR_RAISE(stream.sha256,
                        columns.Find("sha256-column", {"sha256"}, {kText}, "a STRING"));
  if (stream.data < 0 && stream.location < 0) {
    return Error::User("'" + source + "' has neither a column 'data' nor a column 'location'")
        .At(columns.At("source"))
        .Hint(
            "a record brings a model's bytes or where they are; name the column with "
            "'data-column' or 'location-column'");
  }
  if (stream.type < 0 && !options.Has("type")) {
    return Error::User("'" + source + "' does not tell the types of its models")
        .At(columns.At("source"))
        .Hint("name the column with 'type-column', or the type of all with 'type' = 'onnx'");
  }
  if (options.String("swap") == "event-time") {
    stream.row_time = input.plan().rowtime;
    stream.time = versions.plan().rowtime;
    if (stream.row_time < 0 || stream.time < 0) {
      return Error::User("'swap' = 'event-time' needs the time of " +
                         std::string(stream.row_time < 0 ? "the rows" : "the models") +
                         ", and they have none")
          .At(at)
          .Hint("declare a watermark: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND");
    }
    if (options.Has("swap-delay")) stream.swap_delay_us = options.DurationMicros("swap-delay");
  }
  const std::string before = options.String("before-first-model");
  if (before == "skip") stream.before_first = BeforeFirstModel::kSkip;
  if (before == "on-error") stream.before_first = BeforeFirstModel::kOnError;
  stream.max_waiting_rows = options.Int("max-waiting-rows");
  stream.keep_versions = static_cast<int>(options.Int("keep-versions"));
  ARROW_ASSIGN_OR_RAISE(stream.rollout, RolloutOf(options, config.model, input.schema(), at));
  if (stream.rollout.counts()) {
    if (stream.row_time >= 0) {
      return Error::User("a rollout that counts rows cannot swap by event time")
          .At(at)
          .Hint(
              "use 'rollout-time' without 'rollout-rows' and 'rollback-…', or 'swap' = 'arrival'");
    }
    stream.keyed = true;
  }
  config.stream = std::move(stream);
  ARROW_RETURN_NOT_OK(CheckKeys(config, input.schema(), records, at));
  return Stream{nodes_.Predict(name_, std::move(input), std::move(config), versions), 0};
}

}  // namespace millrace::sql
