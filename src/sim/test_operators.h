#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <nlohmann/json.hpp>

#include "runtime/test_support.h"
#include "spi/operator.h"
#include "spi/operator_factory.h"
#include "spi/services.h"
#include "spi/source.h"

// The operators of the contract proof: as real ones, but with the peers of a simulation.

namespace millrace::sim_test {

using testing_support::Columns;
using testing_support::MakeBatch;
using testing_support::Values;

/// What the source generates.
struct Input {
  int splits = 6;
  int rows_per_split = 60;
  bool late =
      false;  ///< every 7th row lies far behind; certain to be late with one split and one reader

  static constexpr int64_t kStep = 10, kDisorder = 35, kWindow = 100, kKeys = 11;

  int64_t Key(int split, int64_t i) const { return (split * 31 + i * 17) % kKeys; }
  int64_t Time(int64_t i) const {
    const int64_t time = i * kStep + (i * 7919) % kDisorder;
    return late && time > 600 && i % 7 == 6 ? time - 300 : time;
  }
  int64_t Watermark(int64_t i) const { return i * kStep - 1; }  ///< after row i
  int64_t Value(int split, int64_t i) const { return split * 1000 + i; }
};

class TestFinder final : public SplitFinder {
 public:
  explicit TestFinder(int splits) : splits_(splits) {}
  Status Open(const std::string& state, int, Env&) override {
    found_ = state == "found";
    return Status::OK();
  }
  Result<std::vector<Split>> NewSplits() override {
    std::vector<Split> splits;
    if (!std::exchange(found_, true)) {
      for (int i = 0; i < splits_; ++i) splits.push_back({std::to_string(i), "0"});
    }
    return splits;
  }
  bool finished() const override { return true; }
  void OnReady(std::function<void()>) override {}
  Result<std::string> Snapshot() override { return found_ ? std::string("found") : std::string(); }

 private:
  int splits_;
  bool found_ = false;
};

/// Rows (key, time, value) of its splits in turn, a watermark per split.
class TestSource final : public Operator, public SplitTaker {
 public:
  explicit TestSource(Input input) : input_(input) {}
  std::vector<StateSpec> States() const override {
    return {{"splits", 1, StateKind::kItems, {}, 1, {}, {}, true}};
  }
  Status Open(OperatorContext& context) override {
    context_ = &context;
    return context.items(0).ForEach([&](uint64_t, const Batch&, const std::string& header) {
      const auto json = nlohmann::json::parse(header);
      reading_.push_back({json["split"], json["next"]});
      return Status::OK();
    });
  }
  Status AddSplits(std::vector<Split> splits) override {
    for (const Split& split : splits)
      reading_.push_back({std::stoi(split.id), std::stoi(split.position)});
    return Status::OK();
  }
  Status NoMoreSplits() override {
    no_more_ = true;
    return Status::OK();
  }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Result<Step> Run(Collector& out) override {
    if (!std::exchange(told_time_, true)) Advance(out);
    while (out.HasRoom() && !reading_.empty()) {
      Reading reading = reading_.front();
      reading_.pop_front();
      std::vector<int64_t> keys, times, values;
      const int64_t end =
          std::min<int64_t>(reading.next + 1 + static_cast<int64_t>(context_->env().Random() % 8),
                            input_.rows_per_split);
      for (; reading.next < end; ++reading.next) {
        keys.push_back(input_.Key(reading.split, reading.next));
        times.push_back(input_.Time(reading.next));
        values.push_back(input_.Value(reading.split, reading.next));
      }
      if (!keys.empty())
        out.Emit(0, MakeBatch(Columns({"key", "time", "value"}), {keys, times, values}));
      if (reading.next < input_.rows_per_split) reading_.push_back(reading);
      Advance(out);
    }
    if (!reading_.empty()) return Step::kMore;
    return no_more_ ? Step::kFinished : Step::kIdle;
  }
  Status PrepareSnapshot(CheckpointId, Collector&) override {
    ItemList& items = context_->items(0);
    std::vector<uint64_t> old;
    ARROW_RETURN_NOT_OK(items.ForEach([&](uint64_t id, const Batch&, const std::string&) {
      old.push_back(id);
      return Status::OK();
    }));
    for (const uint64_t id : old) ARROW_RETURN_NOT_OK(items.Remove(id));
    uint64_t id = 1;
    for (const Reading& reading : reading_) {
      const nlohmann::json header{{"split", reading.split}, {"next", reading.next}};
      ARROW_RETURN_NOT_OK(items.Put(id++, {}, header.dump()));
    }
    return Status::OK();
  }

