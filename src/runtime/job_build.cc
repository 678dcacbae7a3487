#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "runtime/job.h"
#include "types/key_group.h"

namespace millrace {

// The making of a job: tasks and channels from the plan, state from a checkpoint.

Status Job::Build(const OperatorMaker& maker) {
  const std::weak_ptr<TaskListener> self = std::static_pointer_cast<Job>(shared_from_this());
  std::vector<std::vector<TaskRunner*>> by_stage;
  for (const Stage& stage : plan_->stages) {
    auto& runners = by_stage.emplace_back();
    for (int subtask = 0; subtask < stage.parallelism; ++subtask) {
      const auto number = static_cast<int>(runners_.size());
      TaskSettings settings{id_, stage.id, subtask, number, options_.memory_limit};
      runners_.push_back(
          std::make_shared<TaskRunner>(executor_, services_, std::move(settings), self));
      runners.push_back(runners_.back().get());
      const std::string file =
          "stage-" + std::to_string(Raw(stage.id)) + "-" + std::to_string(subtask) + ".arrows";
      task_files_.push_back({file, subtask, stage.parallelism, stage.max_parallelism, nullptr});
    }
  }
  for (const Exchange& exchange : plan_->exchanges) Connect(exchange, by_stage);
  for (const auto& runner : runners_) {
    ARROW_RETURN_NOT_OK(runner->MakeTask(plan_, plan_->stage(runner->stage())->parallelism, maker));
  }
  return Status::OK();
}

void Job::Connect(const Exchange& exchange, const std::vector<std::vector<TaskRunner*>>& by_stage) {
  const auto runners_of = [&](StageId id) -> const std::vector<TaskRunner*>& {
    const auto stage = std::find_if(plan_->stages.begin(), plan_->stages.end(),
                                    [&](const Stage& each) { return each.id == id; });
    return by_stage[static_cast<size_t>(stage - plan_->stages.begin())];
  };
  const auto& senders = runners_of(exchange.from);
  const auto& receivers = runners_of(exchange.to);
  for (size_t from = 0; from < senders.size(); ++from) {
    for (size_t to = 0; to < receivers.size(); ++to) {
      if (exchange.partitioning == Partitioning::kForward && from != to) continue;
      channels_.push_back(
          std::make_unique<Channel>(*senders[from], *receivers[to], options_.channel_bytes));
      senders[from]->AddOutput(exchange.id, channels_.back().get());
      receivers[to]->AddInput(exchange.input, channels_.back().get());
    }
  }
}

Status Job::Restore() {
  FileSystem& files = executor_.env().files();
  ARROW_ASSIGN_OR_RAISE(const Checkpoint checkpoint, ReadCheckpoint(files, options_.restore_from));
  restored_.checkpoint = checkpoint.path;
  next_checkpoint_ = Raw(checkpoint.id) + 1;

  // Where the state of the plan's nodes lives now.
  std::map<NodeId, const Stage*> stages;
  std::set<NodeId> first_nodes;
  for (const Stage& stage : plan_->stages) {
    for (const PlanNode& node : stage.chain) stages[node.id] = &stage;
    if (!stage.chain.empty()) first_nodes.insert(stage.chain[0].id);
  }
  std::map<StageId, std::vector<TaskRunner*>> runners;
  std::set<std::pair<NodeId, std::string>> declared, kept, dropped;
  for (const auto& runner : runners_) {
    runners[runner->stage()].push_back(runner.get());
    for (const PartId& table : runner->task().tables()) declared.emplace(table.node, table.state);
  }

  struct Restored {
    const StoredPart* part;
    const Stage* stage;
  };
  std::vector<Restored> parts;
  for (const StoredPart& part : checkpoint.parts) {
    const auto stage = stages.find(part.id.node);
    const std::pair<NodeId, std::string> table(part.id.node, part.id.state);
    if (part.id.state == kFinderState && stage != stages.end()) {
      ARROW_ASSIGN_OR_RAISE(std::string state, ReadPart(files, checkpoint, part));
      finder_states_.push_back({part.id.node, std::move(state)});
    } else if (part.id.state == kTaskState) {
      // Of the inputs of a stage: they are others where the stage begins elsewhere now.
      if (first_nodes.contains(part.id.node)) parts.push_back({&part, stage->second});
    } else if (stage != stages.end() && declared.contains(table)) {
      kept.insert(table);
      parts.push_back({&part, stage->second});
    } else {
      dropped.insert(table);
    }
  }
  const auto name = [](const std::pair<NodeId, std::string>& table) {
    return table.first + "/" + table.second;
  };
  for (const auto& table : declared) {
    (kept.contains(table) ? restored_.kept : restored_.added).push_back(name(table));
  }
  for (const auto& table : dropped) restored_.dropped.push_back(name(table));
  if (!dropped.empty() && !options_.allow_dropped_state) {
    std::string list;
    for (const std::string& table : restored_.dropped)
      list += (list.empty() ? "'" : ", '") + table + "'";
    return Error::User("the checkpoint holds state that the script has no use for: " + list)
        .In(checkpoint.path)
        .Hint(
            "keep the names of views and operators (or give STATE_ID hints), or allow dropped "
            "state");
  }

  for (const auto& [part, stage] : parts) {
    const auto& subtasks = runners[stage->id];
    const bool same = part->parallelism == stage->parallelism;
    if (part->id.group && part->max_parallelism != stage->max_parallelism) {
      return Error::User("the checkpoint was taken with a maximum parallelism of " +
                         std::to_string(part->max_parallelism) + ", the plan has " +
                         std::to_string(stage->max_parallelism))
          .In(checkpoint.path)
          .Hint("set 'pipeline.max-parallelism' to the value of the checkpoint");
    }
    ARROW_ASSIGN_OR_RAISE(const std::string bytes, ReadPart(files, checkpoint, *part));
    for (size_t i = 0; i < subtasks.size(); ++i) {
      const auto subtask = static_cast<int>(i);
      const bool mine = part->id.group ? SubtaskOf(*part->id.group, stage->parallelism,
                                                   stage->max_parallelism) == subtask
                                       : !same || part->subtask == subtask;
      if (!mine) continue;
      const ItemShare share = same ? ItemShare{} : ItemShare{subtask, stage->parallelism};
      ARROW_RETURN_NOT_OK(subtasks[i]->task().RestorePart(part->id, part->version, bytes, share));
    }
  }
  return Status::OK();
}

Status Job::MakeAssigners(const SplitFinderMaker& make_finder) {
  for (const Stage& stage : plan_->stages) {
    if (stage.chain.empty()) continue;
    const NodeId& node = stage.chain[0].id;
    ARROW_ASSIGN_OR_RAISE(auto finder, make_finder(stage.chain[0], services_));
    if (finder == nullptr) continue;
    std::string state;
    for (const auto& restored : finder_states_) {
      if (restored.node == node) state = restored.state;
    }
    std::vector<TaskRunner*> readers;
    for (const auto& runner : runners_) {
      if (runner->stage() == stage.id) readers.push_back(runner.get());
    }
    assigners_.push_back(std::make_shared<SplitAssigner>(
        node, std::move(finder), std::move(state), std::move(readers), executor_.env(), Poster(),
        [this](Status status) { FailJob(status); }));
  }
  return Status::OK();
}

}  // namespace millrace
