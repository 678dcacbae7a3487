#include "task/chain_node.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include "base/options.h"
#include "task/task_snapshot.h"

namespace millrace {

namespace {

MetricLabels LabelsOf(const ChainShared& shared, const NodeId& node) {
  return {{"job", std::string(shared.host.job())},
          {"node", node},
          {"subtask", std::to_string(shared.subtask)}};
}

}  // namespace

ChainNode::ChainNode(ChainShared& shared, const PlanNode& plan, int index, int inputs)
    : shared_(shared),
      plan_(plan),
      index_(index),
      metrics_(shared.host.services().metrics(), LabelsOf(shared, plan.id)),
      inputs_(static_cast<size_t>(inputs)) {
  watermark_us_.Set(EventTime::Min().us);
}

void ChainNode::Fail(const Status& failure) {
  shared_.Fail(failure.WithMessage("in '", plan_.id, "': ", failure.message()));
}

Status ChainNode::MakeOperator(const OperatorMaker& maker, std::vector<PortPlan> inputs,
                               const std::map<std::string, std::string>& settings) {
  OperatorRequest request{.node = plan_,
                          .inputs = std::move(inputs),
                          .services = services(),
                          .subtask = subtask(),
                          .parallelism = parallelism(),
                          .job = std::string(shared_.host.job())};
  if (const auto zone = settings.find("table.local-time-zone"); zone != settings.end()) {
    request.time_zone = zone->second;
  }
  if (const auto rows = settings.find("millrace.batch-rows"); rows != settings.end()) {
    const std::string& text = rows->second;
    std::from_chars(text.data(), text.data() + text.size(), request.batch_rows);
  }
  if (const auto ttl = settings.find("table.exec.state.ttl"); ttl != settings.end()) {
    const int64_t ttl_us = ParseDurationMicros(ttl->second).ValueOr(0);
    if (ttl_us > 0) request.state_ttl_us = ttl_us;
  }
  Guard([&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(op_, maker(request));
    specs_ = op_->States();
    if (!specs_.empty()) {
      ARROW_ASSIGN_OR_RAISE(store_, MakeStore(settings));
      ARROW_RETURN_NOT_OK(store_->BeginCall(env().NowMicros()));
    }
    return Status::OK();
  });
  return shared_.status;
}

Result<std::unique_ptr<StateStore>> ChainNode::MakeStore(
    const std::map<std::string, std::string>& settings) {
  const auto setting = [&](const char* key, const char* fallback) {
    const auto found = settings.find(key);
    return found == settings.end() ? std::string(fallback) : found->second;
  };
  if (setting("state.backend.type", setting("state.backend", "hashmap").c_str()) != "rocksdb") {
    return MakeMemoryStateStore(plan_.id, specs_, subtask(), parallelism(), max_parallelism());
  }
  RocksOptions options;
  options.folder = setting("state.backend.rocksdb.localdir", "/tmp");
  ARROW_ASSIGN_OR_RAISE(
      options.memory_bytes,
      ParseBytes(setting("state.backend.rocksdb.memory.fixed-per-slot", "64 mb")));
  return MakeRocksStateStore(plan_.id, specs_, subtask(), parallelism(), max_parallelism(),
                             options);
}

void ChainNode::Open(bool restored_finished) {
  finished_ = restored_finished;
  if (restored_finished) {
    for (Input& input : inputs_) input.finished = true;
  }
  Enter([&] { return op_->Open(*this); });
  run_ = !restored_finished;
}

bool ChainNode::CanTake(int input) const {
  if (over()) return true;
  return inbox_.empty() && !settling_ && !barrier_ && op_->Accepts(input);
}

void ChainNode::Deliver(Arrival arrival) {
  if (arrival.kind == Arrival::Kind::kBatch) {
    if (arrival.batch.empty()) return;
    if (CanTake(arrival.input)) {
      Handle(arrival);
      return;
    }
  }
  inbox_.push_back(std::move(arrival));
}

void ChainNode::Handle(Arrival& arrival) {
  if (arrival.kind == Arrival::Kind::kBarrier) {
    barrier_ = arrival.checkpoint;
    return;
  }
  if (over()) return;
  switch (arrival.kind) {
    case Arrival::Kind::kBatch:
      rows_in_.Add(arrival.batch.num_rows());
      batches_in_.Add();
      Enter([&] { return op_->ProcessBatch(arrival.input, std::move(arrival.batch), *this); });
      break;
    case Arrival::Kind::kTime:
      HandleTime(arrival.input, arrival.time);
      break;
    case Arrival::Kind::kFinish: {
      Input& input = inputs_[static_cast<size_t>(arrival.input)];
      if (input.finished) return;
      input.finished = true;
      Enter([&] { return op_->Finish(arrival.input, *this); });
      break;
    }
    case Arrival::Kind::kBarrier:
      break;
  }
  run_ = true;
}

void ChainNode::HandleTime(int input, InputTime time) {
  Input& from = inputs_[static_cast<size_t>(input)];
  time.watermark = std::max(time.watermark, from.time.watermark);
  if (time == from.time) return;
  from.time = time;
  Enter([&] { return op_->ProcessWatermark(input, time, *this); });

  EventTime lowest = EventTime::Max();
  bool any = false;
  for (const Input& each : inputs_) {
    if (each.finished || each.time.idle) continue;
    lowest = std::min(lowest, each.time.watermark);
    any = true;
  }
  if (any && lowest > event_time_) {
    event_time_ = lowest;
    watermark_us_.Set(lowest.us);
    event_due_ = store_ != nullptr;
  }
  settling_ = true;
}

bool ChainNode::FireTimers(TimeDomain domain, int64_t until_us) {
  bool more = false;
  Enter([&]() -> Status {
    TimerBatch timers{domain, 0, {}, {}};
    std::vector<Slot> slots;
    std::vector<int64_t> times;
    ARROW_ASSIGN_OR_RAISE(const size_t due, store_->PopDue(domain, until_us, kTimerSlice,
                                                           &timers.state, &slots, &times));
    if (due == 0) return Status::OK();
    more = true;
    timers.slots = slots;
    timers.times_us = times;
    return op_->OnTimers(timers, *this);
  });
  return more;
}

void ChainNode::RunOnce() {
  Enter([&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(const Step step, op_->Run(*this));
    run_ = step == Step::kMore;
    if (step == Step::kFinished) ended_ = true;
    return Status::OK();
  });
  settling_ = settling_ && event_due_;
}

void ChainNode::OnClock() {
  if (alarm_ <= shared_.now) alarm_due_ = true;
  if (store_ != nullptr && store_->NextProcessingTimer() <= shared_.now.us) processing_due_ = true;
}

bool ChainNode::TakeCompletions() {
  if (completions_.empty()) return false;
  std::vector<Completion> completions = std::exchange(completions_, {});
  Enter([&] { return op_->OnCompletions(completions, *this); });
  return run_ = true;
}

bool ChainNode::Work() {
  if (passed_) return false;
  bool worked = TakeCompletions();
  if (alarm_due_) {
    alarm_due_ = false;
    alarm_ = ProcTime::Never();
    Enter([&] { return op_->OnAlarm(shared_.now, *this); });
    worked = run_ = true;
  }
  if (processing_due_ && HasRoom()) {
    processing_due_ = FireTimers(TimeDomain::kProcessing, shared_.now.us);
    worked = run_ = true;
  }
  if (event_due_ && HasRoom()) {
    event_due_ = FireTimers(TimeDomain::kEvent, event_time_.us);
    worked = run_ = true;
  }
  const bool held_for_barrier = is_source() && barrier_;
  if (run_ && !finished_ && !ended_ && !event_due_ && !held_for_barrier && HasRoom()) {
    RunOnce();
    worked = true;
  }
  while (!inbox_.empty() && (!settling_ || ended_) && !barrier_ && shared_.status.ok()) {
    const Arrival& front = inbox_.front();
    if (front.kind == Arrival::Kind::kBatch && !over() &&
        !(op_->Accepts(front.input) && HasRoom())) {
      break;
    }
    Arrival arrival = std::move(inbox_.front());
    inbox_.pop_front();
    Handle(arrival);
    worked = true;
  }
  return Settle() || worked;
}

/// Tells the next node of the end and of the barrier, once everything before them is done.
bool ChainNode::Settle() {
  if (!shared_.status.ok()) return false;
  bool worked = false;
  const bool inputs_over =
      ended_ || (!is_source() && std::all_of(inputs_.begin(), inputs_.end(),
                                             [](const Input& input) { return input.finished; }));
  const bool quiet = ended_ || (!event_due_ && !settling_ && !run_);
  if (!finished_ && inputs_over && quiet && inbox_.empty() && !barrier_ && op_->pending() == 0) {
    PassFinish();
    worked = true;
  }
  if (!barrier_ || passed_) return worked;
  // A source always has more: it stops at the barrier. Others first finish what they have begun.
  if (!is_source() && !finished_ && !quiet) return worked;
  if (!prepared_) {
    prepared_ = true;
    Enter([&] { return op_->PrepareSnapshot(*barrier_, *this); });
    run_ = true;
    if (!is_source() && !finished_) return true;
  }
  PassBarrier();
  return true;
}

void ChainNode::PassFinish() {
  finished_ = true;
  // Nothing comes after the end, so all windows close, also behind a limit.
  if (ended_) Watermark({EventTime::Max(), false});
  if (next_ != nullptr) next_->Deliver({Arrival::Kind::kFinish, 0, {}, {}, {}});
}

void ChainNode::PassBarrier() {
  passed_ = true;
  if (next_ != nullptr) {
    next_->Deliver({Arrival::Kind::kBarrier, 0, {}, {}, *barrier_});
  } else {
    shared_.barrier_passed = true;
  }
}

bool ChainNode::knows_barrier() const {
  return barrier_ || std::any_of(inbox_.begin(), inbox_.end(), [](const Arrival& arrival) {
           return arrival.kind == Arrival::Kind::kBarrier;
         });
}

bool ChainNode::Blocked() const {
  if (passed_ || HasRoom()) return false;
  return event_due_ || processing_due_ || (run_ && !finished_ && !ended_) ||
         (!inbox_.empty() && inbox_.front().kind == Arrival::Kind::kBatch);
}

void ChainNode::Freeze(CheckpointId id, TaskSnapshot& snapshot) {
  Guard([&]() -> Status {
    if (store_ != nullptr) {
      ARROW_ASSIGN_OR_RAISE(std::unique_ptr<StateSnapshot> frozen, store_->Freeze());
      snapshot.AddStore(std::move(frozen), specs_);
      MeasureState();
    }
    op_->Flush(id, snapshot.gate().Add());
    return Status::OK();
  });
  barrier_.reset();
  prepared_ = passed_ = false;
  run_ = true;
}

void ChainNode::OnCheckpoint(CheckpointId id, bool completed) {
  Enter([&] {
    op_->OnCheckpoint(id, completed);
    return Status::OK();
  });
  run_ = true;
}

ProcTime ChainNode::NextAlarm() const {
  ProcTime next = alarm_due_ ? ProcTime::Never() : alarm_;
  if (store_ != nullptr && !processing_due_) {
    next = std::min(next, ProcTime{store_->NextProcessingTimer()});
  }
  return next;
}

NodeStats ChainNode::stats() const {
  std::lock_guard lock(dead_reason_mutex_);
  return {plan_.id,
          rows_in_.value(),
          rows_out_.value(),
          batches_in_.value(),
          dead_rows_.value(),
          busy_us_.value(),
          backpressured_us_.value(),
          dead_reason_,
          {EventTime{watermark_us_.value()}, state_bytes_.value(), 0, 0},
          1,
          rows_in_.value()};
}

bool ChainNode::HasRoom() const {
  return next_ == nullptr ? shared_.host.HasRoom() : next_->CanTake(0) && next_->HasRoom();
}

void ChainNode::Emit(int port, Batch batch) {
  if (batch.empty() || shared_.stopped || !shared_.status.ok()) return;
  const auto index = static_cast<size_t>(port);
  if (port == 0) rows_out_.Add(batch.num_rows());
  if (port != 0 && index < plan_.ports.size()) {
    metrics_.counter("rows_" + plan_.ports[index].name)->Add(batch.num_rows());
  }
  if (index < outputs_.size()) {
    for (ExchangeOutput* output : outputs_[index]) {
      Guard([&] { return output->Add(batch); });
    }
  }
  if (port == 0 && next_ != nullptr)
    next_->Deliver({Arrival::Kind::kBatch, 0, std::move(batch), {}, {}});
}

void ChainNode::Watermark(InputTime time) {
  if (shared_.stopped) return;
  if (is_source() && !time.idle) watermark_us_.Set(time.watermark.us);
  if (next_ != nullptr) {
    next_->Deliver({Arrival::Kind::kTime, 0, {}, time, {}});
    return;
  }
  for (ExchangeOutput* output : shared_.outputs) {
    Guard([&] { return output->Flush(); });
  }
  shared_.host.EmitTime(time);
}

void ChainNode::Dead(const Batch& batch, std::span<const RowError> errors) {
  if (errors.empty()) return;
  const Position at = errors[0].position;
  Rejected(static_cast<int64_t>(errors.size()),
           at.line == 0 ? errors[0].text
                        : errors[0].text + " (line " + std::to_string(at.line) + ", column " +
                              std::to_string(at.column) + ")");
  const auto port = std::find_if(plan_.ports.begin(), plan_.ports.end(),
                                 [](const PortPlan& each) { return each.name == "failed"; });
  const auto index = static_cast<size_t>(port - plan_.ports.begin());
  if (index >= outputs_.size() || outputs_[index].empty()) return;
  Guard([&]() -> Status {
    arrow::Int32Builder rows;
    arrow::StringBuilder causes;
    for (const RowError& error : errors) {
      ARROW_RETURN_NOT_OK(rows.Append(error.row));
      ARROW_RETURN_NOT_OK(causes.Append(error.text));
    }
    ARROW_ASSIGN_OR_RAISE(const auto row_array, rows.Finish());
    ARROW_ASSIGN_OR_RAISE(Batch failed,
                          batch.Take(static_cast<const arrow::Int32Array&>(*row_array)));
    auto columns = failed.rows->columns();
    if (port->schema.size() == static_cast<int>(columns.size()) + 1) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), causes.Finish());
    }
    if (port->schema.size() != static_cast<int>(columns.size())) {
      return Error::Internal("the port of failed rows has other columns than the rows");
    }
    failed.rows =
        arrow::RecordBatch::Make(port->schema.ToArrow(), failed.num_rows(), std::move(columns));
    Emit(static_cast<int>(index), std::move(failed));
    return Status::OK();
  });
}

void ChainNode::Rejected(int64_t records, std::string_view first_reason) {
  dead_rows_.Add(records);
  std::lock_guard lock(dead_reason_mutex_);
  if (dead_reason_.empty()) dead_reason_ = first_reason;
}

int64_t ChainNode::memory_left() const {
  int64_t used = 0;
  for (const auto& node : shared_.nodes) {
    if (node->store_ != nullptr) used += node->store_->memory_bytes();
  }
  return shared_.host.memory_limit() - used;
}

}  // namespace millrace
