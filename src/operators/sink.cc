#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "base/metrics.h"
#include "operators/make.h"
#include "spi/secret_text.h"
#include "spi/services.h"

namespace millrace {
namespace {

// Items of the state: the committables, and from how many instances they are.
const std::string kCommittable = "commit=";
const std::string kWrittenBy = "parallelism=";

/// Writes rows through a connector's writer, and commits what a checkpoint holds once it is
/// complete.
class Sink final : public Operator {
 public:
  Sink(const SinkConfig& config, std::unique_ptr<SinkWriter> writer, int rejected_port,
       int parallelism)
      : config_(config),
        writer_(std::move(writer)),
        rejected_port_(rejected_port),
        parallelism_(parallelism) {}

  std::vector<StateSpec> States() const override {
    StateSpec committables;
    committables.name = "committables";
    committables.kind = StateKind::kItems;
    return {committables};
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    writer_->OnReady([sender = context.sender()] { sender.Send({kReady, nullptr, Status::OK()}); });
    Uncommitted recovered;
    int old_parallelism = parallelism_;
    ARROW_RETURN_NOT_OK(
        context.items(0).ForEach([&](uint64_t id, const Batch&, const std::string& header) {
          next_id_ = id + 1;
          if (!header.starts_with(kWrittenBy)) {
            recovered.push_back({id, header.substr(kCommittable.size())});
            return Status::OK();
          }
          old_parallelism = std::stoi(header.substr(kWrittenBy.size()));
          return context.items(0).Remove(id);
        }));
    ARROW_RETURN_NOT_OK(
        context.items(0).Put(next_id_++, {}, kWrittenBy + std::to_string(parallelism_)));
    ++calls_;
    recovering_ = true;
    auto done = DoneWith(Ids(recovered));
    writer_->RecoverAsync(Bytes(recovered), old_parallelism, std::move(done));
    return Status::OK();
  }

  bool Accepts(int) const override { return !recovering_ && writer_->HasRoom(); }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    rejected_.clear();
    ARROW_RETURN_NOT_OK(TakeOutNulls(&batch));
    if (!batch.empty()) ARROW_RETURN_NOT_OK(writer_->Write(batch, &rejected_));
    if (rejected_.empty()) return Status::OK();
    context_->Rejected(static_cast<int64_t>(rejected_.size()),
                       rejected_[0].source + ": " + rejected_[0].reason);
    if (rejected_port_ < 0) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(Batch rows, MakeRejected(rejected_));
    out.Emit(rejected_port_, std::move(rows));
    return Status::OK();
  }

  Status OnCompletions(std::span<Completion> completions, Collector&) override {
    for (Completion& completion : completions) {
      if (completion.tag == kReady) continue;
      --calls_;
      ARROW_RETURN_NOT_OK(completion.status);
      if (completion.tag == kFinished) continue;
      recovering_ = false;
      for (const uint64_t id : *std::static_pointer_cast<std::vector<uint64_t>>(completion.value)) {
        ARROW_RETURN_NOT_OK(context_->items(0).Remove(id));
      }
    }
    if (last_checkpoint_done_ && calls_ == 0 && !std::exchange(finish_sent_, true)) {
      ++calls_;
      writer_->FinishAsync([sender = context_->sender()](Status status) {
        sender.Send({kFinished, nullptr, std::move(status)});
      });
    }
    return Status::OK();
  }

  Status PrepareSnapshot(CheckpointId id, Collector&) override {
    ARROW_ASSIGN_OR_RAISE(auto rotated, writer_->Rotate(id));
    Uncommitted& of_checkpoint = uncommitted_[id];
    for (Committable& committable : rotated) {
      ARROW_RETURN_NOT_OK(context_->items(0).Put(next_id_, {}, kCommittable + committable.bytes));
      of_checkpoint.push_back({next_id_++, std::move(committable.bytes)});
    }
    if (input_finished_) last_checkpoint_ = id;
    return Status::OK();
  }

  void Flush(CheckpointId id, std::function<void(Status)> done) override {
    writer_->FlushAsync(id, std::move(done));
  }

  void OnCheckpoint(CheckpointId id, bool completed) override {
    // What an aborted checkpoint rotated is committed with the next one that completes.
    if (!completed) return;
    Uncommitted due;
    while (!uncommitted_.empty() && uncommitted_.begin()->first <= id) {
      auto& first = uncommitted_.begin()->second;
      due.insert(due.end(), std::make_move_iterator(first.begin()),
                 std::make_move_iterator(first.end()));
      uncommitted_.erase(uncommitted_.begin());
    }
    if (input_finished_ && last_checkpoint_ && *last_checkpoint_ <= id)
      last_checkpoint_done_ = true;
    // An empty commit, too: its completion starts the end of a writer that had nothing left to
    // commit.
    if (due.empty() && !last_checkpoint_done_) return;
    ++calls_;
    auto done = DoneWith(Ids(due));
    writer_->CommitAsync(Bytes(due), std::move(done));
  }

