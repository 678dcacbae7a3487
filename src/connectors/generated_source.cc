#include "connectors/generated_source.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <limits>

#include <arrow/record_batch.h>

#include "connectors/splits_at_once.h"

namespace millrace {
namespace {

/// Rows next, next + step, … of a seed.
struct Progress {
  int64_t next = 0;
  int64_t step = 1;
  uint64_t seed = 0;

  std::string ToText() const {
    return std::to_string(next) + " " + std::to_string(step) + " " + std::to_string(seed);
  }
  static Result<Progress> From(const Split& split) {
    Progress progress;
    const char* at = split.position.data();
    const char* const end = at + split.position.size();
    const auto read = [&](auto* value) {
      if (at < end && *at == ' ') ++at;
      const auto result = std::from_chars(at, end, *value);
      at = result.ptr;
      return result.ec == std::errc();
    };
    if (!read(&progress.next) || !read(&progress.step) || !read(&progress.seed) ||
        progress.step < 1) {
      return Error::Internal("the position of split '" + split.id + "' cannot be read");
    }
    return progress;
  }
};

class GeneratedFinder final : public SplitsAtOnce {
 public:
  explicit GeneratedFinder(std::optional<uint64_t> seed) : seed_(seed) {}

 private:
  Result<std::vector<Split>> Find(int parallelism, Env& env) override {
    const uint64_t seed = seed_ ? *seed_ : env.Random();
    std::vector<Split> splits;
    for (int i = 0; i < parallelism; ++i) {
      splits.push_back({std::to_string(i), Progress{i, parallelism, seed}.ToText()});
    }
    return splits;
  }

  std::optional<uint64_t> seed_;
};

class GeneratedReader final : public SourceReader {
 public:
  GeneratedReader(GeneratedRows rows, std::unique_ptr<RowGenerator> generator, Env& env)
      : rows_(rows), generator_(std::move(generator)), env_(env) {}

  Status AddSplits(std::vector<Split> splits) override {
    for (auto& split : splits) {
      ARROW_ASSIGN_OR_RAISE(const auto progress, Progress::From(split));
      splits_.push_back({std::move(split.id), progress, progress.next, -1, false});
    }
    if (ready_) ready_();
    return Status::OK();
  }
  void NoMoreSplits() override {
    no_more_ = true;
    if (ready_) ready_();
  }
  void OnReady(std::function<void()> ready) override { ready_ = std::move(ready); }
  void Pause(std::span<const std::string> splits, bool paused) override {
    for (auto& split : splits_) {
      if (std::find(splits.begin(), splits.end(), split.id) != splits.end()) split.paused = paused;
    }
    if (!paused && ready_) ready_();
  }
  Result<std::vector<Split>> Snapshot() override {
    std::vector<Split> splits;
    for (const auto& split : splits_) splits.push_back({split.id, split.progress.ToText()});
    return splits;
  }

  Result<Poll> PollNext(int64_t max_rows, int64_t /*max_bytes*/) override {
    Poll poll;
    const int64_t now_us = env_.NowMicros();
    for (size_t i = 0; i < splits_.size(); ++i) {
      Active& split = splits_.front();
      const int64_t due = split.paused ? 0 : Due(split, now_us);
      const int64_t left = Left(split);
      if (due > 0 || left == 0) {
        poll.kind = Poll::Kind::kRows;
        poll.split = split.id;
        const int64_t count = std::min({max_rows, due, left});
        ARROW_ASSIGN_OR_RAISE(
            poll.rows.rows, generator_->Generate({split.progress.next, split.progress.step, count},
                                                 split.progress.seed, now_us));
        poll.rows.ingest_us = now_us;
        split.progress.next += count * split.progress.step;
        poll.split_finished = count == left;
        if (poll.split_finished) {
          splits_.pop_front();
        } else {
          Rotate();
        }
        return poll;
      }
      if (!split.paused) poll.again_at = std::min(poll.again_at, ProcTime{DueAt(split)});
      Rotate();
    }
    if (splits_.empty() && no_more_) poll.kind = Poll::Kind::kFinished;
    return poll;
  }

 private:
  struct Active {
    std::string id;
    Progress progress;
    int64_t base_row;  ///< the first one since it was begun or restored
    int64_t base_us;   ///< when; -1: not begun
    bool paused;
  };

  /// Splits take turns.
  void Rotate() { std::rotate(splits_.begin(), splits_.begin() + 1, splits_.end()); }

  /// Rows of the split that there are still to be.
  int64_t Left(const Active& split) const {
    if (!rows_.total) return std::numeric_limits<int64_t>::max();
    const auto& [next, step, seed] = split.progress;
    return next >= *rows_.total ? 0 : (*rows_.total - next + step - 1) / step;
  }

  /// Rows of the split whose time has come.
  int64_t Due(Active& split, int64_t now_us) const {
    if (rows_.per_second <= 0) return std::numeric_limits<int64_t>::max();
    if (split.base_us < 0) split.base_us = now_us;
    const auto& [next, step, seed] = split.progress;
    // The last row number that is due, of all splits'.
    const double passed = static_cast<double>(now_us - split.base_us) * rows_.per_second / 1e6;
    const int64_t last =
        split.base_row - split.base_row % step + static_cast<int64_t>(passed + 1e-9);
    return last < next ? 0 : (last - next) / step + 1;
  }

  int64_t DueAt(const Active& split) const {
    const auto& [next, step, seed] = split.progress;
    const auto rows = static_cast<double>(next - (split.base_row - split.base_row % step));
    return split.base_us + static_cast<int64_t>(std::ceil(rows * 1e6 / rows_.per_second));
  }

  GeneratedRows rows_;
  std::unique_ptr<RowGenerator> generator_;
  Env& env_;
  std::deque<Active> splits_;
  bool no_more_ = false;
  std::function<void()> ready_;
};

}  // namespace

std::unique_ptr<SplitFinder> MakeGeneratedFinder(std::optional<uint64_t> seed) {
  return std::make_unique<GeneratedFinder>(seed);
}

std::unique_ptr<SourceReader> MakeGeneratedReader(GeneratedRows rows,
                                                  std::unique_ptr<RowGenerator> generator,
                                                  Env& env) {
  return std::make_unique<GeneratedReader>(rows, std::move(generator), env);
}

}  // namespace millrace