 private:
  struct Reading {
    int split = 0;
    int64_t next = 0;
  };
  void Advance(Collector& out) {
    EventTime lowest = EventTime::Max();
    for (const Reading& reading : reading_) {
      const bool begun = reading.next > 0;
      lowest = std::min(lowest,
                        begun ? EventTime{input_.Watermark(reading.next - 1)} : EventTime::Min());
    }
    if (reading_.empty() || lowest <= sent_) return;
    out.Watermark({sent_ = lowest, false});
  }

  Input input_;
  OperatorContext* context_ = nullptr;
  std::deque<Reading> reading_;
  EventTime sent_;
  bool no_more_ = false;
  bool told_time_ = false;
};

/// Counts and sums per key and window; late rows leave at port 1.
class TestCount final : public Operator {
 public:
  std::vector<StateSpec> States() const override {
    return {{"windows",
             1,
             StateKind::kTable,
             Columns({"key", "end"}),
             1,
             Columns({"count", "sum"}),
             {}}};
  }
  Status Open(OperatorContext& context) override {
    context_ = &context;
    return Status::OK();
  }
  Status ProcessBatch(int, Batch batch, Collector& out) override {
    std::vector<int64_t> keys, ends, values, last;
    std::vector<std::vector<int64_t>> late(3);
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      const int64_t time = Values(batch, 1)[row];
      const int64_t end = (time / Input::kWindow + 1) * Input::kWindow;
      if (end - 1 <= target_.us) {
        for (int column = 0; column < 3; ++column)
          late[static_cast<size_t>(column)].push_back(Values(batch, column)[row]);
        continue;
      }
      keys.push_back(Values(batch, 0)[row]);
      ends.push_back(end);
      last.push_back(end - 1);
      values.push_back(Values(batch, 2)[row]);
    }
    if (!late[0].empty()) out.Emit(1, MakeBatch(Columns({"key", "time", "value"}), late));
    if (keys.empty()) return Status::OK();
    KeyedTable& table = context_->table(0);
    RowKeys row_keys;
    ARROW_RETURN_NOT_OK(
        table.encoder().Encode(*MakeBatch(Columns({"key", "end"}), {keys, ends}).rows, &row_keys));
    std::vector<Slot> slots(keys.size());
    std::vector<uint8_t> inserted(keys.size());
    ARROW_RETURN_NOT_OK(table.FindOrInsert(row_keys, slots, inserted));
    FixedColumn& count = table.Fixed(0);
    FixedColumn& sum = table.Fixed(1);
    for (size_t i = 0; i < slots.size(); ++i) {
      count.Mut<int64_t>(slots[i]) += 1;
      sum.Mut<int64_t>(slots[i]) += values[i];
    }
    return context_->timers().Set(TimeDomain::kEvent, 0, slots, last);
  }
  Status ProcessWatermark(int, InputTime time, Collector&) override {
    target_ = std::max(target_, time.watermark);
    return Status::OK();
  }
  Status OnTimers(const TimerBatch& timers, Collector& out) override {
    KeyedTable& table = context_->table(0);
    ARROW_ASSIGN_OR_RAISE(const auto keys, table.Keys(timers.slots));
    std::vector<int64_t> counts, sums;
    for (const Slot slot : timers.slots) {
      counts.push_back(table.Fixed(0).Get<int64_t>(slot));
      sums.push_back(table.Fixed(1).Get<int64_t>(slot));
    }
    const Batch values = MakeBatch(Columns({"count", "sum"}), {counts, sums});
    auto columns = keys->columns();
    columns.push_back(values.rows->column(0));
    columns.push_back(values.rows->column(1));
    out.Emit(0, {arrow::RecordBatch::Make(Columns({"key", "end", "count", "sum"}).ToArrow(),
                                          keys->num_rows(), std::move(columns)),
                 nullptr, 0});
    return table.Erase(timers.slots);
  }
  Result<Step> Run(Collector& out) override {
    if (sent_ < target_) out.Watermark({sent_ = target_, false});
    return Step::kIdle;
  }

