#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>

#include "base/env.h"
#include "net/http.h"
#include "net/http_transfer.h"

namespace millrace {
namespace {

constexpr long kIdleConnections = 100;

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

/// One thread waits for all sockets with epoll: what an event costs does not grow with the requests
/// that are under way.
class CurlClient final : public HttpClient {
 public:
  CurlClient() : env_(MakeSystemEnv(1)) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, OnInterest);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, OnTimer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    epoll_event wake{};
    wake.events = EPOLLIN;
    wake.data.fd = wake_fd_;
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &wake);
    std::thread([this] { Loop(); }).detach();
  }

  HttpCallId Send(HttpRequest request, HttpDone done) override {
    Order order;
    order.transfer = std::make_unique<HttpTransfer>(std::move(request), std::move(done));
    return Place(std::move(order));
  }

  HttpCallId After(int64_t delay_us, std::function<void()> work) override {
    Order order;
    order.work = std::move(work);
    order.at_us = env_->MonotonicMicros() + delay_us;
    return Place(std::move(order));
  }

  void Cancel(HttpCallId call) override {
    {
      std::lock_guard lock(mutex_);
      cancelled_.push_back(static_cast<uint64_t>(call));
    }
    Wake();
  }

 private:
  /// What another thread asks for: a transfer, or work at a time.
  struct Order {
    uint64_t id = 0;
    std::unique_ptr<HttpTransfer> transfer;
    std::function<void()> work;
    int64_t at_us = 0;
  };
  struct Origin {
    int running = 0;
    std::deque<std::pair<uint64_t, std::unique_ptr<HttpTransfer>>> waiting;
  };
  struct Running {
    CURL* easy;
    std::unique_ptr<HttpTransfer> transfer;
  };

  HttpCallId Place(Order order) {
    std::unique_lock lock(mutex_);
    order.id = next_id_++;
    const HttpCallId id{order.id};
    orders_.push_back(std::move(order));
    const bool first = orders_.size() == 1;
    lock.unlock();
    if (first) Wake();
    return id;
  }

  void Wake() { eventfd_write(wake_fd_, 1); }

  void Loop() {
    std::array<epoll_event, 64> events;
    for (;;) {
      TakeOrders();
      int running = 0;
      if (env_->MonotonicMicros() >= curl_at_us_) {
        curl_at_us_ = kNever;
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      }
      FinishDone();
      RunDue();
      corked_.Flush();
      const int n = epoll_wait(epoll_fd_, events.data(), events.size(), WaitMilliseconds());
      for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        if (event.data.fd == wake_fd_) {
          eventfd_t count;
          eventfd_read(wake_fd_, &count);
          continue;
        }
        const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                         ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                         ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi_, event.data.fd, what, &running);
      }
    }
  }

  int WaitMilliseconds() const {
    int64_t until_us = curl_at_us_;
    if (!timers_.empty()) until_us = std::min(until_us, timers_.begin()->first.first);
    if (until_us == kNever) return -1;
    const int64_t wait_us = until_us - env_->MonotonicMicros();
    return static_cast<int>(std::clamp<int64_t>((wait_us + 999) / 1000, 0, 60'000));
  }

  /// libcurl wants to know of a socket. `known`: it is with epoll already.
  static int OnInterest(CURL*, curl_socket_t socket, int what, void* self, void* known) {
    auto& client = *static_cast<CurlClient*>(self);
    epoll_event event{};
    event.data.fd = socket;
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    const int operation = what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL
                          : known != nullptr       ? EPOLL_CTL_MOD
                                                   : EPOLL_CTL_ADD;
    epoll_ctl(client.epoll_fd_, operation, socket, &event);
    if (operation == EPOLL_CTL_ADD) curl_multi_assign(client.multi_, socket, self);
    return 0;
  }

  /// libcurl wants to be called after a time; negative: no longer.
  static int OnTimer(CURLM*, long milliseconds, void* self) {
    auto& client = *static_cast<CurlClient*>(self);
    client.curl_at_us_ =
        milliseconds < 0 ? kNever : client.env_->MonotonicMicros() + int64_t{milliseconds} * 1000;
    return 0;
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

  void Begin(uint64_t id, std::unique_ptr<HttpTransfer> transfer) {
    CURL* easy = nullptr;
    if (idle_.empty()) {
      easy = curl_easy_init();
      HttpTransfer::Prepare(easy);
    } else {
      easy = idle_.back();
      idle_.pop_back();
    }
    transfer->Configure(easy, &corked_);
    curl_multi_add_handle(multi_, easy);
    running_.emplace(id, Running{easy, std::move(transfer)});
    id_of_[easy] = id;
  }

  /// "http://host:8000"
  static std::string OriginOf(const std::string& url) {
    const auto scheme = url.find("://");
    return url.substr(0, url.find('/', scheme == std::string::npos ? 0 : scheme + 3));
  }

  std::unique_ptr<HttpTransfer> TakeWaiting(uint64_t id) {
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

  std::unique_ptr<HttpTransfer> Take(uint64_t id) {
    auto transfer = Remove(id);
    if (transfer) Leave(transfer->request());
    return transfer;
  }

  std::unique_ptr<HttpTransfer> Remove(uint64_t id) {
    const auto at = running_.find(id);
    if (at == running_.end()) return nullptr;
    auto transfer = std::move(at->second.transfer);
    CURL* easy = at->second.easy;
    curl_multi_remove_handle(multi_, easy);
    if (transfer->request().tls || transfer->request().aws) {
      curl_easy_reset(easy);
      HttpTransfer::Prepare(easy);
    }
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

  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  const std::unique_ptr<Env> env_;
  const int epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  const int wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CURLM* multi_ = nullptr;
  std::mutex mutex_;
  uint64_t next_id_ = 1;
  std::vector<Order> orders_;
  std::vector<uint64_t> cancelled_;

  // --- the client's thread only
  int64_t curl_at_us_ = kNever;  ///< when libcurl wants to be called
  std::unordered_map<uint64_t, Running> running_;
  std::unordered_map<CURL*, uint64_t> id_of_;
  std::vector<CURL*> idle_;
  CorkedSockets corked_;
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
