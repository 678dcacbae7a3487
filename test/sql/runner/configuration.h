#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::sql_script {

/// How the jobs of a script are run. What they answer does not depend on it.
struct Configuration {
  std::string name;
  int batch_rows = 1024;
  /// A job is killed at a moment that the seed draws and goes on with the next; with the last it
  /// comes to its end.
  std::vector<int> parallelism = {1};
  bool through_json = false;  ///< what runs is the plan read back from its JSON
  bool faults = false;        ///< failing writes, clocks that jump, models that are slow
  uint64_t seed = 1;
  /// Instead of what the seed draws: each job crashes with a checkpoint that begins after so many
  /// steps. 0: not so.
  int64_t barrier_at = 0;

  /// Rows count once their checkpoint is complete.
  bool commits() const { return parallelism.size() > 1 || faults; }
  /// The one in which every single change is seen, in one order.
  bool exact() const { return batch_rows == 1 && parallelism == std::vector<int>{1} && !commits(); }
};

/// Anything, as the seed has it.
Configuration Drawn(uint64_t seed);

/// A crash with a checkpoint after so many steps, and a restore at another parallelism.
Configuration WithBarrierAt(int64_t step);

}  // namespace millrace::sql_script