 private:
  OperatorContext* context_ = nullptr;
  EventTime target_, sent_;
};

/// Adds `score = sum - count` by asynchronous calls, several in flight, answered in order; holds
/// watermarks back.
class TestPredict final : public Operator {
 public:
  std::vector<StateSpec> States() const override {
    return {{"in_flight", 1, StateKind::kItems, {}, 1, {}, {}}};
  }
  Status Open(OperatorContext& context) override {
    context_ = &context;
    ARROW_RETURN_NOT_OK(
        context.items(0).ForEach([&](uint64_t id, const Batch& batch, const std::string&) {
          calls_.push_back({id, batch, nullptr});
          next_ = std::max(next_, id + 1);
          return Status::OK();
        }));
    for (const Call& call : calls_) Start(call);
    return Status::OK();
  }
  bool Accepts(int) const override { return calls_.size() < 4; }
  Status ProcessBatch(int, Batch batch, Collector&) override {
    calls_.push_back({next_++, std::move(batch), nullptr});
    Start(calls_.back());
    return context_->items(0).Put(calls_.back().id, calls_.back().rows, "");
  }
  Status OnCompletions(std::span<Completion> completions, Collector& out) override {
    for (Completion& completion : completions) {
      for (Call& call : calls_) {
        if (call.id == completion.tag)
          call.result = std::static_pointer_cast<Batch>(completion.value);
      }
    }
    return Run(out).status();
  }
  Result<Step> Run(Collector& out) override {
    while (!calls_.empty() && calls_.front().result != nullptr && out.HasRoom()) {
      out.Emit(0, *calls_.front().result);
      ARROW_RETURN_NOT_OK(context_->items(0).Remove(calls_.front().id));
      calls_.pop_front();
    }
    while (!held_.empty() && (calls_.empty() || calls_.front().id >= held_.front().first)) {
      out.Watermark(held_.front().second);
      held_.pop_front();
    }
    return !calls_.empty() && calls_.front().result != nullptr ? Step::kMore : Step::kIdle;
  }
  Status ProcessWatermark(int, InputTime time, Collector& out) override {
    held_.emplace_back(next_, time);
    return Run(out).status();
  }
  int64_t pending() const override { return static_cast<int64_t>(calls_.size()); }

 private:
  struct Call {
    uint64_t id;
    Batch rows;
    std::shared_ptr<Batch> result;
  };
  void Start(const Call& call) {
    context_->env().Execute([sender = context_->sender(), id = call.id, rows = call.rows] {
      std::vector<std::vector<int64_t>> columns(5);
      for (int64_t row = 0; row < rows.num_rows(); ++row) {
        for (int column = 0; column < 4; ++column)
          columns[static_cast<size_t>(column)].push_back(Values(rows, column)[row]);
        columns[4].push_back(Values(rows, 3)[row] - Values(rows, 2)[row]);
      }
      const Batch result = MakeBatch(Columns({"key", "end", "count", "sum", "score"}), columns);
      sender.Send({id, std::make_shared<Batch>(result), Status::OK()});
    });
  }

  OperatorContext* context_ = nullptr;
  std::deque<Call> calls_;
  std::deque<std::pair<uint64_t, InputTime>> held_;
  uint64_t next_ = 1;
};

using Row = std::vector<int64_t>;

