#include <algorithm>
#include <deque>
#include <mutex>

#include "base/log.h"
#include "connectors/kafka/writer.h"

namespace millrace {
namespace {

constexpr int64_t kMaxBytesInFlight = 32 << 20;

class Deliveries;

/// The messages between two barriers. Its owner outlives it.
class Epoch final : public KafkaDelivery {
 public:
  Epoch(Deliveries& owner, SinkPartitioner& partitioner)
      : owner_(owner), partitioner_(partitioner) {}

  int32_t Choose(bool has_key, int32_t count) override {
    return partitioner_.Choose(has_key, count);
  }
  void Delivered(int64_t bytes, const Status& status) override;

  int64_t pending = 0;  ///< messages not yet delivered; guarded by the owner's mutex

 private:
  Deliveries& owner_;
  SinkPartitioner& partitioner_;
};

/// What is on its way, shared with the client's threads: it lives until the last delivery.
class Deliveries : public std::enable_shared_from_this<Deliveries> {
 public:
  Deliveries(KafkaProducer& producer, std::string topic,
             std::shared_ptr<SinkPartitioner> partitioner)
      : producer_(&producer), topic_(std::move(topic)), partitioner_(std::move(partitioner)) {
    NewEpoch();
  }

  bool HasRoom() {
    std::lock_guard lock(mutex_);
    return bytes_ < kMaxBytesInFlight;
  }
  void OnReady(std::function<void()> ready) {
    std::lock_guard lock(mutex_);
    ready_ = std::move(ready);
  }
  /// Nobody waits any more, and the producer may go.
  void Close() {
    std::lock_guard lock(mutex_);
    producer_ = nullptr;
    ready_ = nullptr;
    flushes_.clear();
    for (auto& [epoch, message] : waiting_) Forget(*epoch, message);
    waiting_.clear();
    KeepAlive();
  }

  Status Send(std::vector<KafkaMessage> messages, std::vector<RejectedRecord>* rejected) {
    std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(error_);
    Epoch& epoch = *epochs_.back();
    for (auto& message : messages) {
      ++pending_;
      ++epoch.pending;
      bytes_ += message.bytes();
      if (!waiting_.empty()) {
        waiting_.emplace_back(&epoch, std::move(message));
        continue;
      }
      const auto sent = producer_->Send(topic_, message, epoch);
      if (sent.ok()) {
        if (*sent == KafkaProducer::Sent::kFull) waiting_.emplace_back(&epoch, std::move(message));
        continue;
      }
      Forget(epoch, message);
      error_ = sent.status();
      if (InfoOf(error_).error_class == ErrorClass::kData) {
        rejected->push_back(
            {topic_, 0, error_.message(), message.value.value_or("").substr(0, kMaxRejectedBytes)});
        error_ = Status::OK();
      }
    }
    KeepAlive();
    return error_;
  }

  void NewEpoch() {
    std::lock_guard lock(mutex_);
    epochs_.push_back(std::make_unique<Epoch>(*this, *partitioner_));
  }

  /// `done` comes when all that was sent before the last `NewEpoch` is delivered.
  void WhenDelivered(std::function<void(Status)> done) {
    std::unique_lock lock(mutex_);
    const Epoch* const last = epochs_.size() < 2 ? nullptr : epochs_[epochs_.size() - 2].get();
    if (last != nullptr && !Quiet(last) && error_.ok()) {
      flushes_.emplace_back(last, std::move(done));
      return;
    }
    const Status status = error_;
    lock.unlock();
    done(status);
  }

  void Delivered(Epoch& epoch, int64_t bytes, const Status& status) {
    std::vector<std::function<void(Status)>> due;
    std::function<void()> ready;
    Status error;
    std::shared_ptr<Deliveries> last_reference;
    {
      std::lock_guard lock(mutex_);
      const bool was_full = bytes_ >= kMaxBytesInFlight;
      --pending_;
      --epoch.pending;
      bytes_ -= bytes;
      if (!status.ok() && error_.ok()) error_ = status;
      if (producer_ != nullptr) SendWaiting();
      while (!flushes_.empty() && (!error_.ok() || Quiet(flushes_.front().first))) {
        due.push_back(std::move(flushes_.front().second));
        flushes_.pop_front();
      }
      while (epochs_.size() > 2 && epochs_.front()->pending == 0 && flushes_.empty()) {
        epochs_.pop_front();
      }
      if (was_full && bytes_ < kMaxBytesInFlight) ready = ready_;
      error = error_;
      if (pending_ == 0) last_reference = std::move(self_);
    }
    for (const auto& done : due) done(error);
    if (ready) ready();
  }

