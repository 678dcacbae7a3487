#pragma once

#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "operators/registry.h"
#include "spi/services.h"

namespace millrace {

class FixedEnv final : public Env {
 public:
  int64_t NowMicros() override { return 0; }
  int64_t MonotonicMicros() override { return 0; }
  uint64_t Random() override { return 4; }
  void Execute(std::function<void()> work) override { work(); }
  FileSystem& files() override { std::abort(); }  // allowed: no operator here has files
};

class NoServices final : public Services {
 public:
  Env& env() override { return env_; }
  const Registries& registries() const override { return registries_; }
  ModelRuntime& models() override { std::abort(); }                 // allowed: as above
  const SecretProvider& secrets() const override { std::abort(); }  // allowed: as above
  MetricRegistry& metrics() override { return metrics_; }
  HttpClient& http() override { std::abort(); }  // allowed: as above
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view) override {
    return Error::Internal("none");
  }

  Registries registries_;

 private:
  FixedEnv env_;
  MetricRegistry metrics_;
};

/// One operator over a memory store; counts the rows that it sends from its first port.
class BenchHost final : public OperatorContext, public Collector {
 public:
  BenchHost(NodeConfigPtr config, const Schema& input, Schema output, ChangelogMode mode,
            const std::function<void(Registries&)>& add = {})
      : services_(own_services_), metrics_(services_.metrics(), {}) {
    if (add) add(own_services_.registries_);
    Open(std::move(config), {input}, {{"main", std::move(output), mode}});
  }
  BenchHost(Services& services, NodeConfigPtr config, const std::vector<Schema>& inputs,
            std::vector<PortPlan> ports)
      : services_(services), metrics_(services_.metrics(), {}) {
    Open(std::move(config), inputs, std::move(ports));
  }
  void Push(const Batch& batch, int input = 0) { Check(op_->ProcessBatch(input, batch, *this)); }
  /// Hands over what was sent to the operator; whether there was something.
  bool Complete() {
    std::vector<Completion> due;
    {
      std::lock_guard lock(completions_->mutex);
      due.swap(completions_->sent);
    }
    if (!due.empty()) Check(op_->OnCompletions(due, *this));
    return !due.empty();
  }
  /// A barrier.
  std::unique_ptr<StateSnapshot> Snapshot() {
    Check(op_->PrepareSnapshot(CheckpointId{1}, *this));
    return store_->Freeze().ValueOrDie();
  }
  /// A watermark, the timers that are due, and `Run`.
  void PushTime(int64_t us) {
    Check(op_->ProcessWatermark(0, {{us}, false}, *this));
    TimerBatch timers;
    std::vector<Slot> slots;
    std::vector<int64_t> times;
    while (store_->PopDue(timers.domain, us, 1024, &timers.state, &slots, &times).ValueOrDie() >
           0) {
      timers.slots = slots;
      timers.times_us = times;
      Check(op_->OnTimers(timers, *this));
    }
    Check(op_->Run(*this).status());
  }
  void Finish() {
    Check(op_->Finish(0, *this));
    while (op_->Run(*this).ValueOrDie() == Step::kMore) continue;
  }
  int64_t rows_out = 0;

  bool HasRoom() const override { return true; }
  void Emit(int port, Batch batch) override { rows_out += port == 0 ? batch.num_rows() : 0; }
  void Watermark(InputTime) override {}
  Env& env() override { return services_.env(); }
  Services& services() override { return services_; }
  const NodeId& node() const override { return node_.id; }
  int subtask() const override { return 0; }
  int parallelism() const override { return 1; }
  int max_parallelism() const override { return 128; }
  KeyedTable& table(int state) override { return store_->table(state); }
  KeyedLog& log(int state) override { return store_->log(state); }
  ItemList& items(int state) override { return store_->items(state); }
  TimerSet& timers() override { return store_->timers(); }
  void SetAlarm(ProcTime) override {}
  CompletionSender sender() override {
    return CompletionSender(std::make_shared<const CompletionSender::Function>(
        [completions = completions_](Completion completion) {
          std::lock_guard lock(completions->mutex);
          completions->sent.push_back(std::move(completion));
        }));
  }
  void Rejected(int64_t, std::string_view) override {}
  void Dead(const Batch&, std::span<const RowError>) override {}
  MetricGroup& metrics() override { return metrics_; }
  int64_t memory_left() const override { return int64_t{1} << 40; }

 private:
  struct Completions {
    std::mutex mutex;
    std::vector<Completion> sent;
  };

  void Open(NodeConfigPtr config, const std::vector<Schema>& inputs, std::vector<PortPlan> ports) {
    node_.id = "node";
    node_.config = std::move(config);
    node_.ports = std::move(ports);
    OperatorRequest request{node_, {}, services_, 0, 1};
    for (const Schema& input : inputs) request.inputs.push_back({"main", input});
    op_ = MakeOperator(request).ValueOrDie();
    store_ = MakeMemoryStateStore("node", op_->States(), 0, 1, 128).ValueOrDie();
    Check(op_->Open(*this));
  }
  static void Check(const Status& status) {
    if (!status.ok()) std::abort();  // allowed: a benchmark that failed measures nothing
  }

  NoServices own_services_;
  Services& services_;
  MetricGroup metrics_;
  const std::shared_ptr<Completions> completions_ = std::make_shared<Completions>();
  PlanNode node_;
  std::unique_ptr<Operator> op_;
  std::unique_ptr<StateStore> store_;
};

}  // namespace millrace
