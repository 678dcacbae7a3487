#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "plan/expression.h"
#include "types/batch.h"
#include "types/schema.h"

namespace millrace {

/// The typed configuration of a plan node. Each kind has a name and a version; `plan/nodes.cc` has
/// the table that reads them back. Immutable.
struct NodeConfig {
  virtual ~NodeConfig() = default;
  virtual std::string_view op() const = 0;
  virtual int version() const { return 1; }
  virtual nlohmann::json ToJson() const = 0;
  /// One line for EXPLAIN, without the operator's name.
  virtual std::string Describe(const std::vector<Schema>& inputs) const = 0;
};
using NodeConfigPtr = std::shared_ptr<const NodeConfig>;

/// Gives a config its name and the reading of its JSON.
template <class Self>
struct NodeConfigOf : NodeConfig {
  std::string_view op() const override { return Self::kOp; }
  nlohmann::json ToJson() const override;
  std::string Describe(const std::vector<Schema>& inputs) const override;
};

/// A table as its CREATE statement declares it, resolved: what a connector gets.
struct TableConfig {
  std::string name;  ///< as the user writes it
  std::string connector;
  std::map<std::string, std::string> options;  ///< secrets as references, never their values
  Schema physical;                             ///< columns that are in the external records
  std::vector<std::string> primary_key;        ///< names of columns
};

/// A column that the connector adds: file, offset, timestamp …
struct MetadataColumn {
  std::string key;  ///< the connector's name of it
  std::string name;
  SqlType type;
};

struct WatermarkConfig {
  int column = 0;               ///< of the source's output: the rowtime
  ExpressionPtr expression;     ///< over the source's output
  int64_t idle_timeout_us = 0;  ///< 0: an idle split holds the watermark back
  /// Sources of the job with the same group wait for each other: none reads on while it is more
  /// than `max_drift_us` ahead of the slowest. Empty: none.
  std::string alignment_group;
  int64_t max_drift_us = 0;
  int64_t align_interval_us = 1'000'000;
};

/// Rows of a table. Output: the `projection` of the physical columns, then metadata, then
/// `computed`.
struct SourceConfig final : NodeConfigOf<SourceConfig> {
  static constexpr std::string_view kOp = "source";
  TableConfig table;
  std::vector<int> projection;  ///< physical columns that are read
  std::vector<MetadataColumn> metadata;
  std::vector<ExpressionPtr> computed;  ///< over projection and metadata
  std::vector<std::string> computed_names;
  std::optional<WatermarkConfig> watermark;
  std::optional<int64_t> limit;  ///< no more rows are wanted per reader
};

/// Rows written in the statement.
struct ValuesConfig final : NodeConfigOf<ValuesConfig> {
  static constexpr std::string_view kOp = "values";
  Schema schema;
  std::vector<std::vector<ExpressionPtr>> rows;  ///< without column references
};

/// Filter and projection. `locals` are computed once and are referred to as columns from the
/// input's width on; a local may use the locals before it. `condition` is evaluated first, and only
/// on its rows the projections.
struct CalcConfig final : NodeConfigOf<CalcConfig> {
  static constexpr std::string_view kOp = "calc";
  std::vector<ExpressionPtr> locals;
  ExpressionPtr condition;  ///< BOOLEAN; null: all rows
  std::vector<ExpressionPtr> projections;
  std::vector<std::string> names;
};

/// CROSS JOIN UNNEST: the input's columns, then the elements' (and the ordinality).
struct UnnestConfig final : NodeConfigOf<UnnestConfig> {
  static constexpr std::string_view kOp = "unnest";
  ExpressionPtr collection;  ///< ARRAY (of ROWs: their fields become columns) or MAP (key, value)
  bool outer = false;        ///< LEFT JOIN: a row without elements stays, with NULLs
  bool ordinality = false;
  std::vector<std::string> names;  ///< of the added columns
};

/// Windows over a time column, as Flink's window TVFs define them.
struct WindowSpec {
  enum class Kind {
    kTumble,
    kHop,
    kCumulate,
    kSession,   ///< of each key: a gap of `size_us` closes it
    kAttached,  ///< the rows bring their windows: columns `start_column` and `end_column`
  };
  Kind kind = Kind::kTumble;
  int64_t size_us = 0;    ///< of a window; CUMULATE: of the largest; SESSION: the gap
  int64_t step_us = 0;    ///< HOP: the slide; CUMULATE: the step
  int64_t offset_us = 0;  ///< of the windows' beginnings from 1970-01-01 00:00:00
  int time_column = -1;   ///< the rowtime; -1: processing time
  int start_column = -1;
  int end_column = -1;
};

/// A window TVF by itself: the input's columns, window_start, window_end, window_time; a row once
/// for each window, late or not. SESSION's leave when it ends; behind that they go to port "late".
struct WindowConfig final : NodeConfigOf<WindowConfig> {
  static constexpr std::string_view kOp = "window";
  WindowSpec window;
  std::vector<int> keys;  ///< SESSION: PARTITION BY
};

struct AggregateCall {
  std::string function;  ///< COUNT, SUM, MIN, MAX, AVG …
  std::vector<ExpressionPtr> arguments;
  ExpressionPtr filter;  ///< null: all rows
  bool distinct = false;
  SqlType type;
  std::string name;
};

/// How much of an aggregation a node does. Two nodes share it: the local one sums up what its
/// subtask reads, the global one merges that by key.
enum class AggregatePhase {
  kSingle,
  /// Output: keys, the columns of the window as they come (time, start, end), the number of rows,
  /// every aggregate's accumulator columns. Over append-only input; nothing is late.
  kLocal,
  kGlobal,  ///< input: a local node's output
};

/// Keyed aggregation; output: keys, then aggregates. Without keys: one global row.
struct AggregateConfig final : NodeConfigOf<AggregateConfig> {
  static constexpr std::string_view kOp = "aggregate";
  enum class Output {
    kFinal,      ///< bounded input: one row per key at the end
    kChangelog,  ///< every change: +I, -U/+U, -D
  };
  std::vector<int> keys;
  std::vector<std::string> key_names;
  std::vector<AggregateCall> aggregates;
  Output output = Output::kChangelog;
  AggregatePhase phase = AggregatePhase::kSingle;
};

/// Aggregation by key and window; output: keys, window_start, window_end, window_time, then
/// aggregates. A window's rows leave when the watermark passes its end (kFinal semantics); a row
/// behind that goes to the port "late". With `allowed_lateness_us` a late row corrects its window
/// until then: the output is a changelog.
struct WindowAggregateConfig final : NodeConfigOf<WindowAggregateConfig> {
  static constexpr std::string_view kOp = "window_aggregate";
  WindowSpec window;
  std::vector<int> keys;
  std::vector<std::string> key_names;
  std::vector<AggregateCall> aggregates;
  AggregatePhase phase = AggregatePhase::kSingle;
  int64_t allowed_lateness_us = 0;
};

/// GROUPING SETS, ROLLUP, CUBE: every row once for each set, with NULL in the columns that the set
/// leaves out. Output: the input's columns, then `id_name` BIGINT: a bit for each column left out,
/// the first of `columns` in the highest.
struct ExpandConfig final : NodeConfigOf<ExpandConfig> {
  static constexpr std::string_view kOp = "expand";
  std::vector<int> columns;            ///< that some set leaves out
  std::vector<std::vector<int>> sets;  ///< of `columns`, those kept
  std::string id_name;
};

/// Keeps one row of each key of an append-only input: the first or the last one by time. Of an
/// upsert input the last by arrival, until it is deleted; the output is then kRetract. Where the
/// main port is append-only, the first by rowtime leaves when the watermark passes it, and rows
/// behind the watermark go to the port "late"; else it leaves at once and an earlier one takes its
/// place.
struct DeduplicateConfig final : NodeConfigOf<DeduplicateConfig> {
  static constexpr std::string_view kOp = "deduplicate";
  std::vector<int> keys;
  int time_column = -1;  ///< the rowtime; -1: the order of arrival
  bool keep_last = false;
  int window_end = -1;        ///< one of `keys`: the row leaves when the watermark passes it
  bool window_local = false;  ///< `window_end` is time of the session's zone, the watermark is not
};

struct SortColumn {
  int column = 0;
  bool ascending = true;
  bool nulls_first = true;
};

/// Top-N: the rows of each key whose ROW_NUMBER by `order` is within [`from`, `to`]; of equal rows
/// the one that came first is before. Output: the input's columns, then the number where
/// `number_name` is not empty. With `window_end` or `final` the input is append-only.
struct RankConfig final : NodeConfigOf<RankConfig> {
  static constexpr std::string_view kOp = "rank";
  std::vector<int> keys;
  std::vector<SortColumn> order;
  int64_t from = 1;
  int64_t to = 1;
  std::string number_name;
  int window_end = -1;        ///< one of `keys`: the rows leave when the watermark passes it
  bool window_local = false;  ///< as in `DeduplicateConfig`
  bool final = false;         ///< bounded input: the rows leave at its end
};

/// Keeps `limit` rows after `offset`; at parallelism 1. Tells upstream when it has enough.
struct LimitConfig final : NodeConfigOf<LimitConfig> {
  static constexpr std::string_view kOp = "limit";
  int64_t offset = 0;
  int64_t limit = 0;
};

/// A model as its CREATE statement declares it, resolved.
struct ModelConfig {
  std::string name;
  std::string provider;
  std::map<std::string, std::string> options;  ///< secrets as references, never their values
  Schema input, output;
  /// The model keeps state: one subtask scores the rows that agree in these columns of the input.
  bool in_sequence = false;
  std::vector<int> sequence_columns = {};
};

enum class PredictOrder { kOrdered, kUnordered };

/// What becomes of rows for which no model has come.
enum class BeforeFirstModel { kWait, kSkip, kOnError };

enum class RolloutKind { kNone, kCanary, kShadow };

/// How a new version of a streamed model proves itself beside the one that serves.
struct RolloutConfig {
  RolloutKind kind = RolloutKind::kNone;
  std::vector<int> keys;     ///< of input 0: rows that agree go to one version; none: the arguments
  double share = 1;          ///< of the rows that the new version scores
  int64_t rows = -1;         ///< it serves after so many; -1: that does not matter
  int64_t duration_us = -1;  ///< it serves after so long; -1: that does not matter
  // It is rolled back where more is seen; -1: any.
  double max_failed = -1;       ///< share of the rows
  double max_shift = -1;        ///< PSI of the scores against those of the serving version
  int64_t max_latency_us = -1;  ///< mean of a row
  int64_t check_rows = 1000;    ///< after how many rows the rules are looked at

