#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "expr/evaluator.h"
#include "operators/held_rows.h"
#include "operators/micro_batch_call.h"
#include "plan/nodes.h"
#include "spi/model.h"
#include "spi/operator.h"
#include "spi/operator_factory.h"

namespace millrace {

/// Calls a model on every row. Output: the input's columns, then the model's.
///
/// Rows of neighbouring small batches travel in one request: a request leaves when it is full (the
/// model's own limit, else 1,024 rows), when its first row has waited for `linger_us`, or at a
/// barrier. A model of this process is called at once with whatever there is. At most
/// `max_in_flight` requests are under way. Results leave in order, times behind the rows that came
/// before them; unordered, results overtake each other, but never a time. Rows that failed leave
/// with NULLs (or what the model's options say) and go to the dead letters.
class Predict final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorRequest& request);
  ~Predict() override;

  std::vector<StateSpec> States() const override;
  Status Open(OperatorContext& context) override;
  bool Accepts(int input) const override;
  Status ProcessBatch(int input, Batch batch, Collector& out) override;
  Status ProcessWatermark(int input, InputTime time, Collector& out) override;
  Status OnAlarm(ProcTime now, Collector& out) override;
  Status OnCompletions(std::span<Completion> completions, Collector& out) override;
  Result<Step> Run(Collector& out) override;
  Status PrepareSnapshot(CheckpointId id, Collector& out) override;
  Status Finish(int input, Collector& out) override;
  int64_t pending() const override;

 private:
  /// A time that holds for what comes after the first `row` rows of a request.
  struct Mark {
    int64_t row = 0;
    InputTime time;
  };

  struct Request {
    uint64_t id = 0;
    Batch rows;  ///< the input's columns, then the arguments
    std::vector<RowError> argument_errors;
    std::vector<Mark> marks;
    int64_t arrived_us = 0;  ///< times here are those of the monotonic clock
    std::string version;     ///< restored: the one that it was sent to before
    ModelLease model;
    std::unique_ptr<Call> call;
    std::optional<MicroBatchCall> micro_batch;
    std::optional<Result<Prediction>> result;
    int64_t sent_us = 0;
    bool started = false;
    bool stored = false;  ///< is in the state
  };

  /// Per operator, model and version (T11); times in µs.
  struct Meters {
    std::shared_ptr<Counter> requests, success, failure, output_rows;
    std::shared_ptr<Histogram> latency;  ///< of a request, from its call to its result
    std::shared_ptr<Histogram> queue;    ///< of its first row, from its arrival to the call
    std::shared_ptr<Gauge> in_flight;
  };

  Predict(const OperatorRequest& request, ExpressionEvaluator arguments, HeldRows held);

  Status Restore(uint64_t id, const Batch& rows, const std::string& version);
  int64_t request_rows() const;
  void WaitForModel();
  void SetMeters();
  Status AddRows(Batch batch);
  /// Makes requests of the waiting rows: full ones, and with `all` a smaller last one.
  Status Cut(bool all);
  /// The waiting rows have had the time that they may wait for others.
  bool HasLingered() const;
  void RingWhenLingered();
  Status StartRequests();
  Status Start(Request& request);
  /// Puts down what came for a request.
  void Answered(Request& request, Result<Prediction> result);
  Status Store(Request& request);
  /// Emits what is done, starts what now may be.
  Status Drain(Collector& out);
  Status EmitDone(Collector& out);
  Status EmitRows(Request& request, bool with_marks, Collector& out);
  Status EmitFailed(const Request& request, const Prediction& prediction);
  /// Takes the rows of `errors` out; the marks stay between the rows that they were between.
  static Status LeaveOut(const std::vector<RowError>& errors, Batch* rows,
                         std::vector<Mark>* marks);
  static void AddMark(Request& request, int64_t row, InputTime time);

  const PredictConfig& config_;
  const Schema input_;
  const std::string time_zone_;
  const bool micro_batches_;  ///< the arguments are arrays of what the model takes
  std::shared_ptr<arrow::Schema> joined_schema_, arguments_schema_, model_schema_, output_schema_,
      failed_schema_;
  ExpressionEvaluator arguments_;
  HeldRows held_;  ///< what is under way, and not emitted
  OperatorContext* context_ = nullptr;
  ModelLease model_;
  Meters meters_;  ///< of `model_`
  EventTime watermark_;

  std::vector<Batch> waiting_;  ///< joined rows that no request has taken
  std::vector<RowError> waiting_errors_;
  std::vector<Mark> waiting_marks_;
  int64_t waiting_rows_ = 0;
  int64_t waiting_since_us_ = 0;

  std::list<Request> requests_;  ///< in order of arrival
  int64_t in_flight_ = 0;
  uint64_t next_id_ = 1;
  bool ended_ = false;
};

}  // namespace millrace
