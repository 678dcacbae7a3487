#include <algorithm>
#include <map>
#include <utility>

#include "task/chain_node.h"
#include "task/exchange_output.h"
#include "task/stage_task.h"
#include "task/task_progress.h"
#include "task/task_snapshot.h"

namespace millrace {

namespace {

class ChainTask final : public StageTask {
 public:
  ChainTask(std::shared_ptr<const PhysicalPlan> plan, const Stage& stage, int subtask,
            int parallelism, StageHost& host)
      : plan_(std::move(plan)),
        stage_(stage),
        shared_{host, subtask, parallelism, stage.max_parallelism, {}, {}, nullptr, {}, {}, {}} {
    shared_.now = ProcTime{host.env().NowMicros()};
    shared_.completions = std::make_shared<CompletionQueue>([&host] { host.Wake(); });
  }
  ~ChainTask() override { shared_.completions->Close(); }

  Status Build(const OperatorMaker& maker);

  Status RestorePart(const PartId& part, int version, std::string_view bytes,
                     ItemShare share) override;
  Status Open() override;
  bool Accepts(int input) const override {
    if (barrier_) return false;
    const ChainNode& first = *shared_.nodes[first_];
    return first_ > 0 || first.ended_itself() || (first.CanTake(input) && first.HasRoom());
  }
  Status Push(int input, Batch batch) override {
    return Arrive({Arrival::Kind::kBatch, input, std::move(batch), {}, {}});
  }
  Status PushTime(int input, InputTime time) override {
    auto& seen = watermarks_[static_cast<size_t>(input)];
    seen = std::max(seen, time.watermark);
    return Arrive({Arrival::Kind::kTime, input, {}, time, {}});
  }
  Status Finish(int input) override { return Arrive({Arrival::Kind::kFinish, input, {}, {}, {}}); }
  Status AdvanceClock(ProcTime now) override;
  Result<Progress> Run(int64_t budget_us) override;
  Status PrepareBarrier(CheckpointId id) override;
  Result<std::unique_ptr<StageSnapshot>> Freeze(CheckpointId id) override;
  Status OnCheckpoint(CheckpointId id, CheckpointOutcome outcome) override;
  void Stop() override { shared_.stopped = true; }
  void Cancel() override { shared_.completions->Close(); }
  Status AddSplits(std::vector<Split> splits) override;
  Status NoMoreSplits() override;
  std::vector<PartId> tables() const override;
  std::vector<NodeStats> stats() const override;

 private:
  static constexpr int kMaxPasses = 64;  ///< of one `Run`, where the clock does not tell
  static constexpr int64_t kMeasureEveryUs = 100'000;

  void DeliverCompletions();
  bool Pass();
  /// Nodes before the last one that has ended by itself work for nobody.
  void CutBeforeEnded();
  bool AllFinished() const;
  bool SaidAll() const;
  Status FlushOutputs(bool due_only);
  void UpdateAlarm();
  Status Arrive(Arrival arrival);
  std::vector<PortPlan> InputsOfStage() const;

