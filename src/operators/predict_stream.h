#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "expr/evaluator.h"
#include "operators/held_rows.h"
#include "operators/model_versions.h"
#include "plan/nodes.h"
#include "spi/model.h"
#include "spi/operator.h"
#include "spi/operator_factory.h"

namespace millrace {

/// Scores every row of input 0 with the model that its key has; the models' versions are input 1.
/// Output: the input's columns, the model's, then the version where it is wanted.
///
/// During a rollout a share of a key's rows is scored by its new version, or all are scored by
/// both; the second results leave at the port "shadow".
///
/// A version is loaded and tried off the task's thread, and serves from the next batch on: a batch
/// is scored by one version per key. A row for which none is there yet waits in the state; rows of
/// other keys overtake it, times do not: until it leaves, the watermark is that of its arrival.
/// Swapped by event time, a row waits until the models' watermark has reached it. Versions that do
/// not load leave at the port "quarantined".
class PredictStream final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorRequest& request);

  std::vector<StateSpec> States() const override;
  Status Open(OperatorContext& context) override;
  Status ProcessBatch(int input, Batch batch, Collector& out) override;
  Status ProcessWatermark(int input, InputTime time, Collector& out) override;
  Status OnAlarm(ProcTime now, Collector& out) override;
  Status OnCompletions(std::span<Completion> completions, Collector& out) override;
  Result<Step> Run(Collector& out) override;
  Status PrepareSnapshot(CheckpointId id, Collector& out) override;
  Status Finish(int input, Collector& out) override;
  int64_t pending() const override { return waiting_rows_ + versions_.loading(); }

 private:
  enum class Fate { kScore, kWait, kSkip };

  /// Rows of one key that wait, in order of arrival.
  struct Waiting {
    Batch rows;
    EventTime since;  ///< the watermark then
  };
  struct WaitingKey {
    ModelKey* key = nullptr;
    std::deque<Waiting> rows;
  };
  using RowIndices = std::vector<int32_t>;
  /// A model, and its version's name.
  struct Scorer {
    ModelLease model;
    std::string version;
  };
  /// Who scores a row.
  struct Scorers {
    ModelKey* key = nullptr;
    Scorer serving;
    std::optional<Scorer> candidate;  ///< scores a share of the rows, or them too
  };
  /// By version that serves (null: no model) and candidate.
  using Known = std::map<std::pair<const ModelVersion*, const ModelVersion*>, Scorers>;
  /// What a version made of rows.
  struct Scored {
    Batch rows;  ///< also those that are left out
    std::vector<bool> left_out;
    arrow::ArrayVector outputs;
  };

  PredictStream(const OperatorRequest& request, ExpressionEvaluator arguments, KeyEncoder keys,
                ModelVersions versions, HeldRows held, std::optional<KeyEncoder> rollout_keys);

  static Result<Batch> Take(const Batch& batch, const RowIndices& rows);
  bool event_time() const { return stream_.row_time >= 0; }
  /// kScore: `scorers` is in `known`.
  Result<Fate> FateOf(ModelKey& key, int64_t time_us, Known* known, Scorers** scorers);
  Scorer ScorerOf(const ModelVersion* version) const;
  Scorers ScorersOf(ModelKey& key, const ModelVersions::Choice& choice) const;
  Status AddRows(const Batch& batch, Collector& out);
  Status AddWaiting(ModelKey& key, Batch rows, EventTime since);
  Status Skip(const ModelKey& key);
  /// Scores what waits and can be scored now, while there is room.
  Status Release(Collector& out);
  /// Those of the first rows of `waiting` that can be scored.
  Status ReleaseKey(WaitingKey& waiting, Collector& out);

  // predict_stream_scoring.cc
  /// `scorers[i]`: who scores row i. They change where a rollout ends within the rows.
  Status Score(const Batch& rows, const std::vector<Scorers*>& scorers, Collector& out);
  /// Whether a row goes to the new version, by row; empty: there is no rollout.
  Result<std::vector<bool>> Tried(const Batch& rows, const Batch& arguments,
                                  const std::vector<Scorers*>& scorers);
  /// How many rows from `from` on come before a rollout is judged; `judged`: whose.
  int64_t RowsBeforeJudging(const std::vector<Scorers*>& scorers, const std::vector<bool>& tried,
                            int64_t from, ModelKey** judged) const;
  /// Rows between two judgements.
  Status ScoreSection(const Batch& rows, const Batch& arguments,
                      const std::vector<RowError>& argument_errors,
                      std::span<Scorers* const> scorers, const std::vector<bool>& tried,
                      int64_t from, Collector& out);
  Result<Scored> ScoreBy(Scorers& scorers, bool candidate, const Batch& rows,
                         const Batch& arguments, const std::vector<RowError>& argument_errors);
  Result<Prediction> Predict(const Scorers& scorers, bool candidate, const Batch& arguments,
                             const std::vector<RowError>& argument_errors);
  Status SendFailed(const Scorer& scorer, const Batch& rows, const Prediction& prediction);
  /// Scores the rows at `shadowed` by the new version, too.
  Status EmitShadow(Scorers& scorers, const RowIndices& shadowed, const Batch& rows,
                    const Batch& arguments, const std::vector<RowError>& argument_errors,
                    const Scored& served, Collector& out);
  Status RollBack(Scorers& scorers, const Status& failure);

  Status EmitTime(Collector& out);
  Status EmitRefused(const ModelKey& key, const ModelVersion& version);
  Status StoreWaiting();
  Status RestoreWaiting();
  Status RestoreRow(const Batch& rows, int64_t row);
  /// How far the versions are known.
  EventTime ModelsTime();

  const PredictConfig& config_;
  const ModelStream& stream_;
  const Schema input_;
  const std::string time_zone_;
  const int quarantine_port_, shadow_port_;
  std::shared_ptr<arrow::Schema> model_schema_, scores_schema_, output_schema_, failed_schema_,
      quarantine_schema_, shadow_schema_, stored_schema_;
  ExpressionEvaluator arguments_;
  KeyEncoder keys_;
  ModelVersions versions_;
  std::optional<KeyEncoder> rollout_keys_;  ///< of the rows, or of the arguments
  const uint64_t salt_;
  HeldRows held_;  ///< the rows that wait

  std::shared_ptr<void> by_hand_;  ///< hears of ALTER MODEL … SET VERSION

  OperatorContext* context_ = nullptr;
  Collector* out_ = nullptr;  ///< of the call under way
  ModelLease absent_;         ///< "scores" rows without a model
  RowKeys encoded_, rollout_hashes_;
  std::map<std::string, WaitingKey, std::less<>> waiting_;  ///< by key
  int64_t waiting_rows_ = 0;
  std::vector<uint64_t> stored_;       ///< ids of what waits in the state
  std::set<const ModelKey*> skipped_;  ///< keys of which it was said
  std::shared_ptr<Counter> without_model_;
  bool release_ = false;   ///< something has changed for rows that wait
  bool prepared_ = false;  ///< no row has come since: the barrier may be still to pass
  bool models_ended_ = false;
  InputTime rows_time_, told_time_;
};

}  // namespace millrace
