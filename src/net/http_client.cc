#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>
#include <netdb.h>

#include "base/env.h"
#include "net/http.h"
#include "net/http_error.h"

namespace millrace {
namespace {

constexpr long kIdleConnections = 100;
constexpr long kSocketBufferBytes =
    512 * 1024;  // libcurl's most; its default of 16 KB costs CPU on large tensors

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view Trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

/// A request under way, and what libcurl calls back for it. On the client's thread only.
class Transfer {
 public:
  Transfer(HttpRequest request, HttpDone done)
      : request_(std::move(request)), done_(std::move(done)) {}
  ~Transfer() { curl_slist_free_all(headers_); }

  void Configure(CURL* easy) {
    curl_slist_free_all(headers_);
    headers_ = nullptr;
    curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    ConfigureProtocol(easy);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kSocketBufferBytes);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kSocketBufferBytes);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(request_.connect_timeout_us));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, Milliseconds(request_.timeout_us));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, OnSocket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, OnConnected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
    if (request_.method == HttpMethod::kPost || request_.method == HttpMethod::kPut) {
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request_.body_bytes()));
      curl_easy_setopt(easy, CURLOPT_READFUNCTION, OnRead);
      curl_easy_setopt(easy, CURLOPT_READDATA, this);
      curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, OnSeek);
      curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
      AddHeader("Expect:");  // waiting for "100 Continue" would cost a round trip
    }
    if (request_.method == HttpMethod::kPut) {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
    }
    if (request_.method == HttpMethod::kDelete) {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    }
    for (const HttpHeader& header : request_.headers) AddHeader(header.name + ": " + header.value);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
  }

  void Finish(CURL* easy, CURLcode code) {
    HttpResult result;
    if (code == CURLE_OK) {
      result.phase = HttpPhase::kDone;
      result.response = std::move(response_);
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      result.response.status = static_cast<int>(status);
    } else {
      HttpFailure failure;
      failure.curl_code = code;
      long system_errno = 0;
      curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &system_errno);
      failure.system_errno = static_cast<int>(system_errno);
      failure.detail = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
      failure.address = address_;
      failure.too_large = too_large_;
      failure.phase = result.phase = phase_;
      result.timed_out = code == CURLE_OPERATION_TIMEDOUT;
      result.status = DescribeFailure(request_, failure);
    }
    done_(std::move(result));
  }

  const HttpRequest& request() const { return request_; }

  /// True once: HTTP/2 over plain TCP found no connection to go on. libcurl 7.88 cannot use one
  /// again that was begun without asking first, unless it is told that it is HTTP/2 anyway, and it
  /// cannot begin one when it is told so; so the first try is for one that is there, and nothing
  /// has been sent when it fails.
  bool NeedsNewConnection() {
    if (!lacks_connection_) return false;
    lacks_connection_ = false;
    new_connection_ = true;
    phase_ = HttpPhase::kResolve;
    return true;
  }

  void Abandon() {
    HttpResult result;
    result.phase = phase_;
    result.cancelled = true;
    result.status =
        Error::Transient("the request was cancelled").In(WithoutCredentials(request_.url));
    done_(std::move(result));
  }

 private:
  void ConfigureProtocol(CURL* easy) {
    const bool secure = request_.url.starts_with("https:");
    long version = CURL_HTTP_VERSION_1_1;
    if (request_.http2) {
      version = secure            ? CURL_HTTP_VERSION_2TLS
                : new_connection_ ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                  : CURL_HTTP_VERSION_2_0;
      curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
      curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, new_connection_ && !secure ? 1L : 0L);
    }
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
    if (!request_.tls) return;
    const TlsSettings& tls = *request_.tls;
    if (!tls.ca_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
      curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
    if (!tls.certificate_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.certificate_file.c_str());
      curl_easy_setopt(easy, CURLOPT_SSLKEY, tls.key_file.c_str());
    }
    if (!tls.verify) {
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  /// Rounded up: a request must not end before its time.
  static long Milliseconds(int64_t us) {
    return static_cast<long>(std::max<int64_t>(1, (us + 999) / 1000));
  }
  void AddHeader(const std::string& line) { headers_ = curl_slist_append(headers_, line.c_str()); }

  static size_t OnBody(char* bytes, size_t, size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    std::string& body = transfer.response_.body;
    if (body.size() + size > transfer.request_.max_response_bytes) {
      transfer.too_large_ = true;
      return CURL_WRITEFUNC_ERROR;
    }
    body.append(bytes, size);
    return size;
  }

  static size_t OnHeader(char* bytes, size_t, size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.phase_ = HttpPhase::kReceive;
    const std::string_view line = Trim({bytes, size});
    const auto colon = line.find(':');
    if (line.starts_with("HTTP/")) {
      transfer.response_.headers.clear();  // of an interim response
    } else if (colon != std::string_view::npos) {
      const std::string_view name = line.substr(0, colon), value = Trim(line.substr(colon + 1));
      transfer.response_.headers.push_back({std::string(name), std::string(value)});
      if (EqualsIgnoringCase(name, "content-length")) {
        const size_t length = std::strtoull(std::string(value).c_str(), nullptr, 10);
        transfer.response_.body.reserve(std::min(length, transfer.request_.max_response_bytes));
      }
    }
    return size;
  }

  static size_t OnRead(char* out, size_t, size_t room, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const auto& pieces = transfer.request_.body;
    size_t copied = 0;
    while (copied < room && transfer.piece_ < pieces.size()) {
      const std::string_view rest = pieces[transfer.piece_].bytes.substr(transfer.offset_);
      const size_t n = std::min(rest.size(), room - copied);
      std::memcpy(out + copied, rest.data(), n);
      copied += n;
      transfer.offset_ += n;
      if (n == rest.size()) {
        ++transfer.piece_;
        transfer.offset_ = 0;
      }
    }
    if (transfer.piece_ == pieces.size()) transfer.phase_ = HttpPhase::kWait;
    return copied;
  }

  /// To the beginning, when a kept connection turns out to be closed and libcurl takes a new one.
  static int OnSeek(void* self, curl_off_t offset, int origin) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.request_.send_once) return CURL_SEEKFUNC_FAIL;
    if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    transfer.piece_ = transfer.offset_ = 0;
    return CURL_SEEKFUNC_OK;
  }

  static curl_socket_t OnSocket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(self);
    const HttpRequest& request = transfer.request_;
    if (request.http2 && !transfer.new_connection_ && request.url.starts_with("http:")) {
      transfer.lacks_connection_ = true;
      return CURL_SOCKET_BAD;
    }
    transfer.phase_ = HttpPhase::kConnect;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getnameinfo(&address->addr, address->addrlen, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
      transfer.address_ = std::string(host) + ":" + port;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  static int OnConnected(void* self, char*, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.phase_ = transfer.request_.body.empty() ? HttpPhase::kWait : HttpPhase::kSend;
    return CURL_PREREQFUNC_OK;
  }

  HttpRequest request_;
  HttpDone done_;
  HttpResponse response_;
  HttpPhase phase_ = HttpPhase::kResolve;
  std::string address_;
  size_t piece_ = 0, offset_ = 0;  // what of the body is sent
  bool too_large_ = false;
  bool new_connection_ = false, lacks_connection_ = false;
  curl_slist* headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
};