  std::shared_ptr<const PhysicalPlan> plan_;
  const Stage& stage_;
  ChainShared shared_;
  std::vector<std::unique_ptr<ExchangeOutput>> outputs_;
  std::vector<EventTime> watermarks_;        ///< per input of the stage
  std::map<NodeId, TaskProgress> restored_;  ///< by the first node of the stage of before
  std::optional<CheckpointId> barrier_;
  size_t first_ = 0;  ///< the first node that still works
  ProcTime alarm_;
  int64_t blocked_since_us_ = 0;
  int64_t measured_us_ = 0;  ///< when the sizes of states were looked at
};

std::vector<PortPlan> ChainTask::InputsOfStage() const {
  std::vector<PortPlan> inputs;
  for (const Exchange& exchange : plan_->exchanges) {
    if (exchange.to != stage_.id) continue;
    inputs.resize(std::max(inputs.size(), static_cast<size_t>(exchange.input) + 1));
    for (const PlanNode& node : plan_->stage(exchange.from)->chain) {
      if (node.id == exchange.node) {
        inputs[static_cast<size_t>(exchange.input)] =
            node.ports[static_cast<size_t>(exchange.port)];
      }
    }
  }
  return inputs;
}

Status ChainTask::Build(const OperatorMaker& maker) {
  std::vector<PortPlan> inputs = InputsOfStage();
  watermarks_.resize(inputs.size());
  for (const PlanNode& node : stage_.chain) {
    const auto index = static_cast<int>(shared_.nodes.size());
    shared_.nodes.push_back(
        std::make_unique<ChainNode>(shared_, node, index, static_cast<int>(inputs.size())));
    ARROW_RETURN_NOT_OK(
        shared_.nodes.back()->MakeOperator(maker, std::move(inputs), plan_->settings));
    inputs.clear();
    if (!node.ports.empty()) {
      inputs.push_back(node.ports[0]);
    } else {
      inputs.emplace_back();
    }
  }
  for (size_t i = 0; i < shared_.nodes.size(); ++i) {
    const PlanNode& node = stage_.chain[i];
    std::vector<std::vector<ExchangeOutput*>> ports(node.ports.size());
    for (const Exchange& exchange : plan_->exchanges) {
      if (exchange.from != stage_.id || exchange.node != node.id) continue;
      const auto port = static_cast<size_t>(exchange.port);
      ARROW_ASSIGN_OR_RAISE(
          outputs_.emplace_back(),
          ExchangeOutput::Make(exchange, node.ports[port].schema, shared_.subtask,
                               plan_->stage(exchange.to)->max_parallelism, shared_.host));
      ports[port].push_back(outputs_.back().get());
      shared_.outputs.push_back(outputs_.back().get());
    }
    ChainNode* next = i + 1 < shared_.nodes.size() ? shared_.nodes[i + 1].get() : nullptr;
    shared_.nodes[i]->Wire(next, std::move(ports));
  }
  return Status::OK();
}

Status ChainTask::RestorePart(const PartId& part, int version, std::string_view bytes,
                              ItemShare share) {
  for (const auto& node : shared_.nodes) {
    if (node->id() != part.node) continue;
    if (part.state == kTaskState) {
      if (!share.rescaled && share.written_by != share.index) return Status::OK();
      ARROW_ASSIGN_OR_RAISE(const TaskProgress progress, TaskProgress::FromBytes(bytes));
      const auto [known, first] = restored_.emplace(part.node, progress);
      if (!first) known->second.Combine(progress);
      return Status::OK();
    }
    if (node->store() == nullptr) break;
    node->Guard([&] { return node->store()->RestorePart(part, version, bytes, share); });
    return shared_.status;
  }
  return Error::User("the stage has no state '" + part.state + "' of '" + part.node + "'")
      .Hint(
          "the script has changed since the checkpoint was taken; allow dropped state to go on "
          "without it");
}

Status ChainTask::Open() {
  const auto finished = [this](size_t node) {
    return std::ranges::any_of(restored_, [&](const auto& stage) {
      return stage.second.Finished(shared_.nodes[node]->id());
    });
  };
  const size_t last = shared_.nodes.size() - 1;
  for (size_t i = last + 1; i-- > 0;) shared_.nodes[i]->Open(finished(i));
  // Who reads from a node that has finished may not know it: it was in another stage.
  constexpr InputTime kEnd{EventTime::Max(), false};
  for (size_t i = 0; i < last; ++i) {
    if (!finished(i) || finished(i + 1)) continue;
    shared_.nodes[i + 1]->Deliver({Arrival::Kind::kTime, 0, {}, kEnd, {}});
    shared_.nodes[i + 1]->Deliver({Arrival::Kind::kFinish, 0, {}, {}, {}});
  }
  if (finished(last)) shared_.host.EmitTime(kEnd);
  // What stands before a node that has finished has nobody to work for.
  for (size_t i = 0; i <= last; ++i) {
    if (finished(i)) first_ = i;
  }
  // Of inputs that another stage had, nothing is known.
  const auto before = restored_.find(shared_.nodes[0]->id());
  if (before != restored_.end() && !finished(0)) {
    const auto& watermarks = before->second.watermarks;
    const size_t known = std::min(watermarks_.size(), watermarks.size());
    for (size_t input = 0; input < known; ++input) {
      const EventTime time = watermarks[input];
      if (time > EventTime::Min()) {
        ARROW_RETURN_NOT_OK(PushTime(static_cast<int>(input), {time, false}));
      }
    }
  }
  UpdateAlarm();
  return shared_.status;
}

Status ChainTask::Arrive(Arrival arrival) {
  if (first_ == 0) shared_.nodes[0]->Deliver(std::move(arrival));
  return shared_.status;
}

Status ChainTask::AdvanceClock(ProcTime now) {
  shared_.now = now;
  alarm_ = ProcTime::Never();
  for (const auto& node : shared_.nodes) node->OnClock();
  return shared_.status;
}

void ChainTask::DeliverCompletions() {
  for (auto& [node, completion] : shared_.completions->TakeAll()) {
    shared_.nodes[static_cast<size_t>(node)]->AddCompletion(std::move(completion));
  }
}

bool ChainTask::Pass() {
  DeliverCompletions();
  bool worked = false;
  // From the end: room downstream first.
  for (size_t i = shared_.nodes.size(); i-- > first_;) {
    worked = shared_.nodes[i]->Work() || worked;
  }
  CutBeforeEnded();
  return worked;
}

void ChainTask::CutBeforeEnded() {
  for (size_t i = first_ + 1; i < shared_.nodes.size(); ++i) {
    if (!shared_.nodes[i]->ended_itself()) continue;
    first_ = i;
    if (!barrier_ || shared_.nodes[i]->knows_barrier()) continue;
    shared_.nodes[i]->Deliver({Arrival::Kind::kBarrier, 0, {}, {}, *barrier_});
  }
}

bool ChainTask::AllFinished() const {
  for (size_t i = first_; i < shared_.nodes.size(); ++i) {
    if (!shared_.nodes[i]->finished()) return false;
  }
  return shared_.completions->empty();
}

bool ChainTask::SaidAll() const {
  return std::all_of(shared_.nodes.begin() + static_cast<std::ptrdiff_t>(first_),
                     shared_.nodes.end(), [](const auto& node) { return node->said_all(); });
}

Status ChainTask::FlushOutputs(bool due_only) {
  shared_.nodes.back()->Guard([&]() -> Status {
    for (const auto& output : outputs_) {
      if (due_only && output->due() > shared_.now) continue;
      ARROW_RETURN_NOT_OK(output->Flush());
    }
    return Status::OK();
  });
  return shared_.status;
}

Result<Progress> ChainTask::Run(int64_t budget_us) {
  if (shared_.stopped) {
    DeliverCompletions();
    // Only sinks commit, and a sink ends its chain.
    ChainNode& last = *shared_.nodes.back();
    last.TakeCompletions();
    ARROW_RETURN_NOT_OK(shared_.status);
    return last.op().pending() == 0 ? Progress::kFinished : Progress::kIdle;
  }
  Env& env = shared_.host.env();
  const int64_t start = env.MonotonicMicros();
  if (blocked_since_us_ != 0) {
    for (const auto& node : shared_.nodes) {
      if (node->Blocked()) node->AddBackpressured(start - blocked_since_us_);
    }
    blocked_since_us_ = 0;
  }
  ARROW_RETURN_NOT_OK(FlushOutputs(true));
  bool more = true;
  for (int pass = 0; more && pass < kMaxPasses; ++pass) {
    more = Pass();
    ARROW_RETURN_NOT_OK(shared_.status);
    if (shared_.barrier_passed || env.MonotonicMicros() - start >= budget_us) break;
  }
  UpdateAlarm();
  if (start - measured_us_ >= kMeasureEveryUs) {
    measured_us_ = start;
    for (const auto& node : shared_.nodes) node->MeasureState();
  }
  if (shared_.barrier_passed) {
    ARROW_RETURN_NOT_OK(FlushOutputs(false));
    return Progress::kBarrier;
  }
  if (more) return Progress::kMore;
  if (AllFinished()) {
    ARROW_RETURN_NOT_OK(FlushOutputs(false));
    return Progress::kFinished;
  }
  for (size_t i = first_; i < shared_.nodes.size(); ++i) {
    if (!shared_.nodes[i]->Blocked() || shared_.host.HasRoom()) continue;
    blocked_since_us_ = env.MonotonicMicros();
    return Progress::kNoRoom;
  }
  return Progress::kIdle;
}

void ChainTask::UpdateAlarm() {
  ProcTime next;
  for (size_t i = first_; i < shared_.nodes.size(); ++i) {
    next = std::min(next, shared_.nodes[i]->NextAlarm());
  }
  for (const auto& output : outputs_) next = std::min(next, output->due());
  if (next != alarm_) shared_.host.SetAlarm(alarm_ = next);
}

Status ChainTask::PrepareBarrier(CheckpointId id) {
  barrier_ = id;
  shared_.nodes[first_]->Deliver({Arrival::Kind::kBarrier, 0, {}, {}, id});
  return shared_.status;
}

Result<std::unique_ptr<StageSnapshot>> ChainTask::Freeze(CheckpointId id) {
  auto snapshot = std::make_unique<TaskSnapshot>();
  TaskProgress progress{SaidAll(), {}, watermarks_};
  for (const auto& node : shared_.nodes) progress.nodes.push_back(node->id());
  snapshot->AddBytes({shared_.nodes[0]->id(), std::string(kTaskState), std::nullopt},
                     TaskProgress::kVersion, progress.ToBytes());
  for (const auto& node : shared_.nodes) node->Freeze(id, *snapshot);
  barrier_.reset();
  shared_.barrier_passed = false;
  ARROW_RETURN_NOT_OK(shared_.status);
  return snapshot;
}

Status ChainTask::OnCheckpoint(CheckpointId id, CheckpointOutcome outcome) {
  for (const auto& node : shared_.nodes) {
    node->OnCheckpoint(id, outcome == CheckpointOutcome::kCompleted);
  }
  return shared_.status;
}

Status ChainTask::AddSplits(std::vector<Split> splits) {
  ChainNode& source = *shared_.nodes[0];
  source.Guard([&]() -> Status {
    auto* taker = dynamic_cast<SplitTaker*>(&source.op());
    if (taker == nullptr) return Error::Internal("this operator takes no splits");
    return taker->AddSplits(std::move(splits));
  });
  source.AskRun();
  return shared_.status;
}

Status ChainTask::NoMoreSplits() {
  ChainNode& source = *shared_.nodes[0];
  source.Guard([&]() -> Status {
    auto* taker = dynamic_cast<SplitTaker*>(&source.op());
    if (taker == nullptr) return Error::Internal("this operator takes no splits");
    return taker->NoMoreSplits();
  });
  source.AskRun();
  return shared_.status;
}

std::vector<PartId> ChainTask::tables() const {
  std::vector<PartId> tables;
  for (const auto& node : shared_.nodes) {
    for (const StateSpec& spec : node->specs())
      tables.push_back({node->id(), spec.name, std::nullopt});
  }
  return tables;
}

std::vector<NodeStats> ChainTask::stats() const {
  std::vector<NodeStats> stats;
  for (const auto& node : shared_.nodes) stats.push_back(node->stats());
  return stats;
}

}  // namespace

Result<std::unique_ptr<StageTask>> StageTask::Make(std::shared_ptr<const PhysicalPlan> plan,
                                                   StageId stage, int subtask, int parallelism,
                                                   StageHost& host, const OperatorMaker& maker) {
  const Stage* found = plan->stage(stage);
  if (found == nullptr || found->chain.empty()) {
    return Error::Internal("the plan has no stage " + std::to_string(Raw(stage)));
  }
  auto task = std::make_unique<ChainTask>(std::move(plan), *found, subtask, parallelism, host);
  ARROW_RETURN_NOT_OK(task->Build(maker));
  return task;
}

}  // namespace millrace
