#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "spi/source.h"

namespace millrace {

/// Every `step`-th row number from `first` on: the rows that one split generates.
struct RowNumbers {
  int64_t first = 0;
  int64_t step = 1;
  int64_t count = 0;

  int64_t at(int64_t i) const { return first + i * step; }
};

/// Rows that are a function of their number and a seed. One thread at a time.
class RowGenerator {
 public:
  virtual ~RowGenerator() = default;
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Generate(const RowNumbers& numbers,
                                                               uint64_t seed, int64_t now_us) = 0;
};

struct GeneratedRows {
  std::optional<int64_t> total;  ///< rows of all splits together; none: no end
  double per_second = 0;         ///< of all splits together; 0: as fast as they are taken
};

/// As many splits as readers: split i of n has the rows i, i + n, i + 2n, …; row k is due
/// k/per_second after its split was begun or restored. The seed is drawn once, from `Env`, where
/// `seed` is none.
std::unique_ptr<SplitFinder> MakeGeneratedFinder(std::optional<uint64_t> seed);
std::unique_ptr<SourceReader> MakeGeneratedReader(GeneratedRows rows,
                                                  std::unique_ptr<RowGenerator> generator,
                                                  Env& env);

/// A well-mixed 64-bit function of a seed and a number (splitmix64's finalizer).
inline uint64_t Mix(uint64_t seed, uint64_t number) {
  uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

/// `random` scaled to [0, n), n > 0.
inline uint64_t Below(uint64_t random, uint64_t n) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(random) * n) >> 64);
}

/// `random` as a double in [0, 1).
inline double Unit(uint64_t random) { return static_cast<double>(random >> 11) * 0x1.0p-53; }

}  // namespace millrace