class CurlClient final : public HttpClient {
 public:
  CurlClient() : env_(MakeSystemEnv(1)) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
    std::thread([this] { Loop(); }).detach();
  }

  HttpCallId Send(HttpRequest request, HttpDone done) override {
    Order order;
    order.transfer = std::make_unique<Transfer>(std::move(request), std::move(done));
    return Place(std::move(order));
  }

  HttpCallId After(int64_t delay_us, std::function<void()> work) override {
    Order order;
    order.work = std::move(work);
    order.at_us = env_->MonotonicMicros() + delay_us;
    return Place(std::move(order));
  }

  void Cancel(HttpCallId call) override {
    std::lock_guard lock(mutex_);
    cancelled_.push_back(static_cast<uint64_t>(call));
    curl_multi_wakeup(multi_);
  }

 private:
  /// What another thread asks for: a transfer, or work at a time.
  struct Order {
    uint64_t id = 0;
    std::unique_ptr<Transfer> transfer;
    std::function<void()> work;
    int64_t at_us = 0;
  };
  struct Origin {
    int running = 0;
    std::deque<std::pair<uint64_t, std::unique_ptr<Transfer>>> waiting;
  };
  struct Running {
    CURL* easy;
    std::unique_ptr<Transfer> transfer;
  };

  HttpCallId Place(Order order) {
    std::lock_guard lock(mutex_);
    order.id = next_id_++;
    const HttpCallId id{order.id};
    orders_.push_back(std::move(order));
    if (orders_.size() == 1) curl_multi_wakeup(multi_);
    return id;
  }

  void Loop() {
    for (;;) {
      TakeOrders();
      int running = 0;
      curl_multi_perform(multi_, &running);
      FinishDone();
      RunDue();
      int timeout_ms = 60'000;
      if (!timers_.empty()) {
        const int64_t wait_us = timers_.begin()->first.first - env_->MonotonicMicros();
        timeout_ms = static_cast<int>(std::clamp<int64_t>((wait_us + 999) / 1000, 0, timeout_ms));
      }
      curl_multi_poll(multi_, nullptr, 0, timeout_ms, nullptr);
    }
  }

  void TakeOrders() {
    std::vector<Order> orders;
    std::vector<uint64_t> cancelled;
    {
      std::lock_guard lock(mutex_);
      orders.swap(orders_);
      cancelled.swap(cancelled_);
    }
    for (Order& order : orders) {
      if (order.work) {
        timers_.emplace(std::pair(order.at_us, order.id), std::move(order.work));
        continue;
      }
      const int limit = order.transfer->request().max_connections;
      if (limit == 0) {
        Begin(order.id, std::move(order.transfer));
        continue;
      }
      Origin& origin = origins_[OriginOf(order.transfer->request().url)];
      if (origin.running < limit) {
        ++origin.running;
        Begin(order.id, std::move(order.transfer));
      } else {
        origin.waiting.emplace_back(order.id, std::move(order.transfer));
      }
    }
    for (const uint64_t id : cancelled) {
      std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
      auto transfer = Take(id);
      if (!transfer) transfer = TakeWaiting(id);
      if (transfer) transfer->Abandon();
    }
  }

  void Begin(uint64_t id, std::unique_ptr<Transfer> transfer) {
    CURL* easy = idle_.empty() ? curl_easy_init() : idle_.back();
    if (!idle_.empty()) idle_.pop_back();
    transfer->Configure(easy);
    curl_multi_add_handle(multi_, easy);
    running_.emplace(id, Running{easy, std::move(transfer)});
    id_of_[easy] = id;
  }

  /// "http://host:8000"
  static std::string OriginOf(const std::string& url) {
    const auto scheme = url.find("://");
    return url.substr(0, url.find('/', scheme == std::string::npos ? 0 : scheme + 3));
  }

  std::unique_ptr<Transfer> TakeWaiting(uint64_t id) {
    for (auto& [name, origin] : origins_) {
      const auto at = std::find_if(origin.waiting.begin(), origin.waiting.end(),
                                   [id](const auto& each) { return each.first == id; });
      if (at == origin.waiting.end()) continue;
      auto transfer = std::move(at->second);
      origin.waiting.erase(at);
      return transfer;
    }
    return nullptr;
  }

  /// A request to an endpoint of limited connections has ended: the next one may go.
  void Leave(const HttpRequest& request) {
    if (request.max_connections == 0) return;
    const auto at = origins_.find(OriginOf(request.url));
    Origin& origin = at->second;
    --origin.running;
    if (!origin.waiting.empty()) {
      auto [id, transfer] = std::move(origin.waiting.front());
      origin.waiting.pop_front();
      ++origin.running;
      Begin(id, std::move(transfer));
    } else if (origin.running == 0) {
      origins_.erase(at);
    }
  }

  std::unique_ptr<Transfer> Take(uint64_t id) {
    auto transfer = Remove(id);
    if (transfer) Leave(transfer->request());
    return transfer;
  }

  std::unique_ptr<Transfer> Remove(uint64_t id) {
    const auto at = running_.find(id);
    if (at == running_.end()) return nullptr;
    auto transfer = std::move(at->second.transfer);
    CURL* easy = at->second.easy;
    curl_multi_remove_handle(multi_, easy);
    curl_easy_reset(easy);
    id_of_.erase(easy);
    idle_.push_back(easy);
    running_.erase(at);
    return transfer;
  }

  void FinishDone() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      const uint64_t id = id_of_[easy];
      if (running_.at(id).transfer->NeedsNewConnection()) {
        Begin(id, Remove(id));
        continue;
      }
      // The information of the handle is gone once it is taken out.
      running_.at(id).transfer->Finish(easy, code);
      Take(id);
    }
  }

  void RunDue() {
    const int64_t now_us = env_->MonotonicMicros();
    while (!timers_.empty() && timers_.begin()->first.first <= now_us) {
      auto work = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      work();
    }
  }

  const std::unique_ptr<Env> env_;
  CURLM* multi_ = nullptr;
  std::mutex mutex_;
  uint64_t next_id_ = 1;
  std::vector<Order> orders_;
  std::vector<uint64_t> cancelled_;

  // --- the client's thread only
  std::unordered_map<uint64_t, Running> running_;
  std::unordered_map<CURL*, uint64_t> id_of_;
  std::vector<CURL*> idle_;
  std::map<std::string, Origin> origins_;  ///< those whose connections are limited
  std::map<std::pair<int64_t, uint64_t>, std::function<void()>> timers_;  ///< by time
};

}  // namespace

