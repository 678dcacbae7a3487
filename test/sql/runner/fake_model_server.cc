#include "fake_model_server.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <utility>

#include <nlohmann/json.hpp>

#include "net/test_http.h"

namespace millrace::sql_script {
namespace {

using nlohmann::json;

constexpr std::string_view kFiles = "http://files/";
constexpr int kMostRefusals = 3;
constexpr double kTooMuch = 1000;
constexpr int64_t kSlowestMicros = 20'000;

HttpResult NoResponse(HttpPhase phase, const std::string& why) {
  HttpResult result;
  result.phase = phase;
  result.status = Error::Transient(why);
  return result;
}

std::string Refusal(const std::string& why) { return json({{"error", why}}).dump(); }

/// What the server tells of itself and its models.
HttpResult Tell(const std::string& url) {
  const auto asks = [&](std::string_view what) { return url.ends_with(what); };
  if (asks("/v2/health/ready")) return ResponseOf(200, "");
  if (asks("/v2")) return ResponseOf(200, R"({"extensions":[]})");
  for (const std::string name : {"flaky", "picky", "conversation"}) {
    if (asks("/" + name + "/config")) {
      json config = {{"max_batch_size", 8}};
      if (name == "conversation") config["sequence_batching"] = json::object();
      return ResponseOf(200, config.dump());
    }
    if (!asks("/" + name)) continue;
    const auto column = [](const char* tensor) {
      return json({{"name", tensor}, {"datatype", "FP64"}, {"shape", {-1, 1}}});
    };
    return ResponseOf(200, json({{"name", name},
                                 {"versions", {"1"}},
                                 {"inputs", {column("x")}},
                                 {"outputs", {column("y")}}})
                               .dump());
  }
  return ResponseOf(404, Refusal("there is no " + url));
}

}  // namespace

void FakeModelServer::Crash() {
  ways_.reset();
  std::erase_if(timers_, [](const auto& timer) { return !timer.second.at_once; });
  while (!timers_.empty()) {
    const auto work = std::move(timers_.extract(timers_.begin()).mapped().work);
    work();
  }
  calls_.clear();
  for (auto& [id, sequence] : sequences_) sequence.busy = sequence.known = false;
  for (auto& [base, counted] : counted_) counted.subtask.clear();
}

HttpCallId FakeModelServer::Send(HttpRequest request, HttpDone done) {
  const HttpCallId id{next_++};
  if (request.url.starts_with(kFiles)) {
    done(FileAt(request.url));
  } else if (!request.url.ends_with("/infer")) {
    done(Tell(request.url));
  } else if (!ways_) {
    done(NoResponse(HttpPhase::kConnect, "nobody may ask the models now"));
  } else {
    calls_.emplace(id, Call{std::move(request), std::move(done)});
    Soon(id, [this, id](Call& call) {
      if (ways_->reaches()) Infer(id, call);
    });
  }
  return id;
}

void FakeModelServer::Cancel(HttpCallId id) {
  timers_.erase(id);
  const auto at = calls_.find(id);
  if (at == calls_.end()) return;
  HttpResult result = NoResponse(at->second.phase, "the request was cancelled");
  result.cancelled = true;
  Finish(id, std::move(result));
}

HttpCallId FakeModelServer::After(int64_t delay_us, std::function<void()> work) {
  const HttpCallId id{next_++};
  const bool at_once = delay_us == 0;
  if (!ways_ && !at_once) return id;
  timers_.emplace(id, Timer{at_once, std::move(work)});
  if (!ways_) return id;
  ways_->after(delay_us, [this, id] {
    const auto timer = timers_.extract(id);
    if (!timer.empty()) timer.mapped().work();
  });
  return id;
}

void FakeModelServer::Soon(HttpCallId id, std::function<void(Call&)> work) {
  ways_->after(1 + Draw(kSlowestMicros), [this, id, work = std::move(work)] {
    const auto at = calls_.find(id);
    if (at != calls_.end()) work(at->second);
  });
}

void FakeModelServer::Finish(HttpCallId id, HttpResult result) {
  const auto at = calls_.find(id);
  Call call = std::move(at->second);
  calls_.erase(at);
  if (!call.sequence.empty()) {
    Sequence& sequence = sequences_[call.sequence];
    sequence.busy = false;
    sequence.known = result.status.ok() && result.response.status != 504;
  }
  call.done(std::move(result));
}

void FakeModelServer::Answer(HttpCallId id, int status, std::string body) {
  Soon(id,
       [this, id, status, body = std::move(body)](Call&) { Finish(id, ResponseOf(status, body)); });
}

void FakeModelServer::LoseAnswer(HttpCallId id, const Call& call) {
  switch (Draw(3)) {
    case 0:
      return Answer(id, 504, Refusal("the gateway gave up"));
    case 1:
      return Soon(id, [this, id](Call&) {
        Finish(id, NoResponse(HttpPhase::kWait, "connection reset by peer"));
      });
    default:
      ways_->after(call.request.timeout_us, [this, id] {
        if (!calls_.contains(id)) return;
        HttpResult late = NoResponse(HttpPhase::kWait, "Request timed out");
        late.timed_out = true;
        Finish(id, std::move(late));
      });
  }
}

bool FakeModelServer::Refuses(const std::string& request) {
  int& refusals = refusals_[request];
  if (refusals < kMostRefusals && Draw(2) == 0) {
    ++refusals;
    return true;
  }
  refusals_.erase(request);
  return false;
}

HttpResult FakeModelServer::FileAt(const std::string& url) {
  if (ways_ && Refuses(url)) {
    if (Draw(2) == 0) return ResponseOf(503, "busy");
    return NoResponse(HttpPhase::kReceive, "connection reset by peer");
  }
  const auto file = files_.find(url.substr(kFiles.size()));
  return file == files_.end() ? ResponseOf(404, "no such file") : ResponseOf(200, file->second);
}

bool FakeModelServer::LetsThrough(HttpCallId id, Call& call, const std::string& body,
                                  bool in_sequence) {
  if (!Refuses(body)) return true;
  // What leaves open whether the work was done is no refusal, to a model that keeps state.
  switch (Draw(in_sequence ? 3 : 5)) {
    case 0:
      Answer(id, 503, Refusal("too many requests wait"));
      break;
    case 1:
      Answer(id, 429, Refusal("slow down"));
      break;
    case 2:
      Soon(id, [this, id](Call&) {
        Finish(id, NoResponse(HttpPhase::kConnect, "connection refused"));
      });
      break;
    case 3:
      Answer(id, 500, Refusal("out of memory"));
      break;
    default:
      call.phase = HttpPhase::kWait;
      LoseAnswer(id, call);
      break;
  }
  return false;
}

std::string FakeModelServer::CheckCounted(const std::string& sequence, bool start) {
  static const std::regex kCounted("(.*)-(\\d+)-(\\d+)");
  std::smatch parts;
  if (!std::regex_match(sequence, parts, kCounted)) return {};
  Counted& counted = counted_[parts[1]];
  if (counted.subtask.empty()) counted.subtask = parts[2];
  if (counted.subtask != parts[2]) {
    return "comes from another subtask than those before it, " + counted.subtask;
  }
  const int64_t count = std::stoll(parts[3]);
  if (start ? count <= counted.last_count : count != counted.last_count) {
    return "comes after " + std::to_string(counted.last_count);
  }
  counted.last_count = count;
  return {};
}

std::string FakeModelServer::CheckTurn(const Sequence& sequence, bool start, double x) {
  if (sequence.busy) return "has a request while another is at work";
  if (start) return sequence.open && sequence.known ? "begins anew without a reason" : "";
  if (!sequence.open) return "goes on without a beginning";
  if (!sequence.known) return "goes on, and nobody knows from where";
  if (x > sequence.last_x) return {};
  return "sees " + std::to_string(x) + " after " + std::to_string(sequence.last_x);
}

std::string FakeModelServer::Converse(Call& call, const std::string& id, bool start, bool end,
                                      double x) {
  Sequence& sequence = sequences_[id];
  std::string wrong = CheckCounted(id, start);
  if (wrong.empty()) wrong = CheckTurn(sequence, start, x);
  if (!wrong.empty()) return "the sequence '" + id + "' " + wrong;
  sequence = {.open = !end, .busy = true, .known = false, .last_x = x};
  call.sequence = id;
  return {};
}

void FakeModelServer::Infer(HttpCallId id, Call& call) {
  const std::string text = BodyOf(call.request);
  const json body = json::parse(text);
  const auto xs = body.at("inputs").at(0).at("data").get<std::vector<double>>();
  const auto is = [&](std::string_view model) {
    return call.request.url.ends_with("/" + std::string(model) + "/infer");
  };
  if (is("picky")) {
    if (std::ranges::any_of(xs, [](double x) { return x < 0; })) {
      return Answer(id, 400, Refusal("x is negative"));
    }
    if (std::ranges::any_of(xs, [](double x) { return x > kTooMuch; })) {
      return Answer(id, 500, Refusal("the model failed"));
    }
  } else if (!LetsThrough(id, call, text, is("conversation"))) {
    return;
  }
  call.phase = HttpPhase::kWait;
  if (is("conversation")) {
    const json parameters = body.value("parameters", json::object());
    const std::string wrong = Converse(call, parameters.value("sequence_id", ""),
                                       parameters.value("sequence_start", false),
                                       parameters.value("sequence_end", false), xs.at(0));
    if (!wrong.empty()) {
      violations_.push_back(wrong);
      return Answer(id, 400, Refusal(wrong));
    }
    if (std::fmod(xs.at(0), 10) == 5) return LoseAnswer(id, call);
  }
  json ys = json::array();
  for (const double x : xs) ys.push_back(2 * x);
  const json y = {{"name", "y"}, {"datatype", "FP64"}, {"shape", {xs.size(), 1}}, {"data", ys}};
  Answer(id, 200, json({{"model_name", "m"}, {"model_version", "1"}, {"outputs", {y}}}).dump());
}

}  // namespace millrace::sql_script
