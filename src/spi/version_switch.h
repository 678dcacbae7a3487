#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace millrace {

/// Lets versions of streamed models serve by hand, `ALTER MODEL m SET VERSION n` (M9): what a
/// `ModelRuntime` may be besides. Thread-safe.
class VersionSwitch {
 public:
  virtual ~VersionSwitch() = default;
  /// `told` hears of the versions for that model, on any thread, until the handle goes.
  virtual std::shared_ptr<void> Listen(const std::string& model,
                                       std::function<void(int64_t version)> told) = 0;
  /// How many listeners were told.
  virtual int Serve(const std::string& model, int64_t version) = 0;
};

}  // namespace millrace
