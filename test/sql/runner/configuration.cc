#include "configuration.h"

#include <random>

namespace millrace::sql_script {

Configuration Drawn(uint64_t seed) {
  std::mt19937_64 random(seed);
  constexpr int kRows[] = {1, 2, 3, 7, 64, 1024};
  Configuration configuration{.name = "seed_" + std::to_string(seed),
                              .batch_rows = kRows[random() % std::size(kRows)],
                              .parallelism = {},
                              .through_json = random() % 8 == 0,
                              .faults = random() % 4 != 0,
                              .seed = seed};
  for (uint64_t lives = 1 + random() % 4; lives > 0; --lives) {
    configuration.parallelism.push_back(1 + static_cast<int>(random() % 5));
  }
  return configuration;
}

Configuration WithBarrierAt(int64_t step) {
  return {.name = "barrier_" + std::to_string(step),
          .batch_rows = 3,
          .parallelism = {2, 3},
          .barrier_at = step};
}

}  // namespace millrace::sql_script
