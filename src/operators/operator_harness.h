#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/array_nested.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "operators/registry.h"
#include "spi/services.h"
#include "types/row_kind.h"

namespace millrace {

/// Time that a test moves; work that runs at once; no files.
class TestEnv final : public Env {
 public:
  int64_t NowMicros() override { return now_us; }
  int64_t MonotonicMicros() override { return now_us; }
  uint64_t Random() override { return 4; }
  void Execute(std::function<void()> work) override { work(); }
  FileSystem& files() override { std::abort(); }  // allowed: tests that touch files are wrong

  int64_t now_us = 1'000'000;
};

class TestServices final : public Services {
 public:
  Env& env() override { return env_; }
  const Registries& registries() const override { return registries_; }
  ModelRuntime& models() override { return *models_; }
  const SecretProvider& secrets() const override { std::abort(); }  // allowed: as above
  MetricRegistry& metrics() override { return metrics_; }
  HttpClient& http() override { std::abort(); }  // allowed: as above
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view name) override {
    if (name != "query") return Error::Internal("no receiver '" + std::string(name) + "'");
    return receiver_;
  }

  TestEnv env_;
  Registries registries_;
  MetricRegistry metrics_;
  std::optional<int64_t> state_ttl_us_;
  ModelRuntime* models_ = nullptr;
  std::shared_ptr<RowReceiver> receiver_;
};

inline Batch BatchOf(const Schema& schema, const std::string& json, const std::string& kinds = {}) {
  const auto arrow_schema = schema.ToArrow();
  const auto rows = arrow::json::ArrayFromJSONString(arrow::struct_(arrow_schema->fields()), json);
  EXPECT_TRUE(rows.ok()) << rows.status().ToString();
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(arrow_schema, (*rows)->length(),
                                        static_cast<const arrow::StructArray&>(**rows).fields());
  if (!kinds.empty()) {
    batch.kinds = std::static_pointer_cast<arrow::Int8Array>(
        arrow::json::ArrayFromJSONString(arrow::int8(), kinds).ValueOrDie());
  }
  return batch;
}

/// Runs one operator over a memory store: the context and the collector are the test's. What the
/// operator sends is kept as text: "+I(1, a)", "rejected: +I(…)", "watermark 5", "dead 0: reason".
class OperatorHarness final : public OperatorContext, public Collector {
 public:
  OperatorHarness(TestServices& services, NodeConfigPtr config, std::vector<PortPlan> ports,
                  std::vector<Schema> inputs = {},
                  ChangelogMode input_changelog = ChangelogMode::kAppend,
                  std::string time_zone = "UTC")
      : services_(services), metrics_(services.metrics_, {}) {
    node_.id = "node";
    node_.config = std::move(config);
    node_.ports = std::move(ports);
    OperatorRequest request{node_, {}, services, 0, 1, std::move(time_zone)};
    request.state_ttl_us = services.state_ttl_us_;
    for (Schema& schema : inputs) {
      request.inputs.push_back({"main", std::move(schema), input_changelog});
    }
    auto made = MakeOperator(request);
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    op_ = std::move(*made);
    for (const StateSpec& spec : op_->States()) versions_[spec.name] = spec.version;
    store_ = MakeMemoryStateStore("node", op_->States(), 0, 1, 128).ValueOrDie();
  }

  using Parts = std::vector<std::pair<PartId, std::string>>;

  void Open(const Parts& parts = {}) {
    for (const auto& [id, bytes] : parts) {
      Check(store_->RestorePart(id, versions_[id.state], bytes));
    }
    Check(op_->Open(*this));
  }
  void Push(Batch batch) {
    Check(store_->BeginCall(services_.env_.now_us));
    Check(op_->ProcessBatch(0, std::move(batch), *this));
  }
  /// A watermark, the timers that are due, and `Run`.
  void PushTime(int64_t us) {
    Check(op_->ProcessWatermark(0, {{us}, false}, *this));
    FireTimers(us);
    RunAll();
  }
  /// Moves the clock to `us`, and the timers that are due.
  void PushClock(int64_t us) {
    services_.env_.now_us = us;
    FireTimers(us, TimeDomain::kProcessing);
    RunAll();
  }
  void Finish() {
    Check(op_->Finish(0, *this));
    EXPECT_EQ(RunAll(), Step::kIdle);
  }
  Step Run() {
    auto step = op_->Run(*this);
    Check(step.status());
    return step.ValueOr(Step::kIdle);
  }
  Step RunAll() {
    Step step = Run();
    while (step == Step::kMore && room) step = Run();
    return step;
  }
  /// Moves the clock; the alarm, where it is due, and `Run`.
  void Advance(int64_t us) {
    services_.env_.now_us += us;
    if (alarm_.us <= services_.env_.now_us) {
      alarm_ = ProcTime::Never();
      Check(op_->OnAlarm({services_.env_.now_us}, *this));
      RunAll();
    }
  }
  /// Hands over what was sent to the operator.
  void Complete() {
    while (!completions_->empty()) {
      auto due = std::exchange(*completions_, {});
      Check(op_->OnCompletions(due, *this));
    }
  }
  /// A barrier: what is in the state after it.
  Parts Snapshot(int64_t checkpoint = 1) {
    Check(op_->PrepareSnapshot(CheckpointId{checkpoint}, *this));
    return Frozen();
  }
  /// What is in the state.
  Parts Frozen() {
    const auto snapshot = store_->Freeze().ValueOrDie();
    Parts parts;
    for (const PartId& id : snapshot->parts()) {
      parts.emplace_back(id, "");
      Check(snapshot->Write(id, &parts.back().second));
    }
    return parts;
  }
  /// What was sent since the last call.
  std::vector<std::string> Taken() { return std::exchange(taken_, {}); }
  Operator& op() { return *op_; }
  ProcTime alarm() const { return alarm_; }
  Status status;  ///< the first failure of the operator; a test that expects none checks it

