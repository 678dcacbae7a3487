#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "runtime/checkpoint.h"

namespace millrace {

/// Reads parts of a checkpoint in order, large ones ahead of when they are asked for, on other
/// threads: files are read and checked while state is built from the parts before. One thread at a
/// time.
class PartReader {
 public:
  /// `env` outlives the reads that are under way, and is asked for no more than it has: where no
  /// other thread has begun a read, `Next` does it.
  PartReader(Env& env, const Checkpoint& checkpoint, std::vector<StoredPart> parts);

  /// As `ReadPart`, of the next part; not beyond the last.
  Result<std::string> Next();

 private:
  struct Read;

  void ReadAhead();

  Env& env_;
  const std::shared_ptr<const Checkpoint> checkpoint_;
  const std::vector<StoredPart> parts_;
  size_t begun_ = 0;
  int64_t ahead_bytes_ = 0;
  std::deque<std::shared_ptr<Read>> ahead_;
};

}  // namespace millrace