size_t HttpRequest::body_bytes() const {
  size_t bytes = 0;
  for (const HttpPiece& piece : body) bytes += piece.bytes.size();
  return bytes;
}

std::string_view HttpResponse::header(std::string_view name) const {
  for (const HttpHeader& each : headers) {
    if (EqualsIgnoringCase(each.name, name)) return each.value;
  }
  return {};
}

std::string_view TextOf(HttpPhase phase) {
  switch (phase) {
    case HttpPhase::kResolve:
      return "resolving the host's name";
    case HttpPhase::kConnect:
      return "connecting";
    case HttpPhase::kSend:
      return "sending the request";
    case HttpPhase::kWait:
      return "waiting for the answer";
    case HttpPhase::kReceive:
      return "receiving the answer";
    case HttpPhase::kDone:
      return "done";
  }
  return {};
}

HttpClient& HttpClient::Shared() {
  // Lives as long as the process: its thread must not be stopped while statics are destroyed.
  static HttpClient& client = *new CurlClient;
  return client;
}

HttpResult SendAndWait(HttpClient& client, HttpRequest request) {
  std::promise<HttpResult> promise;
  auto result = promise.get_future();
  client.Send(std::move(request), [&promise](HttpResult r) { promise.set_value(std::move(r)); });
  return result.get();
}

}  // namespace millrace
