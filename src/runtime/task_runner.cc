#include "runtime/task_runner.h"

#include <algorithm>
#include <utility>

namespace millrace {

TaskRunner::TaskRunner(Executor& executor, Services& services, TaskSettings settings,
                       std::weak_ptr<TaskListener> listener)
    : Runnable(executor),
      services_(services),
      settings_(std::move(settings)),
      listener_(std::move(listener)) {}

void TaskRunner::AddInput(int input, Channel* channel) {
  inputs_.push_back({input, channel, {}, false, false});
  input_times_.resize(std::max(input_times_.size(), static_cast<size_t>(input) + 1));
}

void TaskRunner::AddOutput(ExchangeId exchange, Channel* channel) {
  auto output = std::find_if(outputs_.begin(), outputs_.end(),
                             [&](const Output& each) { return each.exchange == exchange; });
  if (output == outputs_.end()) output = outputs_.insert(output, Output{exchange, {}});
  output->channels.push_back(channel);
  ++output_channels_;
}

Status TaskRunner::MakeTask(std::shared_ptr<const PhysicalPlan> plan, int parallelism,
                            const OperatorMaker& maker) {
  ARROW_ASSIGN_OR_RAISE(task_, StageTask::Make(std::move(plan), settings_.stage, settings_.subtask,
                                               parallelism, *this, maker));
  return Status::OK();
}

void TaskRunner::Tell(Command command) {
  {
    std::lock_guard lock(commands_mutex_);
    commands_.push_back(std::move(command));
  }
  Runnable::Wake();
}

void TaskRunner::Start() {
  Tell([this] {
    started_ = true;
    return task_->Open();
  });
}

void TaskRunner::Trigger(CheckpointId id) {
  Tell([this, id] {
    if (id > checkpoint_) triggered_ = id;
    return Status::OK();
  });
}

void TaskRunner::Outcome(CheckpointId id, CheckpointOutcome outcome, bool last) {
  Tell([this, id, outcome, last] {
    closing_ = closing_ || last;
    if (unwanted_) return Status::OK();
    if (held_ && last && !finished_) {
      task_->Stop();
      stopping_ = true;
    }
    held_ = false;
    if (outcome == CheckpointOutcome::kAborted) {
      int64_t held_here = Raw(id);
      hold_at_.compare_exchange_strong(held_here, 0, std::memory_order_acq_rel);
      if (aligning_ == id) EndAlignment();
      if (triggered_ == id) triggered_.reset();
      checkpoint_ = std::max(checkpoint_, id);
    }
    return task_->OnCheckpoint(id, outcome);
  });
}

void TaskRunner::AddSplits(std::vector<Split> splits) {
  Tell([this, splits = std::move(splits)] {
    return unwanted_ ? Status::OK() : task_->AddSplits(splits);
  });
}

void TaskRunner::NoMoreSplits() {
  Tell([this] { return unwanted_ ? Status::OK() : task_->NoMoreSplits(); });
}

void TaskRunner::Cancel() {
  Tell([this] {
    task_->Cancel();
    CloseTask();
    return Status::OK();
  });
}

Status TaskRunner::RunCommands() {
  std::vector<Command> commands;
  {
    std::lock_guard lock(commands_mutex_);
    commands.swap(commands_);
  }
  for (const Command& command : commands) {
    if (closed_) break;
    ARROW_RETURN_NOT_OK(command());
  }
  return Status::OK();
}

bool TaskRunner::RunSlice() {
  if (closed_) return false;
  bool again = false;
  Status status = RunCommands();
  if (status.ok() && started_ && !closed_) status = Slice(&again);
  if (!status.ok() && !closed_) {
    if (auto listener = listener_.lock()) listener->OnFailed(settings_.runner, status);
    CloseTask();
  }
  if (!closed_) return again;
  if (auto listener = listener_.lock()) listener->OnClosed(settings_.runner);
  return false;
}

Status TaskRunner::Slice(bool* again) {
  const int64_t start = env().MonotonicMicros();
  while (true) {
    if (!finished_ && output_channels_ > 0 &&
        closed_channels_.load(std::memory_order_acquire) == output_channels_) {
      unwanted_ = true;
      task_->Cancel();
      FinishOutput();
    }
    if (unwanted_) {
      AnswerForUnwanted();
      return Status::OK();
    }
    if (held_) return Status::OK();
    ARROW_RETURN_NOT_OK(RingIfDue());
    ARROW_RETURN_NOT_OK(BeginBarrierIfAligned());
    bool moved = false;
    refused_.reset();
    if (!preparing_ && !stopping_) ARROW_RETURN_NOT_OK(Pull(&moved));
    ARROW_ASSIGN_OR_RAISE(const Progress progress, task_->Run(executor_.slice_us()));
    switch (progress) {
      case Progress::kBarrier:
        ARROW_RETURN_NOT_OK(FreezeNow());
        moved = true;
        break;
      case Progress::kFinished:
        if (stopping_) {
          CloseTask();
          return Status::OK();
        }
        if (!finished_) {
          FinishOutput();
          moved = true;
        }
        if (closing_) {
          CloseTask();
          return Status::OK();
        }
        break;
      case Progress::kMore:
        moved = true;
        break;
      case Progress::kIdle:
      case Progress::kNoRoom:
        // Nobody will say so again.
        moved = moved || (refused_ && !preparing_ && task_->Accepts(*refused_));
        break;
    }
    if (!moved) return Status::OK();
    if (env().MonotonicMicros() - start >= executor_.slice_us()) {
      *again = true;
      return Status::OK();
    }
  }
}

/// Nothing of the task is worth keeping; the coordinator still waits for its word.
void TaskRunner::AnswerForUnwanted() {
  std::optional<CheckpointId> id = std::exchange(triggered_, std::nullopt);
  if (std::exchange(preparing_, false)) id = checkpoint_;
  if (id) {
    checkpoint_ = *id;
    if (auto listener = listener_.lock()) listener->OnSnapshot(settings_.runner, *id, {});
  }
  if (closing_) CloseTask();
}

Status TaskRunner::Pull(bool* moved) {
  for (size_t i = 0; i < inputs_.size() && !preparing_; ++i) {
    ARROW_RETURN_NOT_OK(PullFrom(inputs_[(turn_ + i) % inputs_.size()], moved));
  }
  ++turn_;
  return Status::OK();
}

/// One batch, and the times and barriers around it.
Status TaskRunner::PullFrom(Input& input, bool* moved) {
  bool taken = false;
  while (!input.ended && !input.aligned && !preparing_) {
    ChannelItem* item = input.channel->Front();
    if (item == nullptr) return Status::OK();
    switch (item->kind) {
      case ChannelItem::Kind::kBatch: {
        if (taken) return Status::OK();
        if (!task_->Accepts(input.input)) {
          refused_ = input.input;
          return Status::OK();
        }
        taken = *moved = true;
        Batch batch = std::move(item->batch);
        input.channel->Pop();
        ARROW_RETURN_NOT_OK(task_->Push(input.input, std::move(batch)));
        break;
      }
      case ChannelItem::Kind::kTime:
        input.time = item->time;
        input.channel->Pop();
        *moved = true;
        ARROW_RETURN_NOT_OK(UpdateTime(input.input, &input));
        break;
      case ChannelItem::Kind::kBarrier:
        *moved = true;
        OnBarrier(input, item->checkpoint);
        input.channel->Pop();
        ARROW_RETURN_NOT_OK(BeginBarrierIfAligned());
        break;
      case ChannelItem::Kind::kEnd:
        *moved = true;
        input.channel->Pop();
        ARROW_RETURN_NOT_OK(OnEnd(input));
        break;
    }
  }
  return Status::OK();
}

Status TaskRunner::UpdateTime(int input, const Input* told_by) {
  InputTime lowest{EventTime::Max(), true};
  bool open = false;
  EventTime idle_highest = EventTime::Min();
  for (const Input& each : inputs_) {
    if (each.input != input || each.ended) continue;
    open = true;
    if (each.time.idle) {
      idle_highest = std::max(idle_highest, each.time.watermark);
      continue;
    }
    lowest.idle = false;
    lowest.watermark = std::min(lowest.watermark, each.time.watermark);
  }
  if (!open) return Status::OK();
  InputTime& told = input_times_[static_cast<size_t>(input)];
  if (lowest.idle) {
    // As Flink's StatusWatermarkValve: nothing is waited for any more once the channel falls silent
    // that held the others back.
    const bool held_back = told_by != nullptr && told_by->time.watermark >= told.watermark;
    lowest.watermark = held_back ? idle_highest : told.watermark;
  }
  lowest.watermark = std::max(lowest.watermark, told.watermark);
  if (lowest == told) return Status::OK();
  told = lowest;
  return task_->PushTime(input, lowest);
}

Status TaskRunner::OnEnd(Input& input) {
  input.ended = true;
  const bool over = std::all_of(inputs_.begin(), inputs_.end(), [&](const Input& each) {
    return each.input != input.input || each.ended;
  });
  ARROW_RETURN_NOT_OK(over ? task_->Finish(input.input) : UpdateTime(input.input));
  return BeginBarrierIfAligned();
}

void TaskRunner::OnBarrier(Input& input, CheckpointId id) {
  // One that was given up may still come, in front of a newer one or behind it.
  if (id <= checkpoint_ || (aligning_ && id < *aligning_)) return;
  if (aligning_ && id > *aligning_) EndAlignment();
  if (!aligning_) aligning_since_us_ = env().MonotonicMicros();
  aligning_ = id;
  input.aligned = true;
}

void TaskRunner::EndAlignment() {
  for (Input& input : inputs_) input.aligned = false;
  aligning_.reset();
}

Status TaskRunner::BeginBarrierIfAligned() {
  if (preparing_) return Status::OK();
  std::optional<CheckpointId> id;
  if (aligning_) {
    const bool aligned = std::all_of(inputs_.begin(), inputs_.end(),
                                     [](const Input& each) { return each.aligned || each.ended; });
    if (aligned) id = aligning_;
  } else if (inputs_.empty() || finished_) {
    id = triggered_;
  }
  if (!id) return Status::OK();
  aligned_us_ = env().MonotonicMicros();
  if (!aligning_) aligning_since_us_ = aligned_us_;
  aligning_.reset();
  if (triggered_ && *triggered_ <= *id) triggered_.reset();
  checkpoint_ = *id;
  preparing_ = true;
  return task_->PrepareBarrier(*id);
}

Status TaskRunner::FreezeNow() {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<StageSnapshot> snapshot, task_->Freeze(checkpoint_));
  preparing_ = false;
  held_ = hold_at_.load(std::memory_order_acquire) == Raw(checkpoint_);
  for (Input& input : inputs_) input.aligned = false;
  if (!finished_) SendToAll({ChannelItem::Kind::kBarrier, {}, {}, checkpoint_, 0});
  if (auto listener = listener_.lock()) {
    listener->OnSnapshot(settings_.runner, checkpoint_,
                         {std::move(snapshot), aligned_us_ - aligning_since_us_,
                          env().MonotonicMicros() - aligned_us_});
  }
  return Status::OK();
}

