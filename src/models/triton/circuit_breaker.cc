#include "models/triton/circuit_breaker.h"

#include <algorithm>

namespace millrace {

bool CircuitBreaker::Admit() {
  if (!settings_.enabled) return true;
  std::lock_guard lock(mutex_);
  if (state_ == State::kOpen && env_.MonotonicMicros() >= opened_at_us_ + settings_.open_us) {
    state_ = State::kHalfOpen;
    admitted_ = succeeded_ = 0;
  }
  if (state_ == State::kOpen) return false;
  return state_ == State::kClosed || admitted_++ < settings_.trials;
}

void CircuitBreaker::Succeeded() {
  std::lock_guard lock(mutex_);
  if (state_ == State::kClosed) Record(false);
  if (state_ != State::kHalfOpen || ++succeeded_ < settings_.trials) return;
  state_ = State::kClosed;
  failed_.clear();
  failures_ = 0;
}

void CircuitBreaker::Failed() {
  std::lock_guard lock(mutex_);
  if (state_ == State::kHalfOpen) return Open();
  if (state_ != State::kClosed) return;
  Record(true);
  const auto share = static_cast<double>(failures_) / static_cast<double>(failed_.size());
  if (failed_.size() >= kFewest && share >= settings_.failure_threshold) Open();
}

void CircuitBreaker::Withdrawn() {
  std::lock_guard lock(mutex_);
  if (state_ == State::kHalfOpen) admitted_ = std::max(0, admitted_ - 1);
}

void CircuitBreaker::Trip() {
  std::lock_guard lock(mutex_);
  if (settings_.enabled) Open();
}

void CircuitBreaker::Probe() {
  std::lock_guard lock(mutex_);
  if (state_ != State::kOpen) return;
  state_ = State::kHalfOpen;
  admitted_ = succeeded_ = 0;
}

CircuitBreaker::State CircuitBreaker::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

int64_t CircuitBreaker::retry_in_us() const {
  std::lock_guard lock(mutex_);
  if (state_ != State::kOpen) return 0;
  return std::max<int64_t>(0, opened_at_us_ + settings_.open_us - env_.MonotonicMicros());
}

void CircuitBreaker::Open() {
  state_ = State::kOpen;
  opened_at_us_ = env_.MonotonicMicros();
}

void CircuitBreaker::Record(bool failed) {
  failed_.push_back(failed);
  failures_ += failed;
  if (failed_.size() <= kWindow) return;
  failures_ -= failed_.front();
  failed_.pop_front();
}

const char* TextOf(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::kClosed:
      return "closed";
    case CircuitBreaker::State::kOpen:
      return "open";
    case CircuitBreaker::State::kHalfOpen:
      return "half-open";
  }
  return "";
}

}  // namespace millrace
