#pragma once

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"

namespace millrace {

/// The keys of SET that have an effect: their docs, types, defaults.
std::span<const OptionSpec> SettingSpecs();

/// Whether the key is for how a job runs (checkpoints, recovery, restarts), not for its plan.
bool IsOfTheRun(std::string_view key);

/// The settings of a session. Thread-safe.
class Settings {
 public:
  /// What the user should know about the key, or empty: a key of Flink without effect here is kept
  /// and said so. A key that is neither is a user error that suggests one; so is a bad value.
  Result<std::string> Set(const std::string& key, const std::string& value, Position at = {});
  Status Reset(const std::string& key, Position at = {});
  void ResetAll();

  std::map<std::string, std::string> Written() const;
  std::string Get(std::string_view key) const;  ///< written, else the default
  bool GetBool(std::string_view key) const;     ///< of a checked kBool

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace millrace