 private:
  void Forget(Epoch& epoch, const KafkaMessage& message) {
    --pending_;
    --epoch.pending;
    bytes_ -= message.bytes();
  }
  void KeepAlive() {
    if (pending_ > 0) {
      self_ = shared_from_this();
    } else {
      self_.reset();
    }
  }

  /// Nothing of `last` and of what came before it is on its way.
  bool Quiet(const Epoch* last) const {
    for (const auto& epoch : epochs_) {
      if (epoch->pending > 0) return false;
      if (epoch.get() == last) return true;
    }
    return true;
  }

  void SendWaiting() {
    while (!waiting_.empty()) {
      auto& [epoch, message] = waiting_.front();
      const auto sent = producer_->Send(topic_, message, *epoch);
      if (sent.ok() && *sent == KafkaProducer::Sent::kFull) return;
      if (!sent.ok()) {
        Forget(*epoch, message);
        if (error_.ok()) error_ = sent.status();
      }
      waiting_.pop_front();
    }
  }

  std::mutex mutex_;
  KafkaProducer* producer_;
  const std::string topic_;
  const std::shared_ptr<SinkPartitioner> partitioner_;
  std::deque<std::unique_ptr<Epoch>> epochs_;            ///< the last one takes messages
  std::deque<std::pair<Epoch*, KafkaMessage>> waiting_;  ///< for room in the client
  std::deque<std::pair<const Epoch*, std::function<void(Status)>>> flushes_;
  int64_t pending_ = 0;
  int64_t bytes_ = 0;  ///< of the pending messages
  Status error_;
  std::function<void()> ready_;
  std::shared_ptr<Deliveries> self_;  ///< while something is pending
};

void Epoch::Delivered(int64_t bytes, const Status& status) {
  owner_.Delivered(*this, bytes, status);
}

class SendingWriter final : public SinkWriter {
 public:
  SendingWriter(KafkaSinkParts parts, std::shared_ptr<KafkaProducer> producer, bool flushes)
      : encoder_(std::move(parts.encoder)),
        producer_(std::move(producer)),
        deliveries_(std::make_shared<Deliveries>(*producer_, parts.topic, parts.partitioner)),
        flushes_(flushes) {}
  ~SendingWriter() override { deliveries_->Close(); }

  bool HasRoom() const override { return deliveries_->HasRoom(); }
  void OnReady(std::function<void()> ready) override { deliveries_->OnReady(std::move(ready)); }

  Status Write(const Batch& batch, std::vector<RejectedRecord>* rejected) override {
    std::vector<KafkaMessage> messages;
    ARROW_RETURN_NOT_OK(encoder_->Encode(batch, &messages));
    return deliveries_->Send(std::move(messages), rejected);
  }
  Result<std::vector<Committable>> Rotate(CheckpointId) override {
    deliveries_->NewEpoch();
    return std::vector<Committable>{};
  }
  void FlushAsync(CheckpointId, std::function<void(Status)> done) override {
    if (!flushes_) return done(Status::OK());
    deliveries_->WhenDelivered(std::move(done));
  }
  void CommitAsync(std::vector<Committable> committables, CommitDone done) override {
    done(std::vector<CommitOutcome>(committables.size(), CommitOutcome::kAlreadyCommitted));
  }
  void RecoverAsync(std::vector<Committable> committables, int, CommitDone done) override {
    CommitAsync(std::move(committables), std::move(done));
  }
  void FinishAsync(std::function<void(Status)> done) override {
    deliveries_->NewEpoch();
    deliveries_->WhenDelivered(std::move(done));
  }

 private:
  const std::unique_ptr<KafkaRowEncoder> encoder_;
  const std::shared_ptr<KafkaProducer> producer_;
  const std::shared_ptr<Deliveries> deliveries_;
  const bool flushes_;
};

}  // namespace

Result<std::unique_ptr<SinkWriter>> MakeSendingWriter(KafkaSinkParts parts, bool flushes) {
  ARROW_ASSIGN_OR_RAISE(auto producer, parts.kafka->Producer(parts.properties));
  return std::make_unique<SendingWriter>(std::move(parts), std::move(producer), flushes);
}

}  // namespace millrace
