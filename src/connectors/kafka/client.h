#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

/// What sources and sinks need of a Kafka cluster: librdkafka gives it (`MakeRdKafka`), and a fake
/// in memory (`FakeKafka`).
namespace millrace {

/// librdkafka's own keys ("bootstrap.servers", "security.protocol" …), secrets put in.
using KafkaProperties = std::map<std::string, std::string>;

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;
  std::string ToString() const { return topic + '/' + std::to_string(partition); }
};

/// Where reading begins. Symbolic offsets are resolved by the broker.
constexpr int64_t kKafkaBeginning = -2;
constexpr int64_t kKafkaNoOffset = -1;

enum class KafkaTimestampType : uint8_t { kNone, kCreateTime, kLogAppendTime };

struct KafkaHeader {
  std::string_view key;
  std::optional<std::string_view> value;
};

struct KafkaRecord {
  int64_t offset = 0;
  int64_t timestamp_ms = -1;
  KafkaTimestampType timestamp_type = KafkaTimestampType::kNone;
  std::optional<std::string_view> key, value;
};

/// Records of one partition, in order. Their bytes are valid as long as this object.
class KafkaRecords {
 public:
  virtual ~KafkaRecords() = default;
  const std::vector<KafkaRecord>& records() const { return records_; }
  virtual std::vector<KafkaHeader> Headers(size_t record) const = 0;
  /// Leaves out records from `offset` on.
  void CutBefore(int64_t offset) {
    while (!records_.empty() && records_.back().offset >= offset) records_.pop_back();
  }

 protected:
  std::vector<KafkaRecord> records_;
};

struct KafkaFetch {
  std::unique_ptr<KafkaRecords> records;  ///< null: there are none now
  /// After the last record, or after what follows it and is no record (an aborted transaction);
  /// `kKafkaNoOffset`: nothing is known of it.
  int64_t next_offset = kKafkaNoOffset;
};

/// Reads a partition; ends with its destruction. One thread at a time.
class KafkaPartition {
 public:
  virtual ~KafkaPartition() = default;
  /// Up to `max_records` of those that have arrived; never waits.
  virtual Result<KafkaFetch> Fetch(int64_t max_records) = 0;
};

enum class KafkaOffsetKind {
  kEarliest,
  kLatest,
  kTimestamp,  ///< of the first record at or after a time
  kCommitted,  ///< of the group
};

/// Thread-safe; shared by all that use the same properties.
class KafkaConsumer {
 public:
  virtual ~KafkaConsumer() = default;
  /// Whether others may be given this object as well.
  bool usable() const { return true; }
  /// Partition counts of the topics named, of all where `names` is empty. Those that do not exist
  /// are left out. Blocks.
  virtual Result<std::map<std::string, int32_t>> Topics(std::span<const std::string> names) = 0;
  /// One offset per partition; `kKafkaNoOffset` where there is none. Blocks.
  virtual Result<std::vector<int64_t>> Offsets(KafkaOffsetKind kind, int64_t timestamp_ms,
                                               std::span<const TopicPartition> partitions) = 0;
  /// Begins to read. `ready` is called, on any thread, when records arrive after there were none.
  virtual Result<std::unique_ptr<KafkaPartition>> Read(const TopicPartition& partition,
                                                       int64_t offset,
                                                       std::function<void()> ready) = 0;
  /// Tells the group where reading would go on; does not wait. A failure is only logged.
  virtual void Commit(const std::map<TopicPartition, int64_t>& offsets) = 0;
};

/// A record to be written.
struct KafkaMessage {
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  int64_t timestamp_ms = -1;  ///< -1: now

  static int64_t BytesOf(size_t key, size_t value) {
    constexpr int64_t kOverhead = 64;
    return kOverhead + static_cast<int64_t>(key + value);
  }
  /// About what it takes in memory; headers are taken to be small.
  int64_t bytes() const { return BytesOf(key ? key->size() : 0, value ? value->size() : 0); }
};

/// Chooses a message's partition. Thread-safe.
class KafkaPartitioner {
 public:
  virtual ~KafkaPartitioner() = default;
  /// Of `count`; -1: by the hash of the key as Java's client does, any where there is none.
  virtual int32_t Choose(bool has_key, int32_t count) = 0;
};

/// Is told what became of messages, once for each; must live until then. Thread-safe.
class KafkaDelivery : public KafkaPartitioner {
 public:
  /// `bytes`: as the message counted them. Never called from within `Send`.
  virtual void Delivered(int64_t bytes, const Status& status) = 0;
};

/// Thread-safe; shared by all that use the same properties.
class KafkaProducer {
 public:
  enum class Sent { kTaken, kFull };

  virtual ~KafkaProducer() = default;
  /// False once it has failed for good: a new one is made then.
  virtual bool usable() const = 0;
  /// Copies the message and sends it later; retries for as long as its properties say. kFull: try
  /// again after a delivery. A data error: the message can never be sent, for example because of
  /// its size.
  virtual Result<Sent> Send(const std::string& topic, const KafkaMessage& message,
                            KafkaDelivery& delivery) = 0;
};

/// Writes transactions to a topic under one transactional id. All methods block; one thread at a
/// time.
class KafkaTransactor {
 public:
  virtual ~KafkaTransactor() = default;
  /// Shuts out who had the id before, and ends what they left: it is committed or not, for good.
  virtual Status Init() = 0;
  /// The number that the last committed transaction of this id set; -1: none.
  virtual Result<int64_t> Marker() = 0;
  /// Writes the messages and the marker, all or nothing. A failed status leaves open which: a new
  /// transactor's `Init` and `Marker` tell. A user error cannot be helped by trying again.
  virtual Status Commit(std::span<const KafkaMessage> messages, KafkaPartitioner& partitioner,
                        int64_t marker) = 0;
};

/// The way to Kafka clusters. Thread-safe.
class Kafka {
 public:
  virtual ~Kafka() = default;
  virtual Result<std::shared_ptr<KafkaConsumer>> Consumer(const KafkaProperties& properties) = 0;
  virtual Result<std::shared_ptr<KafkaProducer>> Producer(const KafkaProperties& properties) = 0;
  virtual Result<std::unique_ptr<KafkaTransactor>> Transactor(const KafkaProperties& properties,
                                                              const std::string& id,
                                                              const std::string& topic) = 0;
  /// Calls `work`, which must be short, on another thread.
  virtual void CallAfter(int64_t micros, std::function<void()> work) = 0;
};

}  // namespace millrace
