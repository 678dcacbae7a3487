#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka/client.h"

namespace millrace {

/// A Kafka cluster in memory, for tests and the simulator. Unless it is told how (`Begin`), nothing
/// happens by itself: deliveries and alarms wait until they are let through. Thread-safe.
class FakeKafka final : public Kafka, public std::enable_shared_from_this<FakeKafka> {
 public:
  struct Stored {
    KafkaMessage message;
    int64_t timestamp_ms = 0;
    int64_t transaction = 0;  ///< 0: none
  };
  /// What becomes of a commit.
  enum class Fault {
    kNone,
    kLost,     ///< nothing is written, and an error comes back
    kUnknown,  ///< all is written, and an error comes back
    kLate,     ///< an error comes back, and later all is written
    kHangs,    ///< an error comes back, and the transaction is open until someone ends it
  };
  /// How things happen by themselves, in one process of a client.
  struct Ways {
    std::function<void(int64_t micros, std::function<void()>)> after;
    std::function<uint64_t()> random;
    std::function<bool()> reaches;  ///< false: the process is dead; nothing of it comes through
    bool faults = false;            ///< requests that fail, commits without an answer
  };

  /// A process begins. What the one before left open is ended in time.
  void Begin(Ways ways) {
    std::lock_guard lock(mutex_);
    ways_ = std::move(ways);
    faults_left_ = ways_->faults ? kMostFaults : 0;
    for (const auto& [number, transaction] : transactions_) EndLater(number);
  }
  /// The process is gone, and what it has not sent.
  void Crash() {
    std::deque<Sending> lost;
    {
      std::lock_guard lock(mutex_);
      ways_.reset();
      lost.swap(sending_);
      alarms_.clear();
    }
    for (const Sending& sending : lost)
      sending.delivery->Delivered(sending.message.bytes(), Away());
  }

  void CreateTopic(const std::string& name, int32_t partitions) {
    std::lock_guard lock(mutex_);
    topics_[name].resize(static_cast<size_t>(partitions));
  }
  void Append(const std::string& topic, int32_t partition, KafkaMessage message) {
    Store(topic, partition, std::move(message), 0);
    Ring({{topic, partition}});
  }
  /// Those that are committed.
  std::vector<Stored> Records(const std::string& topic, int32_t partition = 0) {
    std::lock_guard lock(mutex_);
    std::vector<Stored> records;
    for (const Stored& stored : topics_.at(topic).at(static_cast<size_t>(partition))) {
      if (!IsOpen(stored) && !aborted_.contains(stored.transaction)) records.push_back(stored);
    }
    return records;
  }
  int32_t PartitionsOf(const std::string& topic) {
    std::lock_guard lock(mutex_);
    const auto found = topics_.find(topic);
    return found == topics_.end() ? 0 : static_cast<int32_t>(found->second.size());
  }
  std::map<TopicPartition, int64_t> committed() {
    std::lock_guard lock(mutex_);
    return committed_;
  }
  void SetCommitted(const TopicPartition& partition, int64_t offset) {
    std::lock_guard lock(mutex_);
    committed_[partition] = offset;
  }

  /// The broker is away: sends are taken, everything else fails.
  void SetDown(bool down) {
    std::lock_guard lock(mutex_);
    down_ = down;
  }
  void FailCommits(std::vector<Fault> faults) {
    std::lock_guard lock(mutex_);
    faults_.assign(faults.begin(), faults.end());
  }
  /// How many messages a producer takes before it is full.
  void SetProducerRoom(size_t messages) {
    std::lock_guard lock(mutex_);
    room_ = messages;
  }

  /// Stores what was sent, in order, and tells its senders; all of it, or only `count`.
  void Deliver(size_t count = SIZE_MAX) {
    for (; count > 0; --count) {
      Sending sending;
      {
        std::lock_guard lock(mutex_);
        if (sending_.empty() || down_ || !Reaches()) return;
        sending = std::move(sending_.front());
        sending_.pop_front();
      }
      const int64_t bytes = sending.message.bytes();
      const int32_t partition =
          Choose(*sending.delivery, sending.message, PartitionsOf(sending.topic));
      Append(sending.topic, partition, std::move(sending.message));
      sending.delivery->Delivered(bytes, Status::OK());
    }
  }
  /// Calls what waits for its time.
  void RunAlarms() {
    std::vector<std::function<void()>> alarms;
    {
      std::lock_guard lock(mutex_);
      alarms.swap(alarms_);
    }
    for (const auto& alarm : alarms) alarm();
  }