  bool room = true;
  size_t timers_at_once = 3;

  // --- Collector
  bool HasRoom() const override { return room; }
  void Emit(int port, Batch batch) override {
    const auto& plan = node_.ports.at(static_cast<size_t>(port));
    const Status valid = batch.rows->ValidateFull();
    EXPECT_TRUE(valid.ok()) << valid.ToString();
    EXPECT_TRUE(batch.rows->schema()->Equals(*plan.schema.ToArrow()))
        << batch.rows->schema()->ToString();
    for (int64_t i = 0; i < batch.num_rows(); ++i) {
      std::string text = port == 0 ? "" : plan.name + ": ";
      text += kRowKindSigns[batch.kinds ? batch.kinds->Value(i) & 3 : 0];
      for (int c = 0; c < batch.rows->num_columns(); ++c) {
        text +=
            (c == 0 ? "(" : ", ") + batch.rows->column(c)->GetScalar(i).ValueOrDie()->ToString();
      }
      taken_.push_back(text + ")");
    }
  }
  void Watermark(InputTime time) override {
    taken_.push_back(time.idle ? "idle"
                     : time.watermark == EventTime::Max()
                         ? "end"
                         : "watermark " + std::to_string(time.watermark.us));
  }

  // --- OperatorContext
  Env& env() override { return services_.env_; }
  Services& services() override { return services_; }
  const NodeId& node() const override { return node_.id; }
  int subtask() const override { return 0; }
  int parallelism() const override { return 1; }
  int max_parallelism() const override { return 128; }
  KeyedTable& table(int state) override { return store_->table(state); }
  KeyedLog& log(int state) override { return store_->log(state); }
  ItemList& items(int state) override { return store_->items(state); }
  TimerSet& timers() override { return store_->timers(); }
  void SetAlarm(ProcTime at) override { alarm_ = std::min(alarm_, at); }
  CompletionSender sender() override {
    return CompletionSender(std::make_shared<const CompletionSender::Function>(
        [queue = completions_](Completion completion) {
          queue->push_back(std::move(completion));
        }));
  }
  void Dead(const Batch&, std::span<const RowError> errors) override {
    for (const RowError& error : errors) {
      taken_.push_back("dead " + std::to_string(error.row) + ": " + error.text);
    }
  }
  void Rejected(int64_t records, std::string_view first_reason) override {
    taken_.push_back("rejected " + std::to_string(records) + ": " + std::string(first_reason));
  }
  MetricGroup& metrics() override { return metrics_; }
  int64_t memory_left() const override { return int64_t{1} << 30; }

 private:
  void Check(const Status& s) {
    if (status.ok()) status = s;
  }
  void FireTimers(int64_t until_us, TimeDomain domain = TimeDomain::kEvent) {
    TimerBatch timers{domain, 0, {}, {}};
    std::vector<Slot> slots;
    std::vector<int64_t> times;
    while (store_->PopDue(timers.domain, until_us, timers_at_once, &timers.state, &slots, &times)
               .ValueOr(0)) {
      timers.slots = slots;
      timers.times_us = times;
      Check(op_->OnTimers(timers, *this));
    }
  }

  TestServices& services_;
  MetricGroup metrics_;
  PlanNode node_;
  std::unique_ptr<Operator> op_;
  std::unique_ptr<StateStore> store_;
  std::map<std::string, int> versions_;
  std::shared_ptr<std::vector<Completion>> completions_ =
      std::make_shared<std::vector<Completion>>();
  ProcTime alarm_;
  std::vector<std::string> taken_;
};

/// The shortest way to a schema: {"a", SqlType::Int()}, …
inline Schema SchemaOf(std::vector<std::pair<std::string, SqlType>> columns) {
  Schema schema;
  for (auto& [name, type] : columns) schema.Add(std::move(name), std::move(type));
  return schema;
}

}  // namespace millrace
