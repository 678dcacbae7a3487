#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/ids.h"
#include "types/batch.h"
#include "types/schema.h"
#include "types/time.h"

namespace millrace {

/// A piece of a source that one reader reads in order: a file, a partition, a range of a generator.
struct Split {
  std::string id;
  std::string position;  ///< the connector's own bytes: where to go on
};

/// Records that could not be read, for the rejected port: source STRING, position BIGINT, reason
/// STRING, raw STRING (what is not UTF-8 in it is replaced by U+FFFD).
Schema RejectedSchema();

/// More of a rejected record is not kept.
inline constexpr size_t kMaxRejectedBytes = 64 << 10;

struct RejectedRecord {
  std::string source;  ///< file, topic/partition …
  int64_t position;    ///< line (1-based) or offset
  std::string reason;
  std::string raw;  ///< the record as it came, at most `kMaxRejectedBytes` of it
};
Result<Batch> MakeRejected(std::span<const RejectedRecord> records);

struct Poll {
  enum class Kind {
    kRows,
    kNotReady,  ///< the reader calls its ready function when there is more, or at `again_at`
    kFinished,  ///< no split is left and none will be added
  };
  Kind kind = Kind::kNotReady;
  std::string split;  ///< the rows' split
  Batch rows;         ///< in the order of the split; may be empty where all were rejected
  Batch rejected;
  ProcTime again_at;
  bool split_finished = false;
};

/// Finds splits, in subtask 0 only; the host gives them to readers. Methods may be called from any
/// one thread at a time and may block for short.
class SplitFinder {
 public:
  virtual ~SplitFinder() = default;
  /// `state` is what `Snapshot` gave, or empty. `parallelism`: how many readers there are.
  virtual Status Open(const std::string& state, int parallelism, Env& env) = 0;
  virtual Result<std::vector<Split>> NewSplits() = 0;
  virtual bool finished() const = 0;  ///< no more splits will come
  virtual void OnReady(std::function<void()> ready) = 0;
  virtual Result<std::string> Snapshot() = 0;
};

/// Implemented by the operator of a source whose splits the host assigns; called on the task's
/// thread, after `Open`.
class SplitTaker {
 public:
  virtual ~SplitTaker() = default;
  virtual Status AddSplits(std::vector<Split> splits) = 0;
  virtual Status NoMoreSplits() = 0;  ///< none but those given already
};

/// Reads splits. One thread at a time; never blocks longer than a local read.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  virtual Status AddSplits(std::vector<Split> splits) = 0;
  virtual void NoMoreSplits() = 0;
  /// Rows of one split, at most about `max_rows` and `max_bytes`.
  virtual Result<Poll> PollNext(int64_t max_rows, int64_t max_bytes) = 0;
  virtual void OnReady(std::function<void()> ready) = 0;
  virtual void Pause(std::span<const std::string> splits, bool paused) = 0;
  /// The splits in reading with their positions after the last row that was polled.
  virtual Result<std::vector<Split>> Snapshot() = 0;
  virtual void OnCheckpointComplete(CheckpointId /*id*/) {}
};

}  // namespace millrace
