#include "types/key_group.h"

#include <algorithm>
#include <bit>

namespace millrace {
namespace {

constexpr int kMinDefault = 128;
constexpr int kMaxDefault = 32768;

/// MathUtils.murmurHash of Flink: murmur3 of one 32-bit block with seed 0, made non-negative.
int32_t MurmurHash(int32_t code) {
  uint32_t h = static_cast<uint32_t>(code) * 0xcc9e2d51u;
  h = std::rotl(h, 15) * 0x1b873593u;
  h = std::rotl(h, 13) * 5 + 0xe6546b64u;
  h ^= 4;
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  h ^= h >> 16;
  const auto mixed = static_cast<int32_t>(h);
  if (mixed >= 0) return mixed;
  return mixed == INT32_MIN ? 0 : -mixed;
}

}  // namespace

int DefaultMaxParallelism(int parallelism) {
  const auto wanted = static_cast<unsigned>(parallelism + parallelism / 2);
  return std::clamp(static_cast<int>(std::bit_ceil(wanted)), kMinDefault, kMaxDefault);
}

KeyGroup KeyGroupOf(int32_t hash, int max_parallelism) {
  return KeyGroup{MurmurHash(hash) % max_parallelism};
}

KeyGroupRange KeyGroupRangeOf(int subtask, int parallelism, int max_parallelism) {
  const int64_t max = max_parallelism;
  const auto first = (subtask * max + parallelism - 1) / parallelism;
  const auto last = ((subtask + 1) * max - 1) / parallelism;
  return {KeyGroup{static_cast<int32_t>(first)}, KeyGroup{static_cast<int32_t>(last)}};
}

int SubtaskOf(KeyGroup group, int parallelism, int max_parallelism) {
  return static_cast<int>(static_cast<int64_t>(Raw(group)) * parallelism / max_parallelism);
}

}  // namespace millrace
