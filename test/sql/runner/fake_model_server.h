#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace millrace::sql_script {

/// A server of the Open Inference Protocol in memory, which lives on when a client's process dies.
/// Its models take x DOUBLE and answer y DOUBLE, twice as much:
///   - `flaky`: a request at the fourth attempt at the latest. What comes before is drawn:
///   refusals,
///     failures, connections that are lost before and after the work, silence.
///   - `picky`: refuses a request with a negative x, and fails at one with an x above 1,000.
///   - `conversation`: keeps state by sequence. Refuses requests now and then; where x ends in 5,
///     its answer is lost. Of ids that end in a subtask and a counter, those that begin alike come
///     from one subtask, and none comes twice.
/// It also has files, at http://files/…, and gives them at the fourth attempt at the latest. One
/// thread. Outside of a process (`Begin`) it only tells what models there are.
class FakeModelServer final : public HttpClient {
 public:
  /// How things happen in one process of the client.
  struct Ways {
    std::function<void(int64_t micros, std::function<void()>)> after;
    std::function<uint64_t()> random;
    std::function<bool()> reaches;  ///< false: the process is dead; nothing of it comes through
  };

  void Begin(Ways ways) { ways_ = std::move(ways); }
  /// The process is gone, with its connections. What it was about to do at once, it does; its calls
  /// have been cancelled.
  void Crash();

  void PutFile(const std::string& path, std::string_view content) { files_[path] = content; }

  /// What clients have done to sequences that nobody may do.
  const std::vector<std::string>& violations() const { return violations_; }

  HttpCallId Send(HttpRequest request, HttpDone done) override;
  void Cancel(HttpCallId call) override;
  HttpCallId After(int64_t delay_us, std::function<void()> work) override;

 private:
  struct Call {
    HttpRequest request;
    HttpDone done;
    HttpPhase phase = HttpPhase::kConnect;
    std::string sequence = {};  ///< that it is at work on
  };
  struct Timer {
    bool at_once;
    std::function<void()> work;
  };
  struct Sequence {
    bool open = false;
    bool busy = false;
    bool known = false;  ///< the client knows how its last request ended
    double last_x = 0;
  };
  /// Those of the ids `{base}-{subtask}-{counter}`.
  struct Counted {
    std::string subtask;  ///< in this process; empty: none yet
    int64_t last_count = 0;
  };

  int64_t Draw(int64_t limit) {
    return static_cast<int64_t>(ways_->random() % static_cast<uint64_t>(limit));
  }
  void Soon(HttpCallId id, std::function<void(Call&)> work);
  void Finish(HttpCallId id, HttpResult result);
  void Answer(HttpCallId id, int status, std::string body);
  void LoseAnswer(HttpCallId id, const Call& call);
  /// Whether a request that is still to be answered gets a refusal this time.
  bool Refuses(const std::string& request);
  HttpResult FileAt(const std::string& url);
  void Infer(HttpCallId id, Call& call);
  /// False: this attempt is refused, or lost before the work, and more may be.
  bool LetsThrough(HttpCallId id, Call& call, const std::string& body, bool in_sequence);
  // Empty, or what is wrong with the request.
  std::string CheckCounted(const std::string& sequence, bool start);
  static std::string CheckTurn(const Sequence& sequence, bool start, double x);
  std::string Converse(Call& call, const std::string& sequence, bool start, bool end, double x);

  std::optional<Ways> ways_;
  uint64_t next_ = 1;
  std::map<HttpCallId, Call> calls_;
  std::map<HttpCallId, Timer> timers_;
  /// Of requests that are still to be answered: by body, or by URL.
  std::map<std::string, int> refusals_;
  std::map<std::string, std::string> files_;
  std::map<std::string, Sequence> sequences_;
  std::map<std::string, Counted> counted_;  ///< by base
  std::vector<std::string> violations_;
};

}  // namespace millrace::sql_script