void TaskRunner::FinishOutput() {
  if (std::exchange(finished_, true)) return;
  SendToAll({ChannelItem::Kind::kEnd, {}, {}, {}, 0});
  for (Input& input : inputs_) {
    if (!input.ended) input.channel->Close();
    input.ended = true;
  }
  EndAlignment();
  if (auto listener = listener_.lock()) listener->OnFinished(settings_.runner);
}

void TaskRunner::CloseTask() {
  closed_ = true;
  std::unique_ptr<StageTask> task;
  {
    std::lock_guard lock(task_mutex_);
    last_stats_ = task_->stats();
    for (NodeStats& stats : last_stats_) stats.levels = {};
    task = std::move(task_);
  }
}

std::vector<NodeStats> TaskRunner::stats() const {
  std::lock_guard lock(task_mutex_);
  if (task_ == nullptr) return last_stats_;
  std::vector<NodeStats> stats = task_->stats();
  for (const Input& input : inputs_) {
    stats[0].levels.queued_bytes += input.channel->queued_bytes();
    stats[0].levels.queue_capacity += input.channel->capacity_bytes();
  }
  return stats;
}

int TaskRunner::channels(ExchangeId exchange) const {
  for (const Output& output : outputs_) {
    if (output.exchange == exchange) return static_cast<int>(output.channels.size());
  }
  return 0;
}

