#pragma once

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "spi/operator.h"
#include "task/completion_queue.h"
#include "task/exchange_output.h"
#include "task/stage_task.h"

namespace millrace {

/// What comes to a node: all in one order, so that a time or a barrier never passes data.
struct Arrival {
  enum class Kind : uint8_t { kBatch, kTime, kFinish, kBarrier };
  Kind kind = Kind::kBatch;
  int input = 0;
  Batch batch;
  InputTime time;
  CheckpointId checkpoint{0};
};

class ChainNode;

/// What the nodes of one task share.
struct ChainShared {
  StageHost& host;
  int subtask = 0;
  int parallelism = 1;
  int max_parallelism = 128;
  Status status;                 ///< the first failure; final
  ProcTime now;                  ///< of the last `AdvanceClock`
  int64_t* nested_us = nullptr;  ///< where the running call accounts for the calls it makes
  std::shared_ptr<CompletionQueue> completions;
  std::vector<std::unique_ptr<ChainNode>> nodes;
  std::vector<ExchangeOutput*> outputs;  ///< of all nodes
  bool barrier_passed = false;           ///< the last node let it through
  bool stopped = false;                  ///< nothing leaves any more

  void Fail(const Status& failure) {
    if (status.ok()) status = failure;
  }
};

/// One operator of a chain with its state, its clock and what waits for it. The main port feeds the
/// next node by a direct call while that node takes input; else it waits in the next node's inbox.
class ChainNode final : public OperatorContext, public Collector {
 public:
  ChainNode(ChainShared& shared, const PlanNode& plan, int index, int inputs);

  /// `outputs[port]`: the exchanges that start there.
  void Wire(ChainNode* next, std::vector<std::vector<ExchangeOutput*>> outputs) {
    next_ = next;
    outputs_ = std::move(outputs);
  }
  Status MakeOperator(const OperatorMaker& maker, std::vector<PortPlan> inputs,
                      const std::map<std::string, std::string>& settings);
  /// `restored_finished`: nothing will come and nothing is to be said again.
  void Open(bool restored_finished);

  // --- what comes in
  bool CanTake(int input) const;
  void Deliver(Arrival arrival);
  void AddCompletion(Completion completion) { completions_.push_back(std::move(completion)); }
  void OnClock();
  void AskRun() { run_ = true; }

  /// Does what can be done now; true if there was something.
  bool Work();
  /// Hands over the completions that have come; false: none has.
  bool TakeCompletions();
  /// Has work that waits for room.
  bool Blocked() const;
  bool finished() const { return finished_ && completions_.empty() && op_->pending() == 0; }
  bool said_all() const { return finished_; }
  bool ended_itself() const { return ended_; }  ///< wants no more input
  bool knows_barrier() const;

  // --- checkpoints
  void Freeze(CheckpointId id, class TaskSnapshot& snapshot);
  void OnCheckpoint(CheckpointId id, bool completed);

  ProcTime NextAlarm() const;
  Operator& op() { return *op_; }
  StateStore* store() { return store_.get(); }
  const std::vector<StateSpec>& specs() const { return specs_; }
  const NodeId& id() const { return plan_.id; }
  NodeStats stats() const;  ///< any thread
  void MeasureState() {
    if (store_ != nullptr) state_bytes_.Set(store_->memory_bytes());
  }
  void AddBackpressured(int64_t us) { backpressured_us_.Add(us); }
  /// Runs `call`, which returns a Status, under this node's clock; failures and exceptions become
  /// the task's.
  template <class Call>
  void Guard(Call&& call) {
    if (!shared_.status.ok()) return;
    int64_t nested = 0;
    int64_t* const outer = std::exchange(shared_.nested_us, &nested);
    const int64_t start = env().MonotonicMicros();
    try {
      if (Status status = call(); !status.ok()) Fail(status);
    } catch (const std::exception& e) {
      Fail(Error::Internal(std::string("unexpected exception: ") + e.what()));
    } catch (...) {
      Fail(Error::Internal("unexpected exception"));
    }
    const int64_t taken = env().MonotonicMicros() - start;
    busy_us_.Add(taken - nested);
    shared_.nested_us = outer;
    if (outer != nullptr) *outer += taken;
  }

  // --- Collector
  bool HasRoom() const override;
  void Emit(int port, Batch batch) override;
  void Watermark(InputTime time) override;

  // --- OperatorContext
  Env& env() override { return shared_.host.env(); }
  Services& services() override { return shared_.host.services(); }
  const NodeId& node() const override { return plan_.id; }
  int subtask() const override { return shared_.subtask; }
  int parallelism() const override { return shared_.parallelism; }
  int max_parallelism() const override { return shared_.max_parallelism; }
  KeyedTable& table(int state) override { return store_->table(state); }
  KeyedLog& log(int state) override { return store_->log(state); }
  ItemList& items(int state) override { return store_->items(state); }
  TimerSet& timers() override { return store_->timers(); }
  void SetAlarm(ProcTime at) override { alarm_ = std::min(alarm_, at); }
  CompletionSender sender() override { return shared_.completions->SenderFor(index_); }
  void Dead(const Batch& batch, std::span<const RowError> errors) override;
  void Rejected(int64_t records, std::string_view first_reason) override;
  MetricGroup& metrics() override { return metrics_; }
  int64_t memory_left() const override;

 private:
  static constexpr size_t kTimerSlice = 1024;

  void Fail(const Status& failure);
  Result<std::unique_ptr<StateStore>> MakeStore(const std::map<std::string, std::string>& settings);
  /// A guarded call into the operator.
  template <class Call>
  void Enter(Call&& call) {
    Guard([&]() -> Status {
      if (store_ != nullptr) ARROW_RETURN_NOT_OK(store_->BeginCall(env().NowMicros()));
      return call();
    });
  }
  bool is_source() const { return inputs_.empty(); }
  /// Whatever comes is dropped: a restored node that has finished may hear all of it again.
  bool over() const { return ended_ || finished_; }
  void Handle(Arrival& arrival);
  void HandleTime(int input, InputTime time);
  /// One slice; false when no more are due.
  bool FireTimers(TimeDomain domain, int64_t until_us);
  void RunOnce();
  bool Settle();
  void PassFinish();
  void PassBarrier();

  struct Input {
    InputTime time;
    bool finished = false;
  };

  ChainShared& shared_;
  const PlanNode& plan_;
  const int index_;
  MetricGroup metrics_;
  Counter rows_in_, rows_out_, batches_in_, dead_rows_, busy_us_, backpressured_us_;
  Gauge watermark_us_, state_bytes_;
  mutable std::mutex dead_reason_mutex_;
  std::string dead_reason_;  ///< `stats` reads it from other threads

  std::unique_ptr<Operator> op_;
  std::vector<StateSpec> specs_;
  std::unique_ptr<StateStore> store_;
  ChainNode* next_ = nullptr;
  std::vector<std::vector<ExchangeOutput*>> outputs_;

  std::vector<Input> inputs_;
  std::deque<Arrival> inbox_;
  std::vector<Completion> completions_;
  EventTime event_time_;
  ProcTime alarm_;
  bool alarm_due_ = false;
  bool processing_due_ = false;
  bool event_due_ = false;
  bool settling_ = false;  ///< a time came; its timers, then a Run, come before the next arrival
  bool run_ = false;
  bool ended_ = false;     ///< answered kFinished
  bool finished_ = false;  ///< and the next node knows
  std::optional<CheckpointId> barrier_;
  bool prepared_ = false;
  bool passed_ = false;  ///< the barrier has left; nothing happens until `Freeze`
};

}  // namespace millrace
