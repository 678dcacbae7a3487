#include "runtime/execution.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "runtime/part_reader.h"
#include "types/key_group.h"

namespace millrace {

Result<std::shared_ptr<Execution>> Execution::Make(const JobDefinition& job, Post post,
                                                   const std::vector<std::string>& candidates) {
  std::vector<SkippedCheckpoint> skipped;
  for (size_t i = 0; true; ++i) {
    std::shared_ptr<Execution> execution(new Execution(job, post));
    ARROW_RETURN_NOT_OK(execution->Build());
    if (!candidates.empty()) {
      const Status restored = execution->Restore(candidates[i]);
      if (!restored.ok() && InfoOf(restored).error_class == ErrorClass::kData &&
          i + 1 < candidates.size()) {
        Log(LogLevel::kWarn, "runtime",
            "a checkpoint is damaged; the one before is restored, and rows that were committed "
            "since may be written again",
            {{"job", job.id}, {"checkpoint", candidates[i]}, {"cause", Describe(restored)}});
        skipped.push_back({candidates[i], restored.message()});
        continue;
      }
      ARROW_RETURN_NOT_OK(restored);
    }
    execution->restored_.skipped = std::move(skipped);
    ARROW_RETURN_NOT_OK(execution->MakeAssigners());
    return execution;
  }
}

Execution::~Execution() = default;

Status Execution::Build() {
  const PhysicalPlan& plan = *job_.plan;
  const std::weak_ptr<TaskListener> self = weak_from_this();
  std::vector<std::vector<TaskRunner*>> by_stage;
  for (const Stage& stage : plan.stages) {
    auto& runners = by_stage.emplace_back();
    for (int subtask = 0; subtask < stage.parallelism; ++subtask) {
      const auto number = static_cast<int>(runners_.size());
      TaskSettings settings{job_.id, stage.id, subtask, number, job_.options.memory_limit};
      runners_.push_back(
          std::make_shared<TaskRunner>(job_.executor, job_.services, std::move(settings), self));
      runners.push_back(runners_.back().get());
      const std::string file =
          "stage-" + std::to_string(Raw(stage.id)) + "-" + std::to_string(subtask) + ".arrows";
      task_files_.push_back({file, subtask, stage.parallelism, stage.max_parallelism, nullptr});
    }
  }
  for (const Exchange& exchange : plan.exchanges) Connect(exchange, by_stage);
  for (const auto& runner : runners_) {
    const int parallelism = plan.stage(runner->stage())->parallelism;
    ARROW_RETURN_NOT_OK(runner->MakeTask(job_.plan, parallelism, job_.make_operator));
  }
  unfinished_ = open_ = runners_.size();
  return Status::OK();
}

void Execution::Connect(const Exchange& exchange,
                        const std::vector<std::vector<TaskRunner*>>& by_stage) {
  const auto& stages = job_.plan->stages;
  const auto runners_of = [&](StageId id) -> const std::vector<TaskRunner*>& {
    const auto stage = std::ranges::find(stages, id, &Stage::id);
    return by_stage[static_cast<size_t>(stage - stages.begin())];
  };
  const auto& senders = runners_of(exchange.from);
  const auto& receivers = runners_of(exchange.to);
  for (size_t from = 0; from < senders.size(); ++from) {
    for (size_t to = 0; to < receivers.size(); ++to) {
      if (exchange.partitioning == Partitioning::kForward && from != to) continue;
      channels_.push_back(
          std::make_unique<Channel>(*senders[from], *receivers[to], job_.options.channel_bytes));
      senders[from]->AddOutput(exchange.id, channels_.back().get());
      receivers[to]->AddInput(exchange.input, channels_.back().get());
    }
  }
}

// --- restore

Status Execution::Restore(const std::string& path) {
  FileSystem& files = job_.executor.env().files();
  ARROW_ASSIGN_OR_RAISE(const Checkpoint checkpoint, ReadCheckpoint(files, path));
  restored_.checkpoint = checkpoint.path;

  std::set<NodeId> nodes;
  for (const Stage& stage : job_.plan->stages) {
    for (const PlanNode& node : stage.chain) nodes.insert(node.id);
  }
  std::set<std::string> declared, kept, dropped;
  const auto name = [](const PartId& part) { return part.node + "/" + part.state; };
  for (const auto& runner : runners_) {
    for (const PartId& table : runner->task().tables()) declared.insert(name(table));
  }
  for (const StoredPart& part : checkpoint.parts) {
    if (part.id.state == kTaskState) continue;
    const bool known = part.id.state == kFinderState ? nodes.contains(part.id.node)
                                                     : declared.contains(name(part.id));
    (known ? kept : dropped).insert(name(part.id));
  }
  for (const std::string& table : declared) {
    (kept.contains(table) ? restored_.kept : restored_.added).push_back(table);
  }
  restored_.dropped.assign(dropped.begin(), dropped.end());
  ARROW_RETURN_NOT_OK(CheckDropped());
  return RestoreParts(checkpoint);
}

Status Execution::CheckDropped() const {
  if (restored_.dropped.empty() || job_.options.allow_dropped_state) return Status::OK();
  const auto list = [](const std::vector<std::string>& tables) {
    std::string text;
    for (const std::string& table : tables) text += (text.empty() ? "'" : ", '") + table + "'";
    return text.empty() ? std::string("none") : text;
  };
  return Error::User("the checkpoint holds state that the script has no use for: " +
                     list(restored_.dropped) + " (kept: " + list(restored_.kept) +
                     "; new: " + list(restored_.added) + ")")
      .In(restored_.checkpoint)
      .Hint(
          "keep the names of views and operators (or give STATE_ID hints), or leave it behind: SET "
          "'execution.state-recovery.ignore-unclaimed-state' = 'true'");
}

Status Execution::RestoreParts(const Checkpoint& checkpoint) {
  // Where the state of the plan's nodes lives now.
  std::map<NodeId, const Stage*> stages;
  std::map<StageId, std::vector<TaskRunner*>> runners;
  for (const Stage& stage : job_.plan->stages) {
    for (const PlanNode& node : stage.chain) stages[node.id] = &stage;
  }
  for (const auto& runner : runners_) runners[runner->stage()].push_back(runner.get());
  const std::set<std::string> dropped(restored_.dropped.begin(), restored_.dropped.end());

  std::vector<StoredPart> wanted;
  for (const StoredPart& part : checkpoint.parts) {
    const bool is_dropped = dropped.contains(part.id.node + "/" + part.id.state);
    if (stages.contains(part.id.node) && !is_dropped) wanted.push_back(part);
  }
  PartReader reader(job_.executor.env(), checkpoint, wanted);
  for (const StoredPart& part : wanted) {
    const Stage& stage = *stages.at(part.id.node);
    const bool keyed = part.id.group && !part.id.everywhere;
    if (keyed && part.max_parallelism != stage.max_parallelism) {
      return Error::User("the checkpoint was taken with a maximum parallelism of " +
                         std::to_string(part.max_parallelism) + ", the plan has " +
                         std::to_string(stage.max_parallelism))
          .In(checkpoint.path)
          .Hint("set 'pipeline.max-parallelism' to the value of the checkpoint");
    }
    ARROW_ASSIGN_OR_RAISE(std::string bytes, reader.Next());
    if (part.id.state == kFinderState) {
      finder_states_[part.id.node] = std::move(bytes);
      continue;
    }
    const bool rescaled = part.parallelism != stage.parallelism;
    for (int subtask = 0; subtask < stage.parallelism; ++subtask) {
      const bool mine =
          !keyed || SubtaskOf(*part.id.group, stage.parallelism, stage.max_parallelism) == subtask;
      if (!mine) continue;
      const ItemShare share{subtask, stage.parallelism, part.subtask, rescaled};
      StageTask& task = runners[stage.id][static_cast<size_t>(subtask)]->task();
      ARROW_RETURN_NOT_OK(task.RestorePart(part.id, part.version, bytes, share));
    }
  }
  return Status::OK();
}

Status Execution::MakeAssigners() {
  for (const Stage& stage : job_.plan->stages) {
    if (stage.chain.empty()) continue;
    const NodeId& node = stage.chain[0].id;
    ARROW_ASSIGN_OR_RAISE(auto finder, job_.make_finder(stage.chain[0], job_.services));
    if (finder == nullptr) continue;
    std::vector<TaskRunner*> readers;
    for (const auto& runner : runners_) {
      if (runner->stage() == stage.id) readers.push_back(runner.get());
    }
    assigners_.push_back(std::make_shared<SplitAssigner>(
        node, std::move(finder), finder_states_[node], std::move(readers), job_.executor.env(),
        post_, [this](Status status) {
          if (listener_ != nullptr) listener_->OnFailed(std::move(status));
        }));
  }
  return Status::OK();
}

// --- life

void Execution::Start(ExecutionListener& listener) {
  listener_ = &listener;
  for (const auto& runner : runners_) runner->Start();
  for (const auto& assigner : assigners_) assigner->Start();
}

void Execution::Detach() {
  listener_ = nullptr;
  for (const auto& assigner : assigners_) assigner->Stop();
}

bool Execution::FindersAreQuiet(std::function<void()> when_quiet) {
  const auto busy = std::ranges::find_if(assigners_, [](const auto& each) { return each->busy(); });
  if (busy == assigners_.end()) return true;
  (*busy)->WhenQuiet(std::move(when_quiet));
  return false;
}

Result<std::vector<CheckpointContent::Finder>> Execution::FinderStates() {
  std::vector<CheckpointContent::Finder> states;
  for (const auto& assigner : assigners_) {
    ARROW_ASSIGN_OR_RAISE(std::string state, assigner->Snapshot());
    states.push_back({assigner->node(), std::move(state)});
  }
  return states;
}

void Execution::Trigger(CheckpointId id, bool hold) {
  for (const auto& runner : runners_) {
    if (hold) runner->HoldAt(id);
  }
  for (const auto& runner : runners_) runner->Trigger(id);
}

void Execution::Outcome(CheckpointId id, CheckpointOutcome outcome, bool last) {
  for (const auto& runner : runners_) runner->Outcome(id, outcome, last);
}

void Execution::Cancel() {
  for (const auto& assigner : assigners_) assigner->Stop();
  for (const auto& runner : runners_) runner->Cancel();
}

void AddStats(const NodeStats& stats, std::vector<NodeStats>* nodes) {
  const auto known = std::ranges::find(*nodes, stats.node, &NodeStats::node);
  if (known == nodes->end()) {
    nodes->push_back(stats);
    return;
  }
  known->rows_in += stats.rows_in;
  known->rows_out += stats.rows_out;
  known->batches_in += stats.batches_in;
  known->dead_rows += stats.dead_rows;
  if (known->dead_reason.empty()) known->dead_reason = stats.dead_reason;
  known->busy_us += stats.busy_us;
  known->backpressured_us += stats.backpressured_us;
  NodeLevels& levels = known->levels;
  if (stats.levels.watermark) {
    levels.watermark =
        std::min(levels.watermark.value_or(EventTime::Max()), *stats.levels.watermark);
  }
  levels.state_bytes += stats.levels.state_bytes;
  levels.queued_bytes += stats.levels.queued_bytes;
  levels.queue_capacity += stats.levels.queue_capacity;
  known->subtasks = std::max(known->subtasks, stats.subtasks);
  known->most_rows_in += stats.most_rows_in;
}

std::vector<NodeStats> Execution::stats() const {
  std::vector<NodeStats> nodes;
  for (const auto& runner : runners_) {
    for (NodeStats stats : runner->stats()) {
      const auto known = std::ranges::find(nodes, stats.node, &NodeStats::node);
      if (known != nodes.end()) {
        stats.subtasks = known->subtasks + 1;
        stats.most_rows_in = std::max<int64_t>(0, stats.most_rows_in - known->most_rows_in);
      }
      AddStats(stats, &nodes);
    }
  }
  return nodes;
}

// --- what its tasks say

void Execution::Tell(std::function<void(ExecutionListener&)> event) {
  post_([weak = weak_from_this(), event = std::move(event)] {
    const auto self = weak.lock();
    if (self != nullptr && self->listener_ != nullptr) event(*self->listener_);
  });
}

void Execution::OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint) {
  Tell([runner, id, checkpoint = std::move(checkpoint)](ExecutionListener& listener) {
    listener.OnSnapshot(runner, id, checkpoint);
  });
}

void Execution::OnFinished(int /*runner*/) {
  Tell([this](ExecutionListener& listener) {
    --unfinished_;
    listener.OnTaskFinished();
  });
}

void Execution::OnFailed(int /*runner*/, Status status) {
  Tell([status = std::move(status)](ExecutionListener& listener) { listener.OnFailed(status); });
}

void Execution::OnClosed(int /*runner*/) {
  Tell([this](ExecutionListener& listener) {
    if (--open_ == 0) listener.OnAllClosed();
  });
}

}  // namespace millrace
