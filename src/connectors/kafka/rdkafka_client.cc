#include "connectors/kafka/rdkafka_client.h"

#include <chrono>
#include <condition_variable>

#include "base/log.h"
#include "base/suggest.h"
#include "connectors/kafka/kafka.h"

namespace millrace {
namespace {

constexpr int kPollMs = 500;
constexpr int kRefusedMs = 2000;  ///< a broker that refuses us is asked again so long

// The brokers live in real time, and the simulator has another Kafka.
using Clock = std::chrono::steady_clock;  // allowed: see above

struct ConfDelete {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDelete>;

std::vector<std::string> KnownProperties(const rd_kafka_conf_t* conf) {
  size_t count = 0;
  const char** const dump = rd_kafka_conf_dump(const_cast<rd_kafka_conf_t*>(conf), &count);
  std::vector<std::string> names;
  for (size_t i = 0; i + 1 < count; i += 2) names.emplace_back(dump[i]);
  rd_kafka_conf_dump_free(dump, count);
  return names;
}

Status Set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
  char error[512];
  switch (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error, sizeof error)) {
    case RD_KAFKA_CONF_OK:
      return Status::OK();
    case RD_KAFKA_CONF_UNKNOWN: {
      const std::string hint = Suggest(key, KnownProperties(conf));
      return Error::User("'properties." + key + "' is no property of the Kafka client").Hint(hint);
    }
    case RD_KAFKA_CONF_INVALID:
      break;
  }
  return Error::User("'properties." + key + "' cannot be set: " + error);
}

void OnLog(const rd_kafka_t*, int level, const char* facility, const char* text) {
  constexpr int kWarning = 4;
  Log(level <= kWarning ? LogLevel::kWarn : LogLevel::kDebug, "kafka", text,
      {{"facility", facility}});
}

bool IsRefused(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return true;
    default:
      return false;
  }
}

bool IsUsers(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
      return true;
    default:
      return IsRefused(error);
  }
}

/// The shared clients of a process, and its alarm clock.
class RdKafka final : public Kafka {
 public:
  ~RdKafka() override {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    if (clock_.joinable()) clock_.join();
  }

  Result<std::shared_ptr<KafkaConsumer>> Consumer(const KafkaProperties& properties) override {
    return Shared(consumers_, properties, MakeRdConsumer);
  }
  Result<std::shared_ptr<KafkaProducer>> Producer(const KafkaProperties& properties) override {
    return Shared(producers_, properties, MakeRdProducer);
  }
  Result<std::unique_ptr<KafkaTransactor>> Transactor(const KafkaProperties& properties,
                                                      const std::string& id,
                                                      const std::string& topic) override {
    return MakeRdTransactor(properties, id, topic);
  }

  void CallAfter(int64_t micros, std::function<void()> work) override {
    std::lock_guard lock(mutex_);
    alarms_.emplace(Clock::now() + std::chrono::microseconds(micros), std::move(work));
    if (!clock_.joinable()) clock_ = std::thread([this] { RunClock(); });
    wake_.notify_all();
  }

 private:
  template <class Client>
  using Clients = std::map<KafkaProperties, std::weak_ptr<Client>>;

  template <class Client>
  Result<std::shared_ptr<Client>> Shared(
      Clients<Client>& clients, const KafkaProperties& properties,
      Result<std::shared_ptr<Client>> (*make)(const KafkaProperties&)) {
    std::lock_guard lock(mutex_);
    auto& shared = clients[properties];
    auto client = shared.lock();
    if (client && client->usable()) return client;
    ARROW_ASSIGN_OR_RAISE(client, make(properties));
    shared = client;
    return client;
  }

  void RunClock() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      if (alarms_.empty()) {
        wake_.wait(lock);
        continue;
      }
      const auto first = alarms_.begin();
      if (first->first > Clock::now()) {
        wake_.wait_until(lock, Clock::time_point(first->first));
        continue;
      }
      auto work = std::move(first->second);
      alarms_.erase(first);
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }

  std::mutex mutex_;
  Clients<KafkaConsumer> consumers_;
  Clients<KafkaProducer> producers_;
  std::multimap<Clock::time_point, std::function<void()>> alarms_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread clock_;
};

}  // namespace

