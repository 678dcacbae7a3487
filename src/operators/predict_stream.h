#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "expr/evaluator.h"
#include "operators/model_versions.h"
#include "plan/nodes.h"
#include "spi/model.h"
#include "spi/operator.h"
#include "spi/operator_factory.h"

namespace millrace {

/// Scores every row of input 0 with the model that its key has; the models' versions are input 1.
/// Output: the input's columns, the model's, then the version where it is wanted.
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
    const ModelKey* key = nullptr;
    std::deque<Waiting> rows;
  };
  using RowIndices = std::vector<int32_t>;
  /// Who scores a row: the model, and its version's name.
  struct Scorer {
    ModelLease model;
    std::string version;
  };
  using Scorers = std::map<const ModelVersion*, Scorer>;  ///< null: no model

  PredictStream(const OperatorRequest& request, ExpressionEvaluator arguments, KeyEncoder keys,
                ModelVersions versions, std::optional<NumberedRows> waiting);

  bool event_time() const { return stream_.row_time >= 0; }
  /// kScore: `scorer` is in `scorers`.
  Fate FateOf(const ModelKey& key, int64_t time_us, Scorers* scorers, const Scorer** scorer);
  Status AddRows(const Batch& batch, Collector& out);
  Status AddWaiting(const ModelKey& key, Batch rows, EventTime since);
  void Skip(const ModelKey& key);
  /// Scores what waits and can be scored now, while there is room.
  Status Release(Collector& out);
  /// Those of the first rows of `waiting` that can be scored.
  Status ReleaseKey(WaitingKey& waiting, Collector& out);
  /// `scorers[i]`: who scores row i.
  Status Score(const Batch& rows, const std::vector<const Scorer*>& scorers, Collector& out);
  Result<Batch> ScoreBy(const Scorer& scorer, const Batch& rows, const Batch& arguments,
                        std::vector<RowError> argument_errors, std::vector<bool>* left_out);
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
  const int quarantine_port_;
  std::shared_ptr<arrow::Schema> model_schema_, scores_schema_, output_schema_, failed_schema_,
      quarantine_schema_, stored_schema_;
  ExpressionEvaluator arguments_;
  KeyEncoder keys_;
  ModelVersions versions_;
  std::optional<NumberedRows> numbered_;  ///< of the rows that wait, where models are keyed

  OperatorContext* context_ = nullptr;
  Collector* out_ = nullptr;  ///< of the call under way
  ModelLease absent_;         ///< "scores" rows without a model
  RowKeys encoded_;
  std::map<std::string, WaitingKey, std::less<>> waiting_;  ///< by key
  int64_t waiting_rows_ = 0;
  std::vector<std::pair<std::string, int64_t>> stored_;  ///< keys and numbers in the state
  std::set<const ModelKey*> skipped_;                    ///< keys of which it was said
  bool release_ = false;   ///< something has changed for rows that wait
  bool prepared_ = false;  ///< no row has come since: the barrier may be still to pass
  bool models_ended_ = false;
  InputTime rows_time_, told_time_;
};

}  // namespace millrace