  bool has_rules() const { return max_failed >= 0 || max_shift >= 0 || max_latency_us >= 0; }
  /// All rows of a key must be seen by one subtask.
  bool counts() const { return rows >= 0 || has_rules(); }
};

/// Where the versions of a model come from when they are a stream: the node's input 1, a table or
/// view. Columns of it are -1 where it has none.
struct ModelStream {
  std::string source;            ///< as the user writes it
  std::vector<int> row_keys;     ///< of input 0: which of the models scores a row
  std::vector<int> record_keys;  ///< of input 1, of the same types
  /// Both inputs are partitioned by the keys. Else every subtask has every model.
  bool keyed = false;
  /// `swap` = 'event-time': the rowtime of input 0; -1: 'arrival'.
  int row_time = -1;
  int time = -1;  ///< the rowtime of input 1
  int type = -1;
  int version = -1;
  int data = -1;
  int location = -1;
  int sha256 = -1;
  BeforeFirstModel before_first = BeforeFirstModel::kWait;
  int64_t max_waiting_rows = 1'000'000;  ///< of a subtask
  /// `row_time`: a silent input 1 has told all up to the wall clock minus this; -1: only its
  /// watermark counts.
  int64_t swap_delay_us = -1;
  int keep_versions = 0;  ///< how many older ones than the one that serves stay loaded
  RolloutConfig rollout;
};

/// Calls a model on every row; output: the input's columns, then the model's, then the version
/// that scored the row where `version_name` is not empty.
struct PredictConfig final : NodeConfigOf<PredictConfig> {
  static constexpr std::string_view kOp = "predict";
  ModelConfig model;
  std::vector<ExpressionPtr> arguments;  ///< in the model's input order, already of its types
  std::vector<std::string> names;        ///< of the added columns
  PredictOrder order = PredictOrder::kOrdered;
  int64_t max_in_flight = 100;  ///< requests
  int64_t linger_us = 5000;
  int64_t timeout_us = 0;  ///< of a row, from its arrival to its result; 0: the provider decides
  bool async = true;
  std::vector<int> keys;  ///< columns of the input that the model's sequences go by
  std::optional<ModelStream> stream;
  std::string version_name;  ///< with `stream` only
};

/// What a sink does with a row that has a NULL where its table has a NOT NULL column.
enum class NotNullEnforcer {
  kReject,  ///< the row leaves at the rejected port
  kError,   ///< the job fails
  kDrop,    ///< the row is left out
};

/// Writes rows to a table; what it refuses leaves at its rejected port.
struct SinkConfig final : NodeConfigOf<SinkConfig> {
  static constexpr std::string_view kOp = "sink";
  TableConfig table;
  std::vector<int> primary_key;          ///< physical columns
  std::vector<MetadataColumn> metadata;  ///< which of the physical columns the connector takes
  NotNullEnforcer not_null = NotNullEnforcer::kReject;
};

/// Hands rows to whoever asked (a query's result), by the name under which `Services` knows the
/// receiver.
struct CollectConfig final : NodeConfigOf<CollectConfig> {
  static constexpr std::string_view kOp = "collect";
  std::string receiver;
};

/// Reads the config of `op` at `version`; an unknown one is an error that names the versions known.
/// `path` is the place of `json` in its document, for errors.
Result<NodeConfigPtr> NodeConfigFromJson(std::string_view op, int version,
                                         const nlohmann::json& json,
                                         const std::string& path = "config");

}  // namespace millrace