Result<std::unique_ptr<RdClient>> RdClient::Make(rd_kafka_type_t type,
                                                 const KafkaProperties& properties,
                                                 const KafkaProperties& defaults,
                                                 const KafkaProperties& fixed) {
  KafkaProperties all = fixed;
  all.insert(properties.begin(), properties.end());
  all.insert(defaults.begin(), defaults.end());
  all.try_emplace("client.id", "millrace");
  Conf conf(rd_kafka_conf_new());
  for (const auto& [key, value] : all) ARROW_RETURN_NOT_OK(Set(conf.get(), key, value));
  std::unique_ptr<RdClient> self(new RdClient());
  self->servers_ = all["bootstrap.servers"];
  rd_kafka_conf_set_opaque(conf.get(), self.get());
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  if (type == RD_KAFKA_PRODUCER && !all.contains("transactional.id")) {
    rd_kafka_conf_set_dr_msg_cb(conf.get(), OnDelivery);
  }
  if (type == RD_KAFKA_CONSUMER) rd_kafka_conf_set_offset_commit_cb(conf.get(), OnCommit);
  char error[512];
  self->handle_ = rd_kafka_new(type, conf.get(), error, sizeof error);
  if (self->handle_ == nullptr) {
    return Error::User(std::string("the Kafka client cannot be made: ") + error)
        .Hint("check the options 'properties.…'");
  }
  conf.release();
  const bool gives_up = type == RD_KAFKA_PRODUCER && !all.contains("transactional.id");
  self->thread_ = std::thread([client = self.get(), gives_up] {
    auto begun = Clock::now();  // since when records wait
    while (!client->stopped_) {
      rd_kafka_poll(client->handle_, kPollMs);
      if (!gives_up || client->is_reached_) continue;
      if (rd_kafka_outq_len(client->handle_) == 0) begun = Clock::now();
      const auto waits =
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
      client->GiveUpUnreached(waits.count());
    }
  });
  return self;
}

RdClient::~RdClient() {
  if (handle_ == nullptr) return;
  if (rd_kafka_type(handle_) == RD_KAFKA_PRODUCER) {
    // Whoever sent something is told.
    rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(handle_, kPollMs);
  }
  stopped_ = true;
  rd_kafka_queue_t* const main = rd_kafka_queue_get_main(handle_);
  rd_kafka_queue_yield(main);
  rd_kafka_queue_destroy(main);
  thread_.join();
  rd_kafka_destroy(handle_);
}

void RdClient::GiveUpUnreached(int64_t waits_ms) {
  {
    std::lock_guard lock(mutex_);
    if (last_error_.empty() || waits_ms < (last_refused_ ? kRefusedMs : kKafkaTimeoutMs)) return;
  }
  rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE);
}

void RdClient::OnError(rd_kafka_t*, int error, const char* reason, void* self) {
  auto& client = *static_cast<RdClient*>(self);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;  // the reason came before
  std::lock_guard lock(client.mutex_);
  client.last_error_ = reason;
  client.last_refused_ = IsRefused(static_cast<rd_kafka_resp_err_t>(error));
}

void RdClient::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
  auto* const delivery = static_cast<KafkaDelivery*>(message->_private);
  const int64_t bytes = KafkaMessage::BytesOf(message->key_len, message->len);
  auto& client = *static_cast<RdClient*>(self);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    client.is_reached_ = true;
    return delivery->Delivered(bytes, Status::OK());
  }
  delivery->Delivered(bytes, client.ErrorOf("a record cannot be stored", message->err));
}

void RdClient::OnCommit(rd_kafka_t*, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t*,
                        void*) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__NO_OFFSET) return;
  Log(LogLevel::kWarn, "kafka", "the group's offsets were not stored; the job does not need them",
      {{"error", rd_kafka_err2str(error)}});
}

Status RdClient::ErrorOf(const std::string& what, rd_kafka_resp_err_t error,
                         std::string text) const {
  if (text.empty()) text = rd_kafka_err2str(error);
  std::string broker;
  bool refused = false;
  {
    std::lock_guard lock(mutex_);
    broker = last_error_;
    refused = last_refused_;
  }
  const bool unreachable =
      error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
      error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__RESOLVE ||
      error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  std::string message = what + ": " + text;
  if (unreachable && !broker.empty()) message += " (" + broker + ")";
  const std::string where = "Kafka at " + servers_;
  if (IsRefused(error) || (unreachable && refused)) {
    return Error::User(message).In(where).Hint(
        "check 'properties.security.protocol', 'properties.sasl.…' and what the user may do");
  }
  if (IsUsers(error)) return Error::User(message).In(where);
  return Error::Transient(message).In(where).Hint(
      unreachable ? "is the broker running, and is 'properties.bootstrap.servers' right?" : "");
}

Status RdClient::ErrorOf(const std::string& what, rd_kafka_error_t* error) const {
  const auto code = rd_kafka_error_code(error);
  std::string text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  return ErrorOf(what, code, std::move(text));
}

std::shared_ptr<Kafka> MakeRdKafka() { return std::make_shared<RdKafka>(); }

}  // namespace millrace
