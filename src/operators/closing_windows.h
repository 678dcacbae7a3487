#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/type_fwd.h>

#include "expr/temporal.h"
#include "types/batch.h"
#include "types/time.h"

namespace millrace {

/// When the windows of rows close that bring the end of their window in a column: the watermark
/// that says that none of its rows is missing.
class ClosingWindows {
 public:
  /// `local`: the ends are times of `time_zone`.
  static Result<ClosingWindows> Make(int end_column, bool local, const std::string& time_zone);

  /// Takes the rows out of `batch` whose window has closed by `watermark`, and gives the watermark
  /// that closes the others, by row.
  struct Split {
    std::vector<int64_t> closes_us;
    Batch late;  ///< null rows: none is late
  };
  Result<Split> TakeLate(Batch* batch, EventTime watermark);
  /// Of each value of the end column.
  std::vector<int64_t> TimesOf(const arrow::Array& ends);

 private:
  int end_column_ = 0;
  std::optional<TimeZone> zone_;  ///< of the ends; none: UTC, or no zone at all
};

}  // namespace millrace
