#include <algorithm>

#include "connectors/kafka/rdkafka_client.h"

namespace millrace {
namespace {

/// -1: what the partitioner leaves to us.
int32_t ChoosePartition(const rd_kafka_topic_t* topic, const void* key, size_t size, int32_t count,
                        void* topic_opaque, void* message_opaque) {
  const int32_t chosen =
      static_cast<KafkaPartitioner*>(message_opaque)->Choose(key != nullptr, count);
  if (chosen >= 0) return chosen;
  if (key == nullptr) {
    return rd_kafka_msg_partitioner_random(topic, key, size, count, topic_opaque, message_opaque);
  }
  return rd_kafka_msg_partitioner_murmur2(topic, key, size, count, topic_opaque, message_opaque);
}

/// Makes a message's headers; null where there are none.
rd_kafka_headers_t* HeadersOf(const KafkaMessage& message) {
  if (message.headers.empty()) return nullptr;
  rd_kafka_headers_t* const headers = rd_kafka_headers_new(message.headers.size());
  for (const auto& [name, value] : message.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()),
                        value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  }
  return headers;
}

/// The topics that a client writes to.
class Topics {
 public:
  explicit Topics(RdClient& client) : client_(client) {}
  ~Topics() {
    for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
  }

  rd_kafka_topic_t* Get(const std::string& name) {
    std::lock_guard lock(mutex_);
    auto& topic = topics_[name];
    if (topic == nullptr) {
      rd_kafka_topic_conf_t* const conf = rd_kafka_default_topic_conf_dup(client_.get());
      rd_kafka_topic_conf_set_partitioner_cb(conf, ChoosePartition);
      topic = rd_kafka_topic_new(client_.get(), name.c_str(), conf);
    }
    return topic;
  }

  /// `opaque`: a KafkaPartitioner; comes back with the delivery.
  rd_kafka_error_t* Produce(const std::string& topic, const KafkaMessage& message, void* opaque) {
    rd_kafka_vu_t parts[7];
    size_t count = 0;
    const auto add = [&](rd_kafka_vtype_t type) -> auto& {
      parts[count].vtype = type;
      return parts[count++].u;
    };
    add(RD_KAFKA_VTYPE_RKT).rkt = Get(topic);
    add(RD_KAFKA_VTYPE_MSGFLAGS).i = RD_KAFKA_MSG_F_COPY;
    add(RD_KAFKA_VTYPE_OPAQUE).ptr = opaque;
    if (message.value) {
      add(RD_KAFKA_VTYPE_VALUE).mem = {const_cast<char*>(message.value->data()),
                                       message.value->size()};
    }
    if (message.key) {
      add(RD_KAFKA_VTYPE_KEY).mem = {const_cast<char*>(message.key->data()), message.key->size()};
    }
    if (message.timestamp_ms >= 0) add(RD_KAFKA_VTYPE_TIMESTAMP).i64 = message.timestamp_ms;
    rd_kafka_headers_t* const headers = HeadersOf(message);
    if (headers != nullptr) add(RD_KAFKA_VTYPE_HEADERS).headers = headers;
    rd_kafka_error_t* const error = rd_kafka_produceva(client_.get(), parts, count);
    if (error != nullptr && headers != nullptr) rd_kafka_headers_destroy(headers);
    return error;
  }

 private:
  RdClient& client_;
  std::mutex mutex_;
  std::map<std::string, rd_kafka_topic_t*> topics_;
};

const KafkaProperties kProducerDefaults = {
    {"enable.idempotence", "true"},  // keeps the order when a request is sent again
    {"message.timeout.ms", "0"},     // a broker that is away is waited for
    {"queue.buffering.max.messages", "1000000"},
};

class RdProducer final : public KafkaProducer {
 public:
  explicit RdProducer(std::unique_ptr<RdClient> client)
      : client_(std::move(client)), topics_(std::make_unique<Topics>(*client_)) {}
  ~RdProducer() override {
    topics_.reset();
    client_.reset();
  }

  bool usable() const override {
    char text[8];
    return rd_kafka_fatal_error(client_->get(), text, sizeof text) == RD_KAFKA_RESP_ERR_NO_ERROR;
  }

  Result<Sent> Send(const std::string& topic, const KafkaMessage& message,
                    KafkaDelivery& delivery) override {
    rd_kafka_error_t* const error =
        topics_->Produce(topic, message, static_cast<KafkaPartitioner*>(&delivery));
    if (error == nullptr) return Sent::kTaken;
    const auto code = rd_kafka_error_code(error);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_error_destroy(error);
      return Sent::kFull;
    }
    Status status = client_->ErrorOf("a record cannot be sent", error);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
      return Error::Data(status.message())
          .Hint("'properties.message.max.bytes' and the topic's 'max.message.bytes' allow more");
    }
    return status;
  }

 private:
  std::unique_ptr<RdClient> client_;
  std::unique_ptr<Topics> topics_;
};

class RdTransactor final : public KafkaTransactor {
 public:
  RdTransactor(std::unique_ptr<RdClient> client, std::string id, std::string topic)
      : client_(std::move(client)),
        topics_(std::make_unique<Topics>(*client_)),
        id_(std::move(id)),
        topic_(std::move(topic)) {}