void TaskRunner::Emit(ExchangeId exchange, int channel, Batch batch) {
  for (Output& output : outputs_) {
    if (output.exchange != exchange) continue;
    output.channels[static_cast<size_t>(channel)]->Push(
        {ChannelItem::Kind::kBatch, std::move(batch), {}, {}, 0});
    return;
  }
}

void TaskRunner::EmitTime(InputTime time) {
  SendToAll({ChannelItem::Kind::kTime, {}, time, {}, 0});
}

void TaskRunner::SendToAll(const ChannelItem& item) {
  for (Output& output : outputs_) {
    for (Channel* channel : output.channels) channel->Push(item);
  }
}

void TaskRunner::SetAlarm(ProcTime at) {
  alarm_ = at;
  rings_at_us_ = at == ProcTime::Never()
                     ? AlarmHeap::kNever
                     : env().MonotonicMicros() + std::max<int64_t>(at.us - env().NowMicros(), 0);
  WakeAt(rings_at_us_);
}

/// An alarm rings when its time has come, and also when so much time has passed: a wall clock that
/// is set back does not stop a job.
Status TaskRunner::RingIfDue() {
  if (alarm_ == ProcTime::Never()) return Status::OK();
  const ProcTime now{env().NowMicros()};
  if (now < alarm_ && env().MonotonicMicros() < rings_at_us_) return Status::OK();
  const ProcTime rung = std::max(now, std::exchange(alarm_, ProcTime::Never()));
  return task_->AdvanceClock(rung);
}

void TaskRunner::OnChannelRoom() {
  if (full_channels_.fetch_sub(1, std::memory_order_acq_rel) == 1) Runnable::Wake();
}

void TaskRunner::OnChannelClosed() {
  closed_channels_.fetch_add(1, std::memory_order_acq_rel);
  Runnable::Wake();
}

}  // namespace millrace
