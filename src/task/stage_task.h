#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/ids.h"
#include "plan/physical_plan.h"
#include "spi/operator_factory.h"
#include "spi/services.h"
#include "spi/source.h"
#include "state/state.h"
#include "types/batch.h"
#include "types/time.h"

namespace millrace {

/// What runs a stage: the embedded runtime, the simulator or Flink. Called on the task's thread,
/// except `Wake`.
class StageHost {
 public:
  virtual ~StageHost() = default;
  /// Downstream channels of an exchange: known at run time, may change on a rescale. A forward
  /// exchange has one.
  virtual int channels(ExchangeId exchange) const = 0;
  virtual bool HasRoom() const = 0;
  /// Data and times leave in one order. Always takes the batch.
  virtual void Emit(ExchangeId exchange, int channel, Batch batch) = 0;
  virtual void EmitTime(InputTime time) = 0;  ///< on all exchanges of the stage
  /// Asks for a `Run`. Any thread; cheap when repeated. Not called after the task is destroyed.
  virtual void Wake() = 0;
  virtual void SetAlarm(ProcTime at) = 0;  ///< replaces the one before; never: none
  virtual Env& env() = 0;
  virtual Services& services() = 0;
  virtual int64_t memory_limit() const = 0;
  virtual std::string_view job() const = 0;
};

/// A frozen state. Lives on without its task; `Write` may run on any thread.
class StageSnapshot {
 public:
  virtual ~StageSnapshot() = default;
  virtual std::vector<PartId> parts() const = 0;
  virtual int version(const PartId& part) const = 0;
  /// `StateSnapshot::PartVersion`, among the snapshots of one task. 0: unknown, to be written.
  virtual uint64_t content_version(const PartId& part) const = 0;
  virtual Status Write(const PartId& part, std::string* out) const = 0;
  /// Calls `done` once, on any thread, when what sinks wrote before the barrier is durable.
  virtual void WhenFlushed(std::function<void(Status)> done) = 0;
};

enum class Progress {
  kIdle,      ///< waits for input, time or a wake
  kMore,      ///< has work and room: run again
  kNoRoom,    ///< has work, waits for room downstream
  kBarrier,   ///< the barrier has passed the chain: `Freeze`; nothing happens until then
  kFinished,  ///< wants no more input and everything has left; a later commit may make it kIdle for
              ///< a while
};

enum class CheckpointOutcome { kCompleted, kAborted };

/// How a node is doing at this moment.
struct NodeLevels {
  /// What it knows of event time: of its inputs, or, of a source, what it has told. Empty: the node
  /// is not there any more.
  std::optional<EventTime> watermark;
  int64_t state_bytes = 0;     ///< memory of its state
  int64_t queued_bytes = 0;    ///< of batches that wait in the exchanges before it
  int64_t queue_capacity = 0;  ///< bytes at which those exchanges hold back
};

/// What passed through one node so far, for progress and metrics.
struct NodeStats {
  NodeId node;
  int64_t rows_in = 0;
  int64_t rows_out = 0;  ///< at the main port
  int64_t batches_in = 0;
  int64_t dead_rows = 0;  ///< that could not be read, processed or written
  int64_t busy_us = 0;
  int64_t backpressured_us = 0;  ///< had work and no room
  std::string dead_reason;       ///< of the first dead row; empty: there is none
  NodeLevels levels;
  int subtasks = 1;          ///< that these are the numbers of
  int64_t most_rows_in = 0;  ///< of one of them
};

/// One thread at a time. No call blocks; no exception leaves. A failed status names the node and is
/// final for the task.
class StageTask {
 public:
  virtual ~StageTask() = default;
  static Result<std::unique_ptr<StageTask>> Make(std::shared_ptr<const PhysicalPlan> plan,
                                                 StageId stage, int subtask, int parallelism,
                                                 StageHost& host, const OperatorMaker& maker);

  /// The tables that the operators declare; without a group.
  virtual std::vector<PartId> tables() const = 0;
  /// Between `Make` and `Open`. Parts of a key group go to the subtask that owns it; parts without
  /// a group go, in one order, to every subtask with its share. A part that this task does not know
  /// or own is an error.
  virtual Status RestorePart(const PartId& part, int version, std::string_view bytes,
                             ItemShare share) = 0;
  virtual Status Open() = 0;
  /// False between `PrepareBarrier` and `Freeze`, too.
  virtual bool Accepts(int input) const = 0;
  virtual Status Push(int input, Batch batch) = 0;  ///< only while `Accepts`
  virtual Status PushTime(int input, InputTime time) = 0;
  virtual Status Finish(int input) = 0;
  virtual Status AdvanceClock(ProcTime now) = 0;
  /// Works for about `budget_us`.
  virtual Result<Progress> Run(int64_t budget_us) = 0;
  /// Then `Run`, as ever, until it answers kBarrier, then `Freeze`. No push in between.
  virtual Status PrepareBarrier(CheckpointId id) = 0;
  virtual Result<std::unique_ptr<StageSnapshot>> Freeze(CheckpointId id) = 0;
  virtual Status OnCheckpoint(CheckpointId id, CheckpointOutcome outcome) = 0;
  /// The state of the last `Freeze` is final: nothing is processed and nothing leaves any more.
  /// `Run` only sees commits through, then answers kFinished.
  virtual void Stop() = 0;
  /// Completions are dropped from here on.
  virtual void Cancel() = 0;

  /// Of a source stage: the splits that the host assigned, and that none will follow.
  virtual Status AddSplits(std::vector<Split> splits) = 0;
  virtual Status NoMoreSplits() = 0;

  /// Any thread.
  virtual std::vector<NodeStats> stats() const = 0;
};

/// State that a task keeps about itself: a part without a group, under the stage's first node.
constexpr std::string_view kTaskState = "$task";

/// The finder that a source node's connector declares; null for nodes that take no splits.
Result<std::unique_ptr<SplitFinder>> MakeSplitFinder(const PlanNode& node, Services& services);

}  // namespace millrace