  Status Init() override {
    rd_kafka_error_t* const error = rd_kafka_init_transactions(client_->get(), kKafkaTimeoutMs);
    return error == nullptr ? Status::OK()
                            : client_->ErrorOf("transactions cannot be begun", error);
  }

  Result<int64_t> Marker() override {
    rd_kafka_topic_partition_list_t* const list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic_.c_str(), 0);
    rd_kafka_ListConsumerGroupOffsets_t* request =
        rd_kafka_ListConsumerGroupOffsets_new(id_.c_str(), list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_AdminOptions_t* const options =
        rd_kafka_AdminOptions_new(client_->get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    char text[256];
    rd_kafka_AdminOptions_set_request_timeout(options, kKafkaTimeoutMs, text, sizeof text);
    if (rd_kafka_error_t* error = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1)) {
      rd_kafka_error_destroy(error);
    }
    rd_kafka_queue_t* const queue = rd_kafka_queue_new(client_->get());
    rd_kafka_ListConsumerGroupOffsets(client_->get(), &request, 1, options, queue);
    rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, 2 * kKafkaTimeoutMs);
    auto marker = MarkerIn(event);
    if (event != nullptr) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    return marker;
  }

  Status Commit(std::span<const KafkaMessage> messages, KafkaPartitioner& partitioner,
                int64_t marker) override {
    rd_kafka_t* const handle = client_->get();
    if (auto* error = rd_kafka_begin_transaction(handle)) return Failed(error);
    for (const auto& message : messages) {
      ARROW_RETURN_NOT_OK(Produce(message, partitioner));
    }
    ARROW_RETURN_NOT_OK(SendMarker(marker));
    constexpr int kCommitTimeoutMs = 60'000;
    if (auto* error = rd_kafka_commit_transaction(handle, kCommitTimeoutMs)) return Failed(error);
    return Status::OK();
  }

 private:
  Status Failed(rd_kafka_error_t* error) const {
    return client_->ErrorOf("the transaction '" + id_ + "' failed", error);
  }

  Status Produce(const KafkaMessage& message, KafkaPartitioner& partitioner) {
    constexpr int kWaits = 600;
    for (int wait = 0;; ++wait) {
      rd_kafka_error_t* const error = topics_->Produce(topic_, message, &partitioner);
      if (error == nullptr) return Status::OK();
      if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL || wait == kWaits) {
        return Failed(error);
      }
      rd_kafka_error_destroy(error);
      rd_kafka_flush(client_->get(), kKafkaTimeoutMs / kWaits * 6);
    }
  }

  Status SendMarker(int64_t marker) {
    rd_kafka_topic_partition_list_t* const list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t* const at =
        rd_kafka_topic_partition_list_add(list, topic_.c_str(), 0);
    at->offset = marker;
    rd_kafka_consumer_group_metadata_t* const group =
        rd_kafka_consumer_group_metadata_new(id_.c_str());
    rd_kafka_error_t* const error =
        rd_kafka_send_offsets_to_transaction(client_->get(), list, group, kKafkaTimeoutMs);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    return error == nullptr ? Status::OK() : Failed(error);
  }

  Result<int64_t> MarkerIn(rd_kafka_event_t* event) const {
    const std::string what = "the last checkpoint that was written cannot be read";
    if (event == nullptr) return client_->ErrorOf(what, RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (const auto error = rd_kafka_event_error(event); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return client_->ErrorOf(what, error, rd_kafka_event_error_string(event));
    }
    size_t count = 0;
    const auto* const result = rd_kafka_event_ListConsumerGroupOffsets_result(event);
    const auto** const groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
    if (count == 0) return int64_t{-1};
    if (const auto* error = rd_kafka_group_result_error(groups[0])) {
      return client_->ErrorOf(what, rd_kafka_error_code(error), rd_kafka_error_string(error));
    }
    const auto* const partitions = rd_kafka_group_result_partitions(groups[0]);
    if (partitions == nullptr || partitions->cnt == 0) return int64_t{-1};
    if (const auto error = partitions->elems[0].err; error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return client_->ErrorOf(what, error);
    }
    return std::max<int64_t>(partitions->elems[0].offset, -1);
  }

  std::unique_ptr<RdClient> client_;
  std::unique_ptr<Topics> topics_;  // destroyed before the client
  const std::string id_;
  const std::string topic_;
};

}  // namespace

Result<std::shared_ptr<KafkaProducer>> MakeRdProducer(const KafkaProperties& properties) {
  ARROW_ASSIGN_OR_RAISE(auto client,
                        RdClient::Make(RD_KAFKA_PRODUCER, properties, kProducerDefaults, {}));
  return std::make_shared<RdProducer>(std::move(client));
}

Result<std::unique_ptr<KafkaTransactor>> MakeRdTransactor(const KafkaProperties& properties,
                                                          const std::string& id,
                                                          const std::string& topic) {
  KafkaProperties defaults = kProducerDefaults;
  defaults.erase("message.timeout.ms");  // a transaction has its own time
  ARROW_ASSIGN_OR_RAISE(auto client, RdClient::Make(RD_KAFKA_PRODUCER, properties, defaults,
                                                    {{"transactional.id", id}}));
  return std::make_unique<RdTransactor>(std::move(client), id, topic);
}

}  // namespace millrace