/// The world outside: what was committed stays, through every crash. Committing a transaction again
/// changes nothing.
struct TestBroker {
  std::set<std::string> transactions;
  std::map<std::string, std::multiset<Row>> rows;  ///< by topic
  int repeated = 0;

  void Commit(const std::string& topic, const std::string& transaction, const Batch& batch) {
    if (!transactions.insert(topic + "/" + transaction).second) {
      ++repeated;
      return;
    }
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      Row values;
      for (int column = 0; column < batch.rows->num_columns(); ++column)
        values.push_back(Values(batch, column)[row]);
      rows[topic].insert(values);
    }
  }
};

/// Keeps rows until the barrier, then in its snapshot; commits them once the checkpoint is
/// complete, again where a crash leaves that in doubt.
class TestSink final : public Operator {
 public:
  TestSink(TestBroker& broker, std::string topic, Schema schema)
      : broker_(broker), topic_(std::move(topic)), schema_(std::move(schema)) {}
  std::vector<StateSpec> States() const override {
    return {{"committables", 1, StateKind::kItems, {}, 1, schema_, {}}};
  }
  Status Open(OperatorContext& context) override {
    context_ = &context;
    ARROW_RETURN_NOT_OK(
        context.items(0).ForEach([&](uint64_t id, const Batch& batch, const std::string& header) {
          waiting_[id] = {0, batch, header};
          next_ = std::max(next_, id + 1);
          return Status::OK();
        }));
    CommitUntil(0);
    return Status::OK();
  }
  Status ProcessBatch(int, Batch batch, Collector&) override {
    if (batch.rows->num_columns() == 5) {
      for (int64_t row = 0; row < batch.num_rows(); ++row) {
        if (Values(batch, 1)[row] - 1 <= watermark_.us)
          return Error::Internal("a row behind the watermark");
      }
    }
    open_.push_back(std::move(batch));
    return Status::OK();
  }
  Status ProcessWatermark(int, InputTime time, Collector&) override {
    watermark_ = time.watermark;
    return Status::OK();
  }
  Status PrepareSnapshot(CheckpointId id, Collector&) override {
    if (open_.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(Batch all, Concatenate(std::exchange(open_, {})));
    const std::string transaction =
        std::to_string(Raw(id)) + "-" + std::to_string(context_->subtask());
    waiting_[next_] = {Raw(id), all, transaction};
    return context_->items(0).Put(next_++, all, transaction);
  }
  void OnCheckpoint(CheckpointId id, bool completed) override {
    if (completed) CommitUntil(Raw(id));
  }
  Status OnCompletions(std::span<Completion> completions, Collector&) override {
    for (const Completion& completion : completions) {
      --committing_;
      ARROW_RETURN_NOT_OK(context_->items(0).Remove(completion.tag));
    }
    return Status::OK();
  }
  int64_t pending() const override { return committing_; }

 private:
  struct Waiting {
    int64_t checkpoint;
    Batch rows;
    std::string transaction;
  };
  void CommitUntil(int64_t checkpoint) {
    for (auto each = waiting_.begin(); each != waiting_.end();) {
      if (each->second.checkpoint > checkpoint) {
        ++each;
        continue;
      }
      ++committing_;
      context_->env().Execute([this_broker = &broker_, sender = context_->sender(), topic = topic_,
                               id = each->first, waiting = each->second, env = &context_->env()] {
        this_broker->Commit(topic, waiting.transaction, waiting.rows);
        // The answer takes its time: a crash may come between the two.
        env->Execute([sender, id] { sender.Send({id, nullptr, Status::OK()}); });
      });
      each = waiting_.erase(each);
    }
  }

  TestBroker& broker_;
  const std::string topic_;
  const Schema schema_;
  OperatorContext* context_ = nullptr;
  std::vector<Batch> open_;
  std::map<uint64_t, Waiting> waiting_;
  uint64_t next_ = 1;
  int64_t committing_ = 0;
  EventTime watermark_;
};

}  // namespace millrace::sim_test
