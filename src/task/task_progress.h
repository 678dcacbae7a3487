#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "types/time.h"

namespace millrace {

/// What a task itself remembers in a snapshot, beside its operators' state: what its inputs had
/// told it. Without the watermarks a restored window would take rows that were late before.
struct TaskProgress {
  static constexpr int kVersion = 1;

  bool finished = false;
  std::vector<NodeId> nodes;          ///< of the stage: a restored one may have others, too
  std::vector<EventTime> watermarks;  ///< per input of the stage

  bool Finished(const NodeId& node) const;

  std::string ToBytes() const;
  static Result<TaskProgress> FromBytes(std::string_view bytes);
  /// What holds for both: finished if both are, the lower watermarks.
  void Combine(const TaskProgress& other);
};

}  // namespace millrace
