#include "types/key_group.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(KeyGroupTest, IsFlinksMurmurOfTheHash) {
  // Published vectors of MurmurHash3_x86_32 with seed 0 for the four bytes of the hash,
  // little-endian; Flink takes the absolute value: 0x2362F9DE, 0x76293B50, and 0xF55B516B, which is
  // negative.
  constexpr int kMax = 32768;
  EXPECT_EQ(KeyGroupOf(0, kMax), KeyGroup{0x2362F9DE % kMax});
  EXPECT_EQ(KeyGroupOf(-1, kMax), KeyGroup{0x76293B50 % kMax});
  EXPECT_EQ(KeyGroupOf(static_cast<int32_t>(0x87654321), kMax), KeyGroup{0x0AA4AE95 % kMax});
  EXPECT_EQ(KeyGroupOf(0, 128), KeyGroup{0x2362F9DE % 128});
  EXPECT_EQ(KeyGroupOf(0, 1), KeyGroup{0});
}

TEST(KeyGroupTest, DefaultMaxParallelismIsFlinks) {
  const struct {
    int parallelism, max;
  } cases[] = {{1, 128}, {85, 128}, {86, 256}, {171, 256}, {1000, 2048}, {30000, 32768}};
  for (const auto& c : cases)
    EXPECT_EQ(DefaultMaxParallelism(c.parallelism), c.max) << c.parallelism;
}

TEST(KeyGroupTest, RangesAreFlinks) {
  EXPECT_EQ(KeyGroupRangeOf(0, 3, 128), (KeyGroupRange{KeyGroup{0}, KeyGroup{42}}));
  EXPECT_EQ(KeyGroupRangeOf(1, 3, 128), (KeyGroupRange{KeyGroup{43}, KeyGroup{85}}));
  EXPECT_EQ(KeyGroupRangeOf(2, 3, 128), (KeyGroupRange{KeyGroup{86}, KeyGroup{127}}));
  EXPECT_EQ(KeyGroupRangeOf(0, 1, 128).size(), 128);
}

TEST(KeyGroupTest, RangesCoverAllGroupsOnceAndAgreeWithTheSubtask) {
  for (const int max : {1, 2, 7, 128, 32768}) {
    for (int parallelism = 1; parallelism <= std::min(max, 20); ++parallelism) {
      int next = 0;
      for (int subtask = 0; subtask < parallelism; ++subtask) {
        const KeyGroupRange range = KeyGroupRangeOf(subtask, parallelism, max);
        ASSERT_EQ(range.first, KeyGroup{next});
        for (const int group : {Raw(range.first), Raw(range.last)}) {
          ASSERT_EQ(SubtaskOf(KeyGroup{group}, parallelism, max), subtask);
        }
        next = Raw(range.last) + 1;
      }
      ASSERT_EQ(next, max);
    }
  }
}

}  // namespace
}  // namespace millrace
