#pragma once

#include <cstdint>
#include <vector>

#include "types/key_group.h"

namespace millrace {

/// Remembers for each key group of a state in which snapshot its last change is seen first.
class PartVersions {
 public:
  explicit PartVersions(KeyGroupRange range)
      : first_(Raw(range.first)), changed_(static_cast<size_t>(range.size()), 1) {}

  void Mark(KeyGroup group) { changed_[static_cast<size_t>(Raw(group) - first_)] = epoch_; }
  /// For a snapshot; what is marked from here on is newer.
  PartVersions Freeze() {
    PartVersions frozen = *this;
    ++epoch_;
    return frozen;
  }
  uint64_t of(KeyGroup group) const { return changed_[static_cast<size_t>(Raw(group) - first_)]; }

 private:
  int32_t first_;
  uint64_t epoch_ = 1;
  std::vector<uint64_t> changed_;
};

}  // namespace millrace
