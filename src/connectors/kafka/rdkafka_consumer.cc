#include <algorithm>
#include <set>

#include "base/log.h"
#include "connectors/kafka/rdkafka_client.h"

namespace millrace {
namespace {

struct ListDelete {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using List = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDelete>;

struct TopicDelete {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using Topic = std::unique_ptr<rd_kafka_topic_t, TopicDelete>;

/// One client and the partitions that are read through it: each only once.
struct Member {
  std::unique_ptr<RdClient> client;
  std::mutex mutex;
  std::set<TopicPartition> taken;
};

KafkaTimestampType TypeOf(rd_kafka_timestamp_type_t type) {
  switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME:
      return KafkaTimestampType::kCreateTime;
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME:
      return KafkaTimestampType::kLogAppendTime;
    case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE:
      break;
  }
  return KafkaTimestampType::kNone;
}

std::optional<std::string_view> BytesOf(const void* data, size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

class RdRecords final : public KafkaRecords {
 public:
  ~RdRecords() override {
    for (auto* message : messages_) rd_kafka_message_destroy(message);
  }
  void Add(rd_kafka_message_t* message) {
    messages_.push_back(message);
    KafkaRecord record;
    record.offset = message->offset;
    rd_kafka_timestamp_type_t type;
    record.timestamp_ms = rd_kafka_message_timestamp(message, &type);
    record.timestamp_type = TypeOf(type);
    record.key = BytesOf(message->key, message->key_len);
    record.value = BytesOf(message->payload, message->len);
    records_.push_back(record);
  }
  std::vector<KafkaHeader> Headers(size_t record) const override {
    std::vector<KafkaHeader> found;
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(messages_[record], &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return found;
    }
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      found.push_back({name, BytesOf(value, size)});
    }
    return found;
  }

 private:
  std::vector<rd_kafka_message_t*> messages_;
};

class RdPartition final : public KafkaPartition {
 public:
  RdPartition(std::shared_ptr<Member> member, TopicPartition partition, std::function<void()> ready)
      : member_(std::move(member)), partition_(std::move(partition)), ready_(std::move(ready)) {}

  ~RdPartition() override {
    if (queue_ != nullptr) {
      rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
      rd_kafka_consume_stop(topic_.get(), partition_.partition);
      rd_kafka_queue_destroy(queue_);
    }
    std::lock_guard lock(member_->mutex);
    member_->taken.erase(partition_);
  }

  Status Start(int64_t offset) {
    rd_kafka_t* const handle = member_->client->get();
    topic_.reset(rd_kafka_topic_new(handle, partition_.topic.c_str(), nullptr));
    if (!topic_) {
      return member_->client->ErrorOf("topic '" + partition_.topic + "' cannot be read",
                                      rd_kafka_last_error());
    }
    queue_ = rd_kafka_queue_new(handle);
    rd_kafka_queue_cb_event_enable(
        queue_, [](rd_kafka_t*, void* self) { static_cast<RdPartition*>(self)->ready_(); }, this);
    const int64_t from = offset == kKafkaBeginning ? RD_KAFKA_OFFSET_BEGINNING : offset;
    if (rd_kafka_consume_start_queue(topic_.get(), partition_.partition, from, queue_) == 0) {
      return Status::OK();
    }
    return member_->client->ErrorOf("'" + partition_.ToString() + "' cannot be read",
                                    rd_kafka_last_error());
  }

  Result<KafkaFetch> Fetch(int64_t max_records) override {
    batch_.resize(static_cast<size_t>(max_records));
    const ssize_t count = rd_kafka_consume_batch_queue(queue_, 0, batch_.data(), batch_.size());
    KafkaFetch fetch;
    if (count <= 0) return fetch;
    auto records = std::make_unique<RdRecords>();
    Status failed;
    for (ssize_t i = 0; i < count; ++i) {
      rd_kafka_message_t* const message = batch_[static_cast<size_t>(i)];
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        fetch.next_offset = message->offset + 1;
        records->Add(message);
        continue;
      }
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        fetch.next_offset = std::max(fetch.next_offset, message->offset);
      } else if (auto status = Judge(*message); !status.ok()) {
        failed = std::move(status);
      }
      rd_kafka_message_destroy(message);
    }
    ARROW_RETURN_NOT_OK(failed);
    fetch.records = std::move(records);
    return fetch;
  }

 private:
  /// What the client does not try again by itself ends the job.
  Status Judge(const rd_kafka_message_t& message) const {
    const char* const text = rd_kafka_message_errstr(&message);
    switch (message.err) {
      case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return Error::User("the records to go on with are not in the topic any more: " +
                           std::string(text))
            .Hint(
                "they were deleted before they were read; 'properties.auto.offset.reset' = "
                "'earliest' goes on with the oldest there are");
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return member_->client->ErrorOf("'" + partition_.ToString() + "' cannot be read",
                                        message.err, text);
      default:
        Log(LogLevel::kWarn, "kafka", "a partition cannot be read now; it is tried again",
            {{"partition", partition_.ToString()}, {"error", text}});
        return Status::OK();
    }
  }

  const std::shared_ptr<Member> member_;
  const TopicPartition partition_;
  const std::function<void()> ready_;
  Topic topic_;
  rd_kafka_queue_t* queue_ = nullptr;
  std::vector<rd_kafka_message_t*> batch_;
};

class RdConsumer final : public KafkaConsumer {
 public:
  explicit RdConsumer(KafkaProperties properties) : properties_(std::move(properties)) {}

