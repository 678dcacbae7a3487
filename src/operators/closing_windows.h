#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/type_fwd.h>

#include "expr/temporal.h"
#include "spi/operator_factory.h"
#include "types/batch.h"

namespace millrace {

/// When the windows of rows close that bring the end of their window in a column: the watermark
/// that says that none of its rows is missing.
class ClosingWindows {
 public:
  static Result<ClosingWindows> Make(const OperatorRequest& request, int end_column);

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
  std::optional<TimeZone> zone_;  ///< of ends that are local to it
};

}  // namespace millrace
