#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/env.h"
#include "models/triton/sequence_options.h"

namespace millrace {

/// The sequences that a model on a server has open (T7). Requests of one sequence go one at a time,
/// in the order in which they asked. A sequence whose request may or may not have been worked on is
/// closed: the next row opens a new one. After a restart all sequences open anew. Thread-safe.
class Sequences {
 public:
  /// What a request says of its sequence.
  struct Marks {
    std::string id;
    bool start = false, end = false;
    int64_t idle_us = -1;  ///< since the last request of the sequence; -1: this is its first
  };
  /// What is known after a request.
  enum class Ending : uint8_t {
    kDone,     ///< the server has taken it
    kRefused,  ///< the server has not; the sequence is as before
    kUnknown,  ///< nobody knows, or the server does not know the sequence: it is closed
    kNotSent,
  };
  using Turn = std::function<void()>;

  Sequences(const SequenceOptions& options, Env& env);

  /// True: the request may go at once. Else `turn` is handed out by the `Leave` of the one before.
  bool Enter(const std::string& key, Turn turn);
  /// The marks of the request whose turn it is; `start` and `end` are what its row asks for.
  Marks Begin(const std::string& key, int subtask, bool start, bool end);
  /// Gives the turn of the next request of the sequence, if there is one.
  Turn Leave(const std::string& key, const Marks& marks, Ending ending);

  size_t size() const;

 private:
  struct Sequence {
    std::string id;
    bool open = false;
    bool reopens = false;  ///< it was closed without the server's knowledge
    int64_t last_us = 0;
    bool busy = false;
    std::deque<Turn> waiting;
  };

  void ForgetOld(int64_t now_us);

  const SequenceOptions options_;
  Env& env_;
  mutable std::mutex mutex_;
  std::map<std::string, Sequence> sequences_;
  /// Begins at the clock, so that no id repeats after a restart.
  int64_t counter_;
  int64_t sweep_at_us_ = 0;
};

}  // namespace millrace
