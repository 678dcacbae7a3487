#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/channel.h"
#include "runtime/executor.h"
#include "task/stage_task.h"

namespace millrace {

class TaskRunner;

/// A task's part in a checkpoint.
struct TaskCheckpoint {
  std::shared_ptr<StageSnapshot> snapshot;  ///< null: the task's state is of no use any more
  int64_t alignment_us = 0;                 ///< from the first barrier to the last
  int64_t pause_us = 0;                     ///< from there until rows are taken again
};

/// What a runner tells the coordinator of its job. Called on the runner's thread.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  virtual void OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint) = 0;
  virtual void OnFinished(int runner) = 0;  ///< all rows have left
  virtual void OnFailed(int runner, Status status) = 0;
  virtual void OnClosed(int runner) = 0;  ///< the last word
};

struct TaskSettings {
  std::string job;
  StageId stage{0};
  int subtask = 0;
  int runner = 0;  ///< its number in the job
  int64_t memory_limit = 0;
};

/// Runs one subtask: feeds it from its channels, aligns barriers, keeps the lowest watermark of
/// each input, and hands its output to channels. All of it in slices of an executor.
class TaskRunner final : public Runnable,
                         public StageHost,
                         public ChannelSender,
                         public ChannelReceiver {
 public:
  TaskRunner(Executor& executor, Services& services, TaskSettings settings,
             std::weak_ptr<TaskListener> listener);

  // --- building, before `Start`
  void AddInput(int input, Channel* channel);
  void AddOutput(ExchangeId exchange, Channel* channel);
  Status MakeTask(std::shared_ptr<const PhysicalPlan> plan, int parallelism,
                  const OperatorMaker& maker);
  StageTask& task() { return *task_; }
  StageId stage() const { return settings_.stage; }

  // --- commands; any thread, carried out in order
  void Start();
  void Trigger(CheckpointId id);
  /// Before any task is triggered: behind the barrier of `id` the task waits for the outcome.
  void HoldAt(CheckpointId id) { hold_at_.store(Raw(id), std::memory_order_release); }
  /// `last`: the task closes when it has done what the outcome asks for.
  void Outcome(CheckpointId id, CheckpointOutcome outcome, bool last);
  void AddSplits(std::vector<Split> splits);
  void NoMoreSplits();
  void Cancel();

  std::vector<NodeStats> stats() const;  ///< any thread

  // --- StageHost
  int channels(ExchangeId exchange) const override;
  bool HasRoom() const override { return full_channels_.load(std::memory_order_acquire) <= 0; }
  void Emit(ExchangeId exchange, int channel, Batch batch) override;
  void EmitTime(InputTime time) override;
  void Wake() override { Runnable::Wake(); }
  void SetAlarm(ProcTime at) override;
  Env& env() override { return executor_.env(); }
  Services& services() override { return services_; }
  int64_t memory_limit() const override { return settings_.memory_limit; }
  std::string_view job() const override { return settings_.job; }

  // --- ends of channels
  void OnChannelFull() override { full_channels_.fetch_add(1, std::memory_order_acq_rel); }
  void OnChannelRoom() override;
  void OnChannelClosed() override;
  void OnChannelData() override { Runnable::Wake(); }

 protected:
  bool RunSlice() override;

 private:
  struct Input {
    int input = 0;
    Channel* channel = nullptr;
    InputTime time;
    bool ended = false;
    bool aligned = false;  ///< its barrier has come; nothing is read until the others have
  };
  struct Output {
    ExchangeId exchange{0};
    std::vector<Channel*> channels;
  };
  using Command = std::function<Status()>;

  void Tell(Command command);
  Status RunCommands();
  Status Slice(bool* again);
  Status Pull(bool* moved);
  Status PullFrom(Input& input, bool* moved);
  /// `told_by`: the channel whose time is new; null where one has ended.
  Status UpdateTime(int input, const Input* told_by = nullptr);
  Status OnEnd(Input& input);
  void OnBarrier(Input& input, CheckpointId id);
  void EndAlignment();
  Status BeginBarrierIfAligned();
  Status RingIfDue();
  Status FreezeNow();
  void FinishOutput();
  void AnswerForUnwanted();
  void SendToAll(const ChannelItem& item);
  void CloseTask();

  Services& services_;
  const TaskSettings settings_;
  const std::weak_ptr<TaskListener> listener_;

  std::vector<Input> inputs_;
  std::vector<InputTime> input_times_;  ///< per input of the stage: what the task was told
  std::vector<Output> outputs_;
  size_t turn_ = 0;  ///< the input that is read first
  size_t output_channels_ = 0;

  std::mutex commands_mutex_;
  std::vector<Command> commands_;
  mutable std::mutex task_mutex_;  ///< of the pointer, for `stats`
  std::unique_ptr<StageTask> task_;
  std::vector<NodeStats> last_stats_;

  std::atomic<int> full_channels_{0};
  std::atomic<size_t> closed_channels_{0};
  std::atomic<int64_t> hold_at_{0};
  ProcTime alarm_;
  int64_t rings_at_us_ = AlarmHeap::kNever;  ///< when `alarm_` is due, on the monotonic clock
  bool started_ = false;
  bool finished_ = false;  ///< all output has left
  bool unwanted_ = false;  ///< nobody reads its output
  bool closing_ = false;   ///< the last checkpoint is over
  bool closed_ = false;
  bool preparing_ = false;                ///< between `PrepareBarrier` and `Freeze`
  bool held_ = false;                     ///< nothing happens until the outcome
  bool stopping_ = false;                 ///< only sees its commits through
  std::optional<int> refused_;            ///< input whose batch had to wait
  std::optional<CheckpointId> aligning_;  ///< a barrier has come on some input
  int64_t aligning_since_us_ = 0;
  int64_t aligned_us_ = 0;
  std::optional<CheckpointId> triggered_;
  CheckpointId checkpoint_{0};  ///< the newest that was begun or given up
};

}  // namespace millrace
