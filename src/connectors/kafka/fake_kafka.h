#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"

namespace millrace {

/// A Kafka cluster in memory, for tests and the simulator. Nothing happens by itself: deliveries
/// and alarms wait until they are let through. Thread-safe.
class FakeKafka final : public Kafka, public std::enable_shared_from_this<FakeKafka> {
 public:
  struct Stored {
    KafkaMessage message;
    int64_t timestamp_ms = 0;
  };
  /// What becomes of a commit.
  enum class Fault {
    kNone,
    kLost,     ///< nothing is written, and an error comes back
    kUnknown,  ///< all is written, and an error comes back
  };

  void CreateTopic(const std::string& name, int32_t partitions) {
    std::lock_guard lock(mutex_);
    topics_[name].resize(static_cast<size_t>(partitions));
  }
  void Append(const std::string& topic, int32_t partition, KafkaMessage message) {
    std::vector<std::function<void()>> bells;
    {
      std::lock_guard lock(mutex_);
      const int64_t time = message.timestamp_ms < 0 ? 0 : message.timestamp_ms;
      topics_.at(topic).at(static_cast<size_t>(partition)).push_back({std::move(message), time});
      for (const auto& [at, ready] : readers_) {
        if (at == TopicPartition{topic, partition}) bells.push_back(ready);
      }
    }
    for (const auto& ready : bells) ready();
  }
  std::vector<Stored> Records(const std::string& topic, int32_t partition = 0) {
    std::lock_guard lock(mutex_);
    return topics_.at(topic).at(static_cast<size_t>(partition));
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
        if (sending_.empty() || down_) return;
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

  Result<std::shared_ptr<KafkaConsumer>> Consumer(const KafkaProperties&) override {
    return std::make_shared<FakeConsumer>(shared_from_this());
  }
  Result<std::shared_ptr<KafkaProducer>> Producer(const KafkaProperties&) override {
    return std::make_shared<FakeProducer>(shared_from_this());
  }
  Result<std::unique_ptr<KafkaTransactor>> Transactor(const KafkaProperties&, const std::string& id,
                                                      const std::string& topic) override {
    return std::make_unique<FakeTransactor>(shared_from_this(), id, topic);
  }
  void CallAfter(int64_t, std::function<void()> work) override {
    std::lock_guard lock(mutex_);
    alarms_.push_back(std::move(work));
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
  int32_t PartitionsOf(const std::string& topic) {
    std::lock_guard lock(mutex_);
    return static_cast<int32_t>(topics_.at(topic).size());
  }

  /// Copies, so that the log may grow meanwhile.
  class FakeRecords final : public KafkaRecords {
   public:
    FakeRecords(std::vector<Stored> stored, int64_t first) : stored_(std::move(stored)) {
      for (const Stored& one : stored_) {
        records_.push_back({first++, one.timestamp_ms, KafkaTimestampType::kCreateTime,
                            one.message.key, one.message.value});
      }
    }
    std::vector<KafkaHeader> Headers(size_t record) const override {
      std::vector<KafkaHeader> headers;
      for (const auto& [key, value] : stored_[record].message.headers) {
        headers.push_back({key, value});
      }
      return headers;
    }

   private:
    const std::vector<Stored> stored_;
  };

  class FakePartition final : public KafkaPartition {
   public:
    FakePartition(std::shared_ptr<FakeKafka> kafka, TopicPartition partition, int64_t offset,
                  std::function<void()> ready)
        : kafka_(std::move(kafka)), partition_(std::move(partition)), offset_(offset) {
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
      const auto end = static_cast<int64_t>(log.size());
      const int64_t next = std::min(end, offset_ + max_records);
      if (next > offset_) {
        fetch.records = std::make_unique<FakeRecords>(
            std::vector<Stored>(log.begin() + offset_, log.begin() + next), offset_);
      }
      fetch.next_offset = offset_ = next;
      return fetch;
    }

   private:
    const std::shared_ptr<FakeKafka> kafka_;
    const TopicPartition partition_;
    int64_t offset_;
    std::list<std::pair<TopicPartition, std::function<void()>>>::iterator at_;
  };

  class FakeConsumer final : public KafkaConsumer {
   public:
    explicit FakeConsumer(std::shared_ptr<FakeKafka> kafka) : kafka_(std::move(kafka)) {}

    Result<std::map<std::string, int32_t>> Topics(std::span<const std::string> names) override {
      std::lock_guard lock(kafka_->mutex_);
      if (kafka_->down_) return Away();
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
      if (kafka_->down_) return Away();
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
                                             std::move(ready));
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
        case KafkaOffsetKind::kLatest:
          return static_cast<int64_t>(log.size());
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
      std::lock_guard lock(kafka_->mutex_);
      if (kafka_->down_) return Away();
      epoch_ = ++kafka_->epochs_[id_];
      return Status::OK();
    }
    Result<int64_t> Marker() override {
      std::lock_guard lock(kafka_->mutex_);
      if (kafka_->down_) return Away();
      const auto at = kafka_->markers_.find(id_);
      return at == kafka_->markers_.end() ? -1 : at->second;
    }
    Status Commit(std::span<const KafkaMessage> messages, KafkaPartitioner& partitioner,
                  int64_t marker) override {
      Fault fault = Fault::kNone;
      {
        std::lock_guard lock(kafka_->mutex_);
        if (kafka_->down_) return Away();
        if (kafka_->epochs_[id_] != epoch_) return Error::User("'" + id_ + "' is someone else's");
        if (!kafka_->faults_.empty()) {
          fault = kafka_->faults_.front();
          kafka_->faults_.pop_front();
        }
        if (fault == Fault::kLost) return Error::Transient("the commit was lost");
        kafka_->markers_[id_] = marker;
      }
      const int32_t count = kafka_->PartitionsOf(topic_);
      for (const auto& message : messages) {
        kafka_->Append(topic_, Choose(partitioner, message, count), message);
      }
      if (fault == Fault::kUnknown) return Error::Transient("no answer to the commit");
      return Status::OK();
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
  std::list<std::pair<TopicPartition, std::function<void()>>> readers_;
  std::deque<Sending> sending_;
  std::deque<Fault> faults_;
  std::vector<std::function<void()>> alarms_;
  size_t room_ = SIZE_MAX;
  bool down_ = false;
};

}  // namespace millrace