  Result<std::shared_ptr<KafkaConsumer>> Consumer(const KafkaProperties& properties) override {
    const auto isolation = properties.find("isolation.level");
    const bool uncommitted =
        isolation != properties.end() && isolation->second == "read_uncommitted";
    return std::make_shared<FakeConsumer>(shared_from_this(), uncommitted);
  }
  Result<std::shared_ptr<KafkaProducer>> Producer(const KafkaProperties&) override {
    return std::make_shared<FakeProducer>(shared_from_this());
  }
  Result<std::unique_ptr<KafkaTransactor>> Transactor(const KafkaProperties&, const std::string& id,
                                                      const std::string& topic) override {
    return std::make_unique<FakeTransactor>(shared_from_this(), id, topic);
  }
  void CallAfter(int64_t micros, std::function<void()> work) override {
    std::lock_guard lock(mutex_);
    if (ways_) {
      ways_->after(micros, std::move(work));
    } else {
      alarms_.push_back(std::move(work));
    }
  }

 private:
  using Partitions = std::vector<std::vector<Stored>>;
  struct Sending {
    std::string topic;
    KafkaMessage message;
    KafkaDelivery* delivery = nullptr;
  };

  static Status Away() { return Error::Transient("the broker is away").In("Kafka at fake"); }
  static int32_t Choose(KafkaPartitioner& partitioner, const KafkaMessage& message, int32_t count) {
    const int32_t chosen = partitioner.Choose(message.key.has_value(), count);
    if (chosen >= 0) return chosen;
    return static_cast<int32_t>(std::hash<std::string>()(message.key.value_or("")) %
                                static_cast<size_t>(count));
  }
  /// One that is not aborted and not yet committed.
  struct Transaction {
    std::string id;
    int64_t marker = 0;
    bool prepared = false;  ///< it will be committed
    std::set<TopicPartition> partitions;
  };

  static constexpr int kMostFaults = 4;  ///< of a process
  static constexpr uint64_t kLatency = 5000;
  static constexpr uint64_t kTransactionTimeout = 1'000'000;

  bool Reaches() const { return !ways_ || ways_->reaches(); }
  bool Happens(uint64_t one_in) {
    if (faults_left_ <= 0 || ways_->random() % one_in != 0) return false;
    --faults_left_;
    return true;
  }
  /// A request that has an answer.
  Status Ask() { return down_ || !Reaches() || Happens(16) ? Away() : Status::OK(); }
  bool IsOpen(const Stored& stored) const { return transactions_.contains(stored.transaction); }

