#include "models/triton/pace.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace millrace {

Pace::Pace(Limits limits, std::shared_ptr<Gauge> rows, std::shared_ptr<Gauge> requests)
    : limits_(limits),
      shown_rows_(std::move(rows)),
      shown_requests_(std::move(requests)),
      requests_(std::min(kFewestRequests, limits.most_requests)) {
  shown_rows_->Set(rows_);
  shown_requests_->Set(requests_);
}

int64_t Pace::rows() const {
  std::lock_guard lock(mutex_);
  return rows_;
}

bool Pace::Enter(std::function<void()> turn) {
  std::lock_guard lock(mutex_);
  if (under_way_ < requests_) {
    ++under_way_;
    return true;
  }
  waiting_.push_back(std::move(turn));
  return false;
}

void Pace::Leave() {
  std::vector<std::function<void()>> next;
  {
    std::lock_guard lock(mutex_);
    --under_way_;
    while (under_way_ < requests_ && !waiting_.empty()) {
      ++under_way_;
      next.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  for (const auto& turn : next) turn();
}

void Pace::Learn(int64_t rows, int64_t sent_us, int64_t now_us) {
  std::lock_guard lock(mutex_);
  if (now_us - sent_us > limits_.target_us) {
    if (sent_us < shrunk_us_) return;
    int64_t& limit = requests_ > kFewestRequests ? requests_ : rows_;
    limit = std::max<int64_t>(limit / 2, 1);
    probing_ = false;
    shrunk_us_ = now_us;
  } else if (rows >= rows_) {
    // A request that was not full says nothing of larger ones.
    if (rows_ < limits_.most_rows) {
      Grow(&rows_, std::max<int64_t>(limits_.most_rows / 64, 1), limits_.most_rows);
    } else if (!waiting_.empty()) {
      Grow(&requests_, 1, limits_.most_requests);
    }
  }
  shown_rows_->Set(rows_);
  shown_requests_->Set(requests_);
}

void Pace::Grow(int64_t* limit, int64_t step, int64_t most) const {
  *limit = std::min(most, probing_ ? *limit * 2 : *limit + step);
}

}  // namespace millrace
