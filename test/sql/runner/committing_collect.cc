#include <map>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "results.h"

namespace millrace::sql_script {
namespace {

/// Rows wait in the state, one item per checkpoint, whose header names the transaction.
class CommittingCollect final : public Operator {
 public:
  explicit CommittingCollect(Results& results) : results_(results) {}

  std::vector<StateSpec> States() const override {
    StateSpec waiting;
    waiting.name = "waiting";
    waiting.kind = StateKind::kItems;
    waiting.value = results_.schema();
    return {waiting};
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    ARROW_RETURN_NOT_OK(context.items(0).ForEach(
        [this](uint64_t id, const Batch& rows, const std::string& transaction) {
          waiting_[id] = {0, rows, transaction};
          next_ = std::max(next_, id + 1);
          return Status::OK();
        }));
    return CommitUntil(0);
  }

  Status ProcessBatch(int, Batch batch, Collector&) override {
    // The branches of a union may differ in what may be NULL.
    batch.rows = arrow::RecordBatch::Make(results_.schema().ToArrow(), batch.num_rows(),
                                          batch.rows->columns());
    open_.push_back(std::move(batch));
    return Status::OK();
  }

  Status PrepareSnapshot(CheckpointId id, Collector&) override {
    ARROW_RETURN_NOT_OK(status_);
    if (open_.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(Batch rows, Concatenate(std::exchange(open_, {})));
    std::string transaction = std::to_string(Raw(id)) + "-" + std::to_string(context_->subtask());
    ARROW_RETURN_NOT_OK(context_->items(0).Put(next_, rows, transaction));
    waiting_[next_++] = {Raw(id), std::move(rows), std::move(transaction)};
    return Status::OK();
  }

  void OnCheckpoint(CheckpointId id, bool completed) override {
    if (completed) status_ = CommitUntil(Raw(id));
  }

 private:
  struct Waiting {
    int64_t checkpoint = 0;
    Batch rows;
    std::string transaction;
  };

  Status CommitUntil(int64_t checkpoint) {
    for (auto each = waiting_.begin(); each != waiting_.end();) {
      if (each->second.checkpoint > checkpoint) {
        ++each;
        continue;
      }
      ARROW_RETURN_NOT_OK(results_.Commit(each->second.transaction, each->second.rows));
      ARROW_RETURN_NOT_OK(context_->items(0).Remove(each->first));
      each = waiting_.erase(each);
    }
    return Status::OK();
  }

  Results& results_;
  OperatorContext* context_ = nullptr;
  std::vector<Batch> open_;
  std::map<uint64_t, Waiting> waiting_;
  uint64_t next_ = 1;
  Status status_;
};

}  // namespace

std::unique_ptr<Operator> MakeCommittingCollect(Results& results) {
  return std::make_unique<CommittingCollect>(results);
}

}  // namespace millrace::sql_script