  void Store(const std::string& topic, int32_t partition, KafkaMessage message,
             int64_t transaction) {
    std::lock_guard lock(mutex_);
    const int64_t time = message.timestamp_ms < 0 ? 0 : message.timestamp_ms;
    topics_.at(topic)
        .at(static_cast<size_t>(partition))
        .push_back({std::move(message), time, transaction});
  }
  void Ring(const std::set<TopicPartition>& partitions) {
    std::vector<std::function<void()>> bells;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [at, ready] : readers_) {
        if (partitions.contains(at)) bells.push_back(ready);
      }
    }
    for (const auto& ready : bells) ready();
  }
  void End(int64_t number, bool commit) {
    Transaction ended;
    {
      std::lock_guard lock(mutex_);
      const auto found = transactions_.find(number);
      if (found == transactions_.end()) return;
      ended = std::move(found->second);
      transactions_.erase(found);
      if (commit) {
        markers_[ended.id] = ended.marker;
      } else {
        aborted_.insert(number);
      }
    }
    Ring(ended.partitions);
  }
  void EndLater(int64_t number) {
    const bool commit = transactions_.at(number).prepared;
    const uint64_t most = commit ? kLatency : kTransactionTimeout;
    ways_->after(static_cast<int64_t>(ways_->random() % most),
                 [self = shared_from_this(), number, commit] { self->End(number, commit); });
  }

  /// Copies, so that the log may grow meanwhile.
  class FakeRecords final : public KafkaRecords {
   public:
    explicit FakeRecords(std::vector<std::pair<int64_t, Stored>> stored)
        : stored_(std::move(stored)) {
      for (const auto& [offset, one] : stored_) {
        records_.push_back({offset, one.timestamp_ms, KafkaTimestampType::kCreateTime,
                            one.message.key, one.message.value});
      }
    }
    std::vector<KafkaHeader> Headers(size_t record) const override {
      std::vector<KafkaHeader> headers;
      for (const auto& [key, value] : stored_[record].second.message.headers) {
        headers.push_back({key, value});
      }
      return headers;
    }

   private:
    const std::vector<std::pair<int64_t, Stored>> stored_;
  };

  class FakePartition final : public KafkaPartition {
   public:
    FakePartition(std::shared_ptr<FakeKafka> kafka, TopicPartition partition, int64_t offset,
                  bool uncommitted, std::function<void()> ready)
        : kafka_(std::move(kafka)),
          partition_(std::move(partition)),
          uncommitted_(uncommitted),
          offset_(offset) {
      std::lock_guard lock(kafka_->mutex_);
      at_ = kafka_->readers_.emplace(kafka_->readers_.end(), partition_, std::move(ready));
    }
    ~FakePartition() override {
      std::lock_guard lock(kafka_->mutex_);
      kafka_->readers_.erase(at_);
    }
    Result<KafkaFetch> Fetch(int64_t max_records) override {
      std::lock_guard lock(kafka_->mutex_);
      KafkaFetch fetch;
      if (kafka_->down_) return fetch;
      const auto& log =
          kafka_->topics_.at(partition_.topic).at(static_cast<size_t>(partition_.partition));
      std::vector<std::pair<int64_t, Stored>> records;
      for (; offset_ < static_cast<int64_t>(log.size()); ++offset_) {
        const Stored& stored = log[static_cast<size_t>(offset_)];
        const bool full = static_cast<int64_t>(records.size()) == max_records;
        if (full || (!uncommitted_ && kafka_->IsOpen(stored))) break;
        if (uncommitted_ || !kafka_->aborted_.contains(stored.transaction)) {
          records.emplace_back(offset_, stored);
        }
      }
      if (!records.empty()) fetch.records = std::make_unique<FakeRecords>(std::move(records));
      fetch.next_offset = offset_;
      return fetch;
    }

   private:
    const std::shared_ptr<FakeKafka> kafka_;
    const TopicPartition partition_;
    const bool uncommitted_;
    int64_t offset_;
    std::list<std::pair<TopicPartition, std::function<void()>>>::iterator at_;
  };

  class FakeConsumer final : public KafkaConsumer {
   public:
    FakeConsumer(std::shared_ptr<FakeKafka> kafka, bool uncommitted)
        : kafka_(std::move(kafka)), uncommitted_(uncommitted) {}

    Result<std::map<std::string, int32_t>> Topics(std::span<const std::string> names) override {
      std::lock_guard lock(kafka_->mutex_);
      ARROW_RETURN_NOT_OK(kafka_->Ask());
      std::map<std::string, int32_t> found;
      for (const auto& [name, partitions] : kafka_->topics_) {
        const bool named = std::find(names.begin(), names.end(), name) != names.end();
        if (names.empty() || named) found[name] = static_cast<int32_t>(partitions.size());
      }
      return found;
    }
    Result<std::vector<int64_t>> Offsets(KafkaOffsetKind kind, int64_t timestamp_ms,
                                         std::span<const TopicPartition> partitions) override {
      std::lock_guard lock(kafka_->mutex_);
      ARROW_RETURN_NOT_OK(kafka_->Ask());
      std::vector<int64_t> offsets;
      for (const auto& partition : partitions) {
        const auto& log =
            kafka_->topics_.at(partition.topic).at(static_cast<size_t>(partition.partition));
        offsets.push_back(OffsetIn(log, kind, timestamp_ms, partition));
      }
      return offsets;
    }
    Result<std::unique_ptr<KafkaPartition>> Read(const TopicPartition& partition, int64_t offset,
                                                 std::function<void()> ready) override {
      return std::make_unique<FakePartition>(kafka_, partition, std::max<int64_t>(0, offset),
                                             uncommitted_, std::move(ready));
    }
    void Commit(const std::map<TopicPartition, int64_t>& offsets) override {
      for (const auto& [partition, offset] : offsets) kafka_->SetCommitted(partition, offset);
    }

   private:
    int64_t OffsetIn(const std::vector<Stored>& log, KafkaOffsetKind kind, int64_t timestamp_ms,
                     const TopicPartition& partition) const {
      switch (kind) {
        case KafkaOffsetKind::kEarliest:
          return 0;
        case KafkaOffsetKind::kLatest: {
          const auto open = std::ranges::find_if(
              log, [this](const Stored& stored) { return kafka_->IsOpen(stored); });
          return uncommitted_ ? static_cast<int64_t>(log.size()) : open - log.begin();
        }
        case KafkaOffsetKind::kTimestamp: {
          const auto at = std::find_if(log.begin(), log.end(), [&](const Stored& stored) {
            return stored.timestamp_ms >= timestamp_ms;
          });
          return at == log.end() ? kKafkaNoOffset : at - log.begin();
        }
        case KafkaOffsetKind::kCommitted:
          break;
      }
      const auto at = kafka_->committed_.find(partition);
      return at == kafka_->committed_.end() ? kKafkaNoOffset : at->second;
    }

    const std::shared_ptr<FakeKafka> kafka_;
    const bool uncommitted_;
  };

  class FakeProducer final : public KafkaProducer {
   public:
    explicit FakeProducer(std::shared_ptr<FakeKafka> kafka) : kafka_(std::move(kafka)) {}
    bool usable() const override { return true; }
    Result<Sent> Send(const std::string& topic, const KafkaMessage& message,
                      KafkaDelivery& delivery) override {
      std::lock_guard lock(kafka_->mutex_);
      if (kafka_->sending_.size() >= kafka_->room_) return Sent::kFull;
      kafka_->sending_.push_back({topic, message, &delivery});
      if (kafka_->ways_) {
        kafka_->ways_->after(static_cast<int64_t>(kafka_->ways_->random() % kLatency),
                             [kafka = kafka_] { kafka->Deliver(1); });
      }
      return Sent::kTaken;
    }

   private:
    const std::shared_ptr<FakeKafka> kafka_;
  };

  class FakeTransactor final : public KafkaTransactor {
   public:
    FakeTransactor(std::shared_ptr<FakeKafka> kafka, std::string id, std::string topic)
        : kafka_(std::move(kafka)), id_(std::move(id)), topic_(std::move(topic)) {}
    Status Init() override {
      std::map<int64_t, bool> left;
      {
        std::lock_guard lock(kafka_->mutex_);
        ARROW_RETURN_NOT_OK(kafka_->Ask());
        epoch_ = ++kafka_->epochs_[id_];
        for (const auto& [number, transaction] : kafka_->transactions_) {
          if (transaction.id == id_) left[number] = transaction.prepared;
        }
      }
      for (const auto& [number, prepared] : left) kafka_->End(number, prepared);
      return Status::OK();
    }
    Result<int64_t> Marker() override {
      std::lock_guard lock(kafka_->mutex_);
      ARROW_RETURN_NOT_OK(kafka_->Ask());
      const auto at = kafka_->markers_.find(id_);
      return at == kafka_->markers_.end() ? -1 : at->second;
    }
    Status Commit(std::span<const KafkaMessage> messages, KafkaPartitioner& partitioner,
                  int64_t marker) override {
      Fault fault = Fault::kNone;
      int64_t number = 0;
      {
        std::lock_guard lock(kafka_->mutex_);
        ARROW_RETURN_NOT_OK(kafka_->Ask());
        if (kafka_->epochs_[id_] != epoch_) return Error::User("'" + id_ + "' is someone else's");
        if (!kafka_->faults_.empty()) {
          fault = kafka_->faults_.front();
          kafka_->faults_.pop_front();
        } else if (kafka_->Happens(4)) {
          fault = Fault{1 + static_cast<int>(kafka_->ways_->random() % 4)};
        }
        number = ++kafka_->last_transaction_;
        kafka_->transactions_[number] = {id_, marker, false, {}};
      }
      const int32_t count = kafka_->PartitionsOf(topic_);
      for (const auto& message : messages) {
        if (!kafka_->Reaches()) return Away();
        const int32_t partition = Choose(partitioner, message, count);
        kafka_->Store(topic_, partition, message, number);
        std::lock_guard lock(kafka_->mutex_);
        kafka_->transactions_.at(number).partitions.insert({topic_, partition});
      }
      if (!kafka_->Reaches()) return Away();
      switch (fault) {
        case Fault::kNone:
          kafka_->End(number, true);
          return Status::OK();
        case Fault::kLost:
          kafka_->End(number, false);
          return Error::Transient("the commit was lost");
        case Fault::kUnknown:
          kafka_->End(number, true);
          break;
        case Fault::kLate:
        case Fault::kHangs:
          std::lock_guard lock(kafka_->mutex_);
          kafka_->transactions_.at(number).prepared = fault == Fault::kLate;
          if (kafka_->ways_) kafka_->EndLater(number);
          break;
      }
      return Error::Transient("no answer to the commit");
    }

   private:
    const std::shared_ptr<FakeKafka> kafka_;
    const std::string id_, topic_;
    int64_t epoch_ = 0;
  };

  std::mutex mutex_;
  std::map<std::string, Partitions> topics_;
  std::map<TopicPartition, int64_t> committed_;
  std::map<std::string, int64_t> markers_;
  std::map<std::string, int64_t> epochs_;
  int64_t last_transaction_ = 0;
  std::map<int64_t, Transaction> transactions_;
  std::set<int64_t> aborted_;
  std::optional<Ways> ways_;
  int faults_left_ = 0;
  std::list<std::pair<TopicPartition, std::function<void()>>> readers_;
  std::deque<Sending> sending_;
  std::deque<Fault> faults_;
  std::vector<std::function<void()>> alarms_;
  size_t room_ = SIZE_MAX;
  bool down_ = false;
};

}  // namespace millrace
