#pragma once

#include <cstdint>
#include <limits>

namespace millrace {

/// Of the simulated machine. What has an effect beyond the process (on a disk, at a broker) asks
/// for it first, so that a crash can come between any two effects.
class Power {
 public:
  void Restore() { uses_left_ = completions_left_ = kEndless; }
  void Lose() { uses_left_ = 0; }
  /// `uses` more effects happen; at least one.
  void LoseAfter(int64_t uses) { uses_left_ = uses; }
  /// It goes just after so many more files were put in place by a rename: a checkpoint is complete
  /// or a part of a sink's output is, and nobody was told.
  void LoseAfterCompletions(int64_t completions) { completions_left_ = completions; }

  /// False: the effect does not happen.
  bool Use() { return !lost() && uses_left_-- > 0; }
  bool UseToComplete() { return Use() && completions_left_-- > 0; }
  bool lost() const { return uses_left_ <= 0 || completions_left_ <= 0; }

 private:
  static constexpr int64_t kEndless = std::numeric_limits<int64_t>::max();
  int64_t uses_left_ = kEndless;
  int64_t completions_left_ = kEndless;
};

}  // namespace millrace
