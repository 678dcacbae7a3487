#include <algorithm>
#include <deque>
#include <mutex>

#include "base/log.h"
#include "connectors/kafka/transaction_bytes.h"
#include "connectors/kafka/writer.h"

namespace millrace {
namespace {

constexpr int64_t kMaxBytesCommitting = 64 << 20;
constexpr int64_t kRetryCommitMicros = 500'000;

/// Writes transactions one after the other, each until it is known to be written.
class Committer : public std::enable_shared_from_this<Committer> {
 public:
  Committer(std::shared_ptr<Kafka> kafka, KafkaProperties properties, std::string topic,
            std::shared_ptr<SinkPartitioner> partitioner, Env& env)
      : kafka_(std::move(kafka)),
        properties_(std::move(properties)),
        topic_(std::move(topic)),
        partitioner_(std::move(partitioner)),
        env_(env) {}

  void Commit(std::vector<KafkaTransaction> transactions, CommitDone done) {
    Work work{std::move(transactions), {}, std::move(done), 0};
    for (const auto& transaction : work.transactions) work.bytes += transaction.bytes();
    {
      std::lock_guard lock(mutex_);
      bytes_ += work.bytes;
      queue_.push_back(std::move(work));
      if (std::exchange(busy_, true)) return;
    }
    Continue();
  }

  bool HasRoom() {
    std::lock_guard lock(mutex_);
    return bytes_ < kMaxBytesCommitting;
  }
  void OnReady(std::function<void()> ready) {
    std::lock_guard lock(mutex_);
    ready_ = std::move(ready);
  }
  void Stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    ready_ = nullptr;
  }

 private:
  struct Work {
    std::vector<KafkaTransaction> transactions;
    std::vector<CommitOutcome> outcomes;  ///< of those that are done
    CommitDone done;
    int64_t bytes = 0;
  };

  void Continue() {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) return;  // the environment may be gone
    }
    env_.Execute([self = shared_from_this()] { self->Run(); });
  }

  void Run() {
    for (;;) {
      Work* work = nullptr;
      {
        std::lock_guard lock(mutex_);
        if (stopped_) transactor_.reset();
        if (stopped_ || queue_.empty()) {
          busy_ = false;
          return;
        }
        work = &queue_.front();  // others only add at the end
      }
      Status status;
      while (status.ok() && work->outcomes.size() < work->transactions.size()) {
        auto outcome = Attempt(work->transactions[work->outcomes.size()]);
        status = outcome.status();
        if (outcome.ok()) work->outcomes.push_back(*outcome);
      }
      if (!status.ok()) {
        transactor_.reset();
        if (InfoOf(status).error_class != ErrorClass::kUser) {
          Log(LogLevel::kWarn, "kafka", "a transaction failed; it will be tried again",
              {{"topic", topic_}, {"error", status.message()}});
          return kafka_->CallAfter(kRetryCommitMicros,
                                   [self = shared_from_this()] { self->Continue(); });
        }
      }
      std::function<void()> ready;
      Work finished;
      {
        std::lock_guard lock(mutex_);
        finished = std::move(queue_.front());
        queue_.pop_front();
        bytes_ -= finished.bytes;
        ready = ready_;
      }
      if (status.ok()) {
        finished.done(std::move(finished.outcomes));
      } else {
        finished.done(status);
      }
      if (ready) ready();
    }
  }

  Result<CommitOutcome> Attempt(const KafkaTransaction& transaction) {
    if (!transactor_ || transactor_id_ != transaction.id) {
      transactor_.reset();
      transactor_id_ = transaction.id;
      ARROW_ASSIGN_OR_RAISE(auto transactor,
                            kafka_->Transactor(properties_, transaction.id, topic_));
      ARROW_RETURN_NOT_OK(transactor->Init());
      ARROW_ASSIGN_OR_RAISE(marker_, transactor->Marker());
      transactor_ = std::move(transactor);
    }
    if (marker_ >= transaction.checkpoint) return CommitOutcome::kAlreadyCommitted;
    ARROW_RETURN_NOT_OK(
        transactor_->Commit(transaction.messages, *partitioner_, transaction.checkpoint));
    marker_ = transaction.checkpoint;
    return CommitOutcome::kCommitted;
  }

  const std::shared_ptr<Kafka> kafka_;
  const KafkaProperties properties_;
  const std::string topic_;
  const std::shared_ptr<SinkPartitioner> partitioner_;
  Env& env_;
  std::mutex mutex_;
  std::deque<Work> queue_;
  bool busy_ = false;
  bool stopped_ = false;
  int64_t bytes_ = 0;
  std::function<void()> ready_;
  // Of the one run at a time:
  std::unique_ptr<KafkaTransactor> transactor_;
  std::string transactor_id_;
  int64_t marker_ = -1;
};

class TransactionWriter final : public SinkWriter {
 public:
  TransactionWriter(KafkaSinkParts parts, std::string id, Env& env)
      : encoder_(std::move(parts.encoder)),
        committer_(std::make_shared<Committer>(parts.kafka, parts.properties, parts.topic,
                                               parts.partitioner, env)),
        id_(std::move(id)) {}
  ~TransactionWriter() override { committer_->Stop(); }

  // Rows that wait for a barrier do not count: the barrier comes behind rows that wait here.
  bool HasRoom() const override { return committer_->HasRoom(); }
  void OnReady(std::function<void()> ready) override { committer_->OnReady(std::move(ready)); }

  Status Write(const Batch& batch, std::vector<RejectedRecord>*) override {
    return encoder_->Encode(batch, &open_);
  }

  Result<std::vector<Committable>> Rotate(CheckpointId id) override {
    last_checkpoint_ = std::max(last_checkpoint_, static_cast<int64_t>(id));
    std::vector<Committable> committables;
    if (!open_.empty()) {
      committables.push_back(
          {KafkaTransaction{id_, static_cast<int64_t>(id), std::exchange(open_, {})}.ToBytes()});
    }
    return committables;
  }

  // The rows are in the snapshot.
  void FlushAsync(CheckpointId, std::function<void(Status)> done) override { done(Status::OK()); }

  void CommitAsync(std::vector<Committable> committables, CommitDone done) override {
    std::vector<KafkaTransaction> transactions;
    for (const auto& committable : committables) {
      auto transaction = KafkaTransaction::FromBytes(committable.bytes);
      if (!transaction.ok()) return done(transaction.status());
      last_checkpoint_ = std::max(last_checkpoint_, transaction->checkpoint);
      transactions.push_back(std::move(*transaction));
    }
    committer_->Commit(std::move(transactions), std::move(done));
  }

  void RecoverAsync(std::vector<Committable> committables, int, CommitDone done) override {
    CommitAsync(std::move(committables), std::move(done));
  }

  void FinishAsync(std::function<void(Status)> done) override {
    std::vector<KafkaTransaction> rest;
    if (!open_.empty()) rest.push_back({id_, last_checkpoint_ + 1, std::exchange(open_, {})});
    committer_->Commit(std::move(rest),
                       [done = std::move(done)](const auto& outcomes) { done(outcomes.status()); });
  }

 private:
  const std::unique_ptr<KafkaRowEncoder> encoder_;
  const std::shared_ptr<Committer> committer_;
  const std::string id_;
  std::vector<KafkaMessage> open_;
  int64_t last_checkpoint_ = 0;
};

}  // namespace

std::unique_ptr<SinkWriter> MakeTransactionWriter(KafkaSinkParts parts, std::string id, Env& env) {
  return std::make_unique<TransactionWriter>(std::move(parts), std::move(id), env);
}

}  // namespace millrace