  Status Finish(int, Collector&) override {
    input_finished_ = true;
    return Status::OK();
  }

  int64_t pending() const override { return calls_; }

 private:
  static constexpr uint64_t kReady = 0, kCommitted = 1, kFinished = 2;
  using Uncommitted = std::vector<std::pair<uint64_t, std::string>>;  ///< item and committable

  /// Leaves only rows without NULLs in NOT NULL columns.
  Status TakeOutNulls(Batch* batch) {
    const auto columns = batch->rows->columns();
    const auto null_column = [&](int64_t row) {
      for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
        if (!config_.table.physical.column(i).type.nullable() &&
            columns[static_cast<size_t>(i)]->IsNull(row))
          return i;
      }
      return -1;
    };
    bool has_nulls = false;
    for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
      has_nulls = has_nulls || (!config_.table.physical.column(i).type.nullable() &&
                                columns[static_cast<size_t>(i)]->null_count() > 0);
    }
    if (!has_nulls) return Status::OK();
    arrow::Int32Builder kept;
    for (int32_t row = 0; row < batch->num_rows(); ++row) {
      const int column = null_column(row);
      if (column < 0) {
        ARROW_RETURN_NOT_OK(kept.Append(row));
        continue;
      }
      const std::string reason = "column `" + config_.table.physical.column(column).name +
                                 "` of table '" + config_.table.name + "' is NOT NULL";
      if (config_.not_null == NotNullEnforcer::kError) {
        return Error::Data(reason + ", but a row has no value for it")
            .Hint(
                "SET 'table.exec.sink.not-null-enforcer' = 'REJECT' lets the job go on without "
                "such rows");
      }
      if (config_.not_null == NotNullEnforcer::kReject)
        rejected_.push_back({config_.table.name, row, reason, TextOf(columns, row)});
    }
    std::shared_ptr<arrow::Int32Array> indices;
    ARROW_RETURN_NOT_OK(kept.Finish(&indices));
    return batch->Take(*indices).Value(batch);
  }

  static std::string TextOf(const arrow::ArrayVector& columns, int64_t row) {
    std::string text;
    for (const auto& column : columns) {
      const auto value = column->GetScalar(row);
      text += (text.empty() ? "" : ", ") + (value.ok() ? (*value)->ToString() : "?");
    }
    return text;
  }

  static std::vector<uint64_t> Ids(const Uncommitted& items) {
    std::vector<uint64_t> ids;
    for (const auto& [id, bytes] : items) ids.push_back(id);
    return ids;
  }
  static std::vector<Committable> Bytes(Uncommitted& items) {
    std::vector<Committable> committables;
    for (auto& [id, bytes] : items) committables.push_back({std::move(bytes)});
    return committables;
  }
  CommitDone DoneWith(std::vector<uint64_t> ids) {
    return [sender = context_->sender(),
            ids = std::make_shared<std::vector<uint64_t>>(std::move(ids))](
               const Result<std::vector<CommitOutcome>>& outcome) {
      sender.Send({kCommitted, ids, outcome.status()});
    };
  }

  const SinkConfig& config_;
  const std::unique_ptr<SinkWriter> writer_;
  const int rejected_port_;
  const int parallelism_;
  OperatorContext* context_ = nullptr;
  std::map<CheckpointId, Uncommitted> uncommitted_;
  uint64_t next_id_ = 1;
  int64_t calls_ = 0;  ///< to the writer, not yet answered
  bool recovering_ = false;
  bool input_finished_ = false;
  std::optional<CheckpointId>
      last_checkpoint_;  ///< the newest one prepared since the input finished
  bool last_checkpoint_done_ = false;
  bool finish_sent_ = false;
  std::vector<RejectedRecord> rejected_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeSink(const OperatorRequest& request) {
  const auto& config = ConfigOf<SinkConfig>(request.node);
  ARROW_ASSIGN_OR_RAISE(ResolvedTable table, ResolveWithSecrets(request.services, config.table));
  if (table.connector->make_writer == nullptr) {
    return Error::User("connector '" + table.connector->name + "' cannot be written to")
        .In(config.table.name);
  }
  ARROW_ASSIGN_OR_RAISE(auto writer, table.connector->make_writer(
                                         {config, std::move(table.options), table.format,
                                          std::move(table.format_options), request.services,
                                          request.subtask, request.parallelism, request.job}));
  return std::make_unique<Sink>(config, std::move(writer), PortNamed(request.node, "rejected"),
                                request.parallelism);
}

}  // namespace millrace
