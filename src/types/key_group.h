#pragma once

#include <cstdint>

#include "base/ids.h"

namespace millrace {

/// Groups `first` to `last`, both included.
struct KeyGroupRange {
  KeyGroup first{0};
  KeyGroup last{-1};

  bool Contains(KeyGroup group) const { return group >= first && group <= last; }
  int size() const { return Raw(last) - Raw(first) + 1; }
  bool operator==(const KeyGroupRange&) const = default;
};

/// Flink's default: roundUpPow2(1.5 p) within [128, 32768].
int DefaultMaxParallelism(int parallelism);

/// murmur(hash) mod `max_parallelism`, as Flink assigns an object whose hashCode is `hash`.
KeyGroup KeyGroupOf(int32_t hash, int max_parallelism);

/// Flink's ranges: subtask i owns ceil(i*max/p) … floor(((i+1)*max - 1)/p).
KeyGroupRange KeyGroupRangeOf(int subtask, int parallelism, int max_parallelism);
int SubtaskOf(KeyGroup group, int parallelism, int max_parallelism);

}  // namespace millrace
