#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/env.h"
#include "models/test_services.h"
#include "net/test_http.h"

namespace millrace {

/// Time that stands still until a test moves it.
class VirtualEnv final : public Env {
 public:
  int64_t NowMicros() override { return now_us; }
  int64_t MonotonicMicros() override { return now_us; }
  uint64_t Random() override { return random; }
  void Execute(std::function<void()> work) override { work(); }
  FileSystem& files() override { std::abort(); }  // allowed: tests that touch files are wrong

  int64_t now_us = 1'700'000'000'000'000;
  uint64_t random = 0;
};

/// A client whose server is a function of the test, on virtual time: requests wait in `open` until
/// they are answered, unless `answer_at_once` answers them.
class FakeHttpClient final : public HttpClient {
 public:
  struct Open {
    HttpCallId id;
    HttpRequest request;
    HttpDone done;
    int64_t sent_us = 0;
  };

  explicit FakeHttpClient(VirtualEnv& env) : env_(env) {}

  HttpCallId Send(HttpRequest request, HttpDone done) override {
    const HttpCallId id{next_++};
    if (answer_at_once) {
      if (auto result = answer_at_once(request)) {
        done(std::move(*result));
        return id;
      }
    }
    open.push_back({id, std::move(request), std::move(done), env_.now_us});
    return id;
  }
  void Cancel(HttpCallId call) override {
    std::erase_if(timers_, [&](const auto& timer) { return timer.second.first == call; });
    const auto at =
        std::find_if(open.begin(), open.end(), [&](const Open& each) { return each.id == call; });
    if (at == open.end()) return;
    HttpResult result;
    result.cancelled = true;
    result.phase = HttpPhase::kWait;
    result.status = Error::Transient("the request was cancelled");
    Finish(static_cast<size_t>(at - open.begin()), std::move(result));
  }
  HttpCallId After(int64_t delay_us, std::function<void()> work) override {
    const HttpCallId id{next_++};
    timers_.emplace(env_.now_us + delay_us, std::pair(id, std::move(work)));
    return id;
  }

  /// Moves time on and runs what is due, in order.
  void Advance(int64_t us) {
    const int64_t until_us = env_.now_us + us;
    while (!timers_.empty() && timers_.begin()->first <= until_us) {
      const auto at = timers_.begin();
      env_.now_us = at->first;
      auto work = std::move(at->second.second);
      timers_.erase(at);
      work();
    }
    env_.now_us = until_us;
  }

  void Finish(size_t i, HttpResult result) {
    Open call = std::move(open[i]);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
    call.done(std::move(result));
  }
  void Answer(size_t i, int status, std::string body) {
    Finish(i, ResponseOf(status, std::move(body)));
  }
  /// No answer comes: the request got as far as `phase`.
  void Lose(size_t i, HttpPhase phase) {
    HttpResult result;
    result.phase = phase;
    result.status = Error::Transient("connection lost");
    Finish(i, std::move(result));
  }

  std::deque<Open> open;
  std::function<std::optional<HttpResult>(const HttpRequest&)> answer_at_once;

 private:
  VirtualEnv& env_;
  uint64_t next_ = 1;
  std::multimap<int64_t, std::pair<HttpCallId, std::function<void()>>> timers_;
};

/// Services on virtual time, with the providers of this folder.
class VirtualServices final : public Services {
 public:
  VirtualServices() { RegisterModelProviders(registries_.providers); }

  Env& env() override { return virtual_env; }
  const Registries& registries() const override { return registries_; }
  ModelRuntime& models() override { std::abort(); }  // allowed: these tests load by themselves
  const SecretProvider& secrets() const override { return secrets_; }
  MetricRegistry& metrics() override { return metrics_; }
  HttpClient& http() override { return client; }
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view) override {
    return Error::Internal("no receivers");
  }

  VirtualEnv virtual_env;
  FakeHttpClient client{virtual_env};

 private:
  MetricRegistry metrics_;
  Registries registries_;
  OneSecret secrets_;
};

}  // namespace millrace
