#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "types/schema.h"

namespace millrace {

/// What became of a version of a streamed model (M9).
struct ModelEvent {
  int64_t at_us = 0;  ///< since 1970
  std::string model;
  std::string key;      ///< of the rows it is for: "red", or "red, 2019"
  int64_t version = 0;  ///< the record's, else its place among them
  std::string hash;     ///< of its bytes; empty until they are known
  std::string event;    ///< one of those below
  std::string reason;   ///< of a refusal or a rollback

  bool operator==(const ModelEvent&) const = default;
};

inline constexpr std::string_view kVersionLoaded = "loaded";
inline constexpr std::string_view kVersionRefused = "refused";
inline constexpr std::string_view kVersionTried = "rollout";  ///< its rollout begins
inline constexpr std::string_view kVersionServes = "serves";
inline constexpr std::string_view kVersionByHand = "by hand";  ///< ALTER MODEL … SET VERSION
inline constexpr std::string_view kVersionRolledBack = "rolled back";

/// The latest events of each model of a process, 1,000 of each: what a `ModelRuntime` may be
/// besides. Thread-safe.
class ModelHistory {
 public:
  /// Nothing where it is known, as after a restore in the same process.
  void Add(ModelEvent event);
  /// Of all models, by name; in the order of their times.
  std::vector<ModelEvent> Events() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<ModelEvent>> events_;  ///< by model
};

/// Columns of the table `millrace.model_history`: the members of `ModelEvent`, `key` as
/// `model_key`, the time as `happened_at`.
Schema ModelHistorySchema();

}  // namespace millrace
