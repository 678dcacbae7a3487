#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/value_sketch.h"
#include "plan/nodes.h"

namespace millrace {

/// What one version has done during a rollout.
struct VersionTally {
  int64_t rows = 0;
  int64_t failed = 0;
  int64_t scoring_us = 0;
  std::vector<ValueSketch> scores;  ///< of the outputs that are numbers
};

/// The rollout of the newest version of one key (docs/decisions/0016).
struct Rollout {
  int64_t candidate = 0;  ///< its order
  int64_t since_us = 0;   ///< wall clock
  VersionTally serving, tried;
};

/// For the state; `RolloutOf` reads it.
std::string TextOf(const Rollout& rollout);
Result<Rollout> RolloutOf(std::string_view text);

struct Verdict {
  enum class Kind { kGoOn, kPromote, kRollBack };
  Kind kind = Kind::kGoOn;
  std::string reason;  ///< of a rollback
};

/// Whether the new version scores a row with this hash of its `RolloutConfig::keys`; `salt` tells
/// models with the same keys apart. Never changes: a replay must give the same answer.
bool IsTried(const RolloutConfig& config, uint64_t hash, uint64_t salt);
uint64_t SaltOf(std::string_view model);

/// How many more rows the new version may score before `Judge` is asked; 0: any number.
int64_t RowsUntilJudged(const RolloutConfig& config, const Rollout& rollout);

/// Asked after exactly so many rows: what becomes of the new version.
Verdict Judge(const RolloutConfig& config, const Rollout& rollout, int64_t now_us);

}  // namespace millrace
