#include "models/triton/sequences.h"

#include <utility>

namespace millrace {
namespace {

/// No server keeps a sequence that has been idle for so long.
constexpr int64_t kForgetAfterMicros = 3'600'000'000;

}  // namespace

Sequences::Sequences(const SequenceOptions& options, Env& env)
    : options_(options), env_(env), counter_(env.NowMicros()) {}

bool Sequences::Enter(const std::string& key, Turn turn) {
  std::lock_guard lock(mutex_);
  Sequence& sequence = sequences_[key];
  if (!std::exchange(sequence.busy, true)) return true;
  sequence.waiting.push_back(std::move(turn));
  return false;
}

Sequences::Marks Sequences::Begin(const std::string& key, int subtask, bool start, bool end) {
  std::lock_guard lock(mutex_);
  Sequence& sequence = sequences_[key];
  const int64_t now_us = env_.MonotonicMicros();
  Marks marks;
  const int64_t idle_us = now_us - sequence.last_us;
  const bool gap = options_.gap_us > 0 && idle_us > options_.gap_us;
  const bool each_row = options_.auto_increment && !options_.has_columns();
  const bool asks = options_.start.column >= 0 && start;
  const bool opens = !sequence.open || gap || each_row || asks;
  if (opens) {
    sequence.id = options_.auto_increment
                      ? key + '-' + std::to_string(subtask) + '-' + std::to_string(counter_++)
                      : key;
  } else {
    marks.idle_us = idle_us;
  }
  marks.id = sequence.id;
  const bool per_id = options_.has_columns() || options_.auto_increment;
  const bool marked = start && (opens || !per_id);
  marks.start = marked || gap || (opens && sequence.reopens);
  marks.end = end;
  return marks;
}

Sequences::Turn Sequences::Leave(const std::string& key, const Marks& marks, Ending ending) {
  std::lock_guard lock(mutex_);
  const auto at = sequences_.find(key);
  Sequence& sequence = at->second;
  if (ending != Ending::kNotSent) sequence.last_us = env_.MonotonicMicros();
  if (ending == Ending::kDone) {
    sequence.open = !marks.end;
    sequence.reopens = false;
  } else if (ending == Ending::kUnknown) {
    sequence.open = false;
    sequence.reopens = true;
  }
  if (!sequence.waiting.empty()) {
    Turn next = std::move(sequence.waiting.front());
    sequence.waiting.pop_front();
    return next;
  }
  sequence.busy = false;
  if (!sequence.open && !sequence.reopens) sequences_.erase(at);
  ForgetOld(env_.MonotonicMicros());
  return nullptr;
}

void Sequences::ForgetOld(int64_t now_us) {
  if (now_us < sweep_at_us_) return;
  sweep_at_us_ = now_us + kForgetAfterMicros / 60;
  std::erase_if(sequences_, [&](const auto& each) {
    return !each.second.busy && now_us - each.second.last_us > kForgetAfterMicros;
  });
}

size_t Sequences::size() const {
  std::lock_guard lock(mutex_);
  return sequences_.size();
}

}  // namespace millrace
