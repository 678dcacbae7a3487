#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "state/part.h"
#include "state/state.h"

namespace millrace {

/// Rows of a part of a log.
struct LogRows {
  RowKeys keys;
  std::vector<EventTime> times;
  std::vector<int64_t> written_us;  ///< empty: it was written, or is read, without a TTL
  arrow::ArrayVector values;
};

/// The fields of a log's part: keys, "time", values; with a TTL, when each row was written.
arrow::FieldVector LogFields(const StateSpec& spec);

Status ReadLogPart(const PartHeader& expected, const KeyEncoder& encoder, std::string_view bytes,
                   const std::function<Status(const LogRows&)>& visit);

}  // namespace millrace
