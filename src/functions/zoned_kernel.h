#pragma once

#include "expr/row_kernel.h"
#include "expr/temporal.h"
#include "functions/declare.h"

namespace millrace::functions {

/// The kernel that `make(zone)` gives for the session's time zone, looked up once per batch.
template <class Make>
ScalarKernel Zoned(Make make) {
  return [make](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext& context,
                RowErrors& errors) -> Result<ColumnValue> {
    ARROW_ASSIGN_OR_RAISE(const TimeZone zone, TimeZone::Find(context.time_zone));
    return make(zone)(arguments, rows, context, errors);
  };
}

}  // namespace millrace::functions
