#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <librdkafka/rdkafka.h>

#include "connectors/kafka/client.h"

namespace millrace {

/// For how long a call that blocks waits for a broker.
constexpr int kKafkaTimeoutMs = 10'000;

/// A client of librdkafka with the thread that serves its callbacks.
class RdClient {
 public:
  /// `defaults` give way to `properties`; `fixed` do not.
  static Result<std::unique_ptr<RdClient>> Make(rd_kafka_type_t type,
                                                const KafkaProperties& properties,
                                                const KafkaProperties& defaults,
                                                const KafkaProperties& fixed);
  ~RdClient();
  RdClient(const RdClient&) = delete;
  RdClient& operator=(const RdClient&) = delete;

  rd_kafka_t* get() const { return handle_; }

  /// What to say of a failed call: where, what the brokers said last, what to do.
  Status ErrorOf(const std::string& what, rd_kafka_resp_err_t error, std::string text = {}) const;
  /// Takes over `error`.
  Status ErrorOf(const std::string& what, rd_kafka_error_t* error) const;

 private:
  RdClient() = default;
  /// Gives the records back of a producer that has never reached a broker, so that what is wrong
  /// from the beginning is told; one that was there is waited for.
  void GiveUpUnreached(int64_t waits_ms);
  static void OnError(rd_kafka_t* handle, int error, const char* reason, void* self);
  static void OnDelivery(rd_kafka_t* handle, const rd_kafka_message_t* message, void* self);
  static void OnCommit(rd_kafka_t* handle, rd_kafka_resp_err_t error,
                       rd_kafka_topic_partition_list_t* offsets, void* self);

  rd_kafka_t* handle_ = nullptr;
  std::string servers_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
  mutable std::mutex mutex_;
  std::string last_error_;               ///< of a broker
  bool last_refused_ = false;            ///< it was that the broker does not let us in
  std::atomic<bool> is_reached_{false};  ///< a record was stored
};

Result<std::shared_ptr<KafkaConsumer>> MakeRdConsumer(const KafkaProperties& properties);
Result<std::shared_ptr<KafkaProducer>> MakeRdProducer(const KafkaProperties& properties);
Result<std::unique_ptr<KafkaTransactor>> MakeRdTransactor(const KafkaProperties& properties,
                                                          const std::string& id,
                                                          const std::string& topic);

}  // namespace millrace
