#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/ids.h"
#include "state/state.h"
#include "types/batch.h"
#include "types/schema.h"
#include "types/time.h"

namespace millrace {

class Services;
class MetricGroup;

/// The result of work that an operator started elsewhere. `tag` is the operator's own.
struct Completion {
  uint64_t tag = 0;
  std::shared_ptr<void> value;
  Status status;
};

/// Sends completions to one operator from any thread. After the operator is closed it does nothing.
class CompletionSender {
 public:
  using Function = std::function<void(Completion)>;
  CompletionSender() = default;
  explicit CompletionSender(std::shared_ptr<const Function> function)
      : function_(std::move(function)) {}
  void Send(Completion completion) const {
    if (function_) (*function_)(std::move(completion));
  }

 private:
  std::shared_ptr<const Function> function_;
};

enum class Step {
  kIdle,      ///< nothing to do until input, time or a completion arrives
  kMore,      ///< call `Run` again as soon as there is room
  kFinished,  ///< a source has ended, or a limit wants no more input
};

/// Where an operator's output goes. `Emit` always takes the batch; an operator that has more looks
/// at `HasRoom` first and stops when there is none, so that the excess is at most one slice.
class Collector {
 public:
  virtual ~Collector() = default;
  virtual bool HasRoom() const = 0;
  virtual void Emit(int port, Batch batch) = 0;
  virtual void Watermark(InputTime time) = 0;
};

/// A row of a batch that could not be processed, and why.
struct RowError {
  int32_t row = 0;
  std::string text;
  Position position;  ///< of the expression in the script, where there is one
};

struct OperatorContext {
  virtual ~OperatorContext() = default;
  virtual Env& env() = 0;
  virtual Services& services() = 0;
  virtual const NodeId& node() const = 0;
  virtual int subtask() const = 0;
  virtual int parallelism() const = 0;
  virtual int max_parallelism() const = 0;
  /// State by its place in `Operator::States()`.
  virtual KeyedTable& table(int state) = 0;
  virtual KeyedLog& log(int state) = 0;
  virtual ItemList& items(int state) = 0;
  virtual TimerSet& timers() = 0;
  /// `OnAlarm` at or after `at`; the earliest of several wins. Lost on a restore: set it again in
  /// `Open`.
  virtual void SetAlarm(ProcTime at) = 0;
  virtual CompletionSender sender() = 0;
  /// Sends rows that could not be processed to the node's dead-letter port, counted.
  virtual void Dead(const Batch& batch, std::span<const RowError> errors) = 0;
  /// Counts records that could not be read or written; `first_reason` is that of the first of them.
  virtual void Rejected(int64_t records, std::string_view first_reason) = 0;
  virtual MetricGroup& metrics() = 0;
  virtual int64_t memory_left() const = 0;
};

struct PortSpec {
  std::string name;
  Schema schema;
};

/// One thread at a time. Never blocks: waiting is a completion. Time, state and I/O only through
/// the context. A failed status ends the job (or restarts it); a bad row goes to
/// `OperatorContext::Dead`.
class Operator {
 public:
  virtual ~Operator() = default;

  virtual std::vector<StateSpec> States() const { return {}; }
  /// After the state is restored. Starts loads, never waits for them.
  virtual Status Open(OperatorContext& context) = 0;
  /// False only while the operator's own bounded work or completions are pending; never to wait for
  /// another input.
  virtual bool Accepts(int /*input*/) const { return true; }
  virtual Status ProcessBatch(int input, Batch batch, Collector& out) = 0;
  /// Forwards the time now or, when work is pending, later. Timers that are due fire after this
  /// returns; `Run` is called after the last of them.
  virtual Status ProcessWatermark(int /*input*/, InputTime time, Collector& out) {
    out.Watermark(time);
    return Status::OK();
  }
  /// A slice of the due timers, in time order within a key group.
  virtual Status OnTimers(const TimerBatch& /*timers*/, Collector& /*out*/) { return Status::OK(); }
  virtual Status OnAlarm(ProcTime /*now*/, Collector& /*out*/) { return Status::OK(); }
  virtual Status OnCompletions(std::span<Completion> /*completions*/, Collector& /*out*/) {
    return Status::OK();
  }
  virtual Result<Step> Run(Collector& /*out*/) { return Step::kIdle; }
  /// Sends what must leave before the barrier, and puts what stays into state.
  virtual Status PrepareSnapshot(CheckpointId /*id*/, Collector& /*out*/) { return Status::OK(); }
  /// After the state is frozen. The checkpoint is acknowledged once `done` came, on any thread,
  /// maybe before this returns: what left the engine before the barrier is durable.
  virtual void Flush(CheckpointId /*id*/, std::function<void(Status)> done) { done(Status::OK()); }
  /// What waits for the outcome (a commit) is pending work until it is done. A job whose inputs
  /// have ended takes one last checkpoint, written or not, so this always comes after `Finish`.
  virtual void OnCheckpoint(CheckpointId /*id*/, bool /*completed*/) {}
  /// No more of `input` comes. The operator has finished when all inputs have, `Run` answers kIdle
  /// and `pending()` is 0.
  virtual Status Finish(int /*input*/, Collector& /*out*/) { return Status::OK(); }
  virtual int64_t pending() const { return 0; }
};

}  // namespace millrace