  Status Open() { return AddMember(); }

  Result<std::map<std::string, int32_t>> Topics(std::span<const std::string> names) override {
    std::map<std::string, int32_t> found;
    if (names.empty()) {
      ARROW_RETURN_NOT_OK(AskTopics(nullptr, &found));
      return found;
    }
    for (const auto& name : names) {
      const Topic topic(rd_kafka_topic_new(client().get(), name.c_str(), nullptr));
      if (!topic) {
        return client().ErrorOf("topic '" + name + "' cannot be read", rd_kafka_last_error());
      }
      ARROW_RETURN_NOT_OK(AskTopics(topic.get(), &found));
    }
    return found;
  }

  Result<std::vector<int64_t>> Offsets(KafkaOffsetKind kind, int64_t timestamp_ms,
                                       std::span<const TopicPartition> partitions) override {
    std::vector<int64_t> offsets;
    if (kind == KafkaOffsetKind::kEarliest || kind == KafkaOffsetKind::kLatest) {
      for (const auto& partition : partitions) {
        int64_t low = 0, high = 0;
        const auto error =
            rd_kafka_query_watermark_offsets(client().get(), partition.topic.c_str(),
                                             partition.partition, &low, &high, kKafkaTimeoutMs);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
          return client().ErrorOf("the offsets of '" + partition.ToString() + "' cannot be read",
                                  error);
        }
        offsets.push_back(kind == KafkaOffsetKind::kEarliest ? low : high);
      }
      return offsets;
    }
    const List list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
    for (const auto& partition : partitions) {
      rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)
          ->offset = timestamp_ms;
    }
    const bool committed = kind == KafkaOffsetKind::kCommitted;
    const auto error =
        committed ? rd_kafka_committed(client().get(), list.get(), kKafkaTimeoutMs)
                  : rd_kafka_offsets_for_times(client().get(), list.get(), kKafkaTimeoutMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return client().ErrorOf(
          committed ? "the group's offsets cannot be read" : "offsets cannot be found by time",
          error);
    }
    for (int i = 0; i < list->cnt; ++i) {
      offsets.push_back(std::max(list->elems[i].offset, kKafkaNoOffset));
    }
    return offsets;
  }

  Result<std::unique_ptr<KafkaPartition>> Read(const TopicPartition& partition, int64_t offset,
                                               std::function<void()> ready) override {
    ARROW_ASSIGN_OR_RAISE(auto member, MemberFor(partition));
    auto reading = std::make_unique<RdPartition>(std::move(member), partition, std::move(ready));
    ARROW_RETURN_NOT_OK(reading->Start(offset));
    return reading;
  }

  void Commit(const std::map<TopicPartition, int64_t>& offsets) override {
    const List list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
    for (const auto& [partition, offset] : offsets) {
      rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)
          ->offset = offset;
    }
    if (const auto error = rd_kafka_commit(client().get(), list.get(), 1);
        error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Log(LogLevel::kWarn, "kafka", "the group's offsets were not stored",
          {{"error", rd_kafka_err2str(error)}});
    }
  }

 private:
  const RdClient& client() const { return *members_.front()->client; }

  Status AddMember() {
    auto member = std::make_shared<Member>();
    ARROW_ASSIGN_OR_RAISE(member->client, RdClient::Make(RD_KAFKA_CONSUMER, properties_,
                                                         {{"auto.offset.reset", "error"},
                                                          {"queued.max.messages.kbytes", "16384"}},
                                                         {{"enable.auto.commit", "false"},
                                                          {"enable.auto.offset.store", "false"},
                                                          {"enable.partition.eof", "true"}}));
    members_.push_back(std::move(member));
    return Status::OK();
  }

  Result<std::shared_ptr<Member>> MemberFor(const TopicPartition& partition) {
    std::lock_guard lock(mutex_);
    for (;;) {
      for (const auto& member : members_) {
        std::lock_guard member_lock(member->mutex);
        if (member->taken.insert(partition).second) return member;
      }
      ARROW_RETURN_NOT_OK(AddMember());
    }
  }

  /// `topic`: null: all.
  Status AskTopics(rd_kafka_topic_t* topic, std::map<std::string, int32_t>* found) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error = rd_kafka_metadata(client().get(), topic == nullptr ? 1 : 0, topic, &metadata,
                                         kKafkaTimeoutMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return client().ErrorOf("the topics cannot be listed", error);
    }
    Status status;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
      const auto& one = metadata->topics[i];
      if (one.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        (*found)[one.topic] = one.partition_cnt;
      } else if (one.err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && topic != nullptr) {
        status = client().ErrorOf("topic '" + std::string(one.topic) + "' cannot be read", one.err);
      }
    }
    rd_kafka_metadata_destroy(metadata);
    return status;
  }

  const KafkaProperties properties_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Member>> members_;  ///< the first one also answers questions
};

}  // namespace

Result<std::shared_ptr<KafkaConsumer>> MakeRdConsumer(const KafkaProperties& properties) {
  auto consumer = std::make_shared<RdConsumer>(properties);
  ARROW_RETURN_NOT_OK(consumer->Open());
  return consumer;
}

}  // namespace millrace
