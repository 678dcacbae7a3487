#include "expr/cast_parts.h"
#include "expr/temporal.h"

namespace millrace::cast {
namespace {

/// A kernel of `f(value, zone)`, with the session's zone.
template <class Out, class In, class F>
ScalarKernel ZonedKernel(const SqlType& to, F f) {
  return [to, f](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext& context,
                 RowErrors& errors) -> Result<ColumnValue> {
    ARROW_ASSIGN_OR_RAISE(const TimeZone found, TimeZone::Find(context.time_zone));
    const auto kernel =
        RowKernel<Out, In>(to, [f, zone = found](In value) mutable { return f(value, zone); });
    return kernel(arguments, rows, context, errors);
  };
}

ScalarKernel FromDate(const SqlType& to) {
  if (to.kind() == TypeKind::kTimestamp) {
    return RowKernel<int64_t, int32_t>(to, [](int32_t days) { return days * kMicrosPerDay; });
  }
  return ZonedKernel<int64_t, int32_t>(
      to, [](int32_t days, TimeZone& zone) { return zone.ToUtc(days * kMicrosPerDay); });
}

ScalarKernel FromTime(const SqlType& to) {
  if (to.kind() == TypeKind::kTime) {
    const int precision = to.precision();
    return RowKernel<int32_t, int32_t>(to, [precision](int32_t ms) {
      return static_cast<int32_t>(TruncateToPrecision(int64_t{ms} * 1000, precision) / 1000);
    });
  }
  const int precision = to.precision();
  if (to.kind() == TypeKind::kTimestamp) {
    return RowKernel<int64_t, int32_t>(
        to, [precision](int32_t ms) { return TruncateToPrecision(int64_t{ms} * 1000, precision); });
  }
  return ZonedKernel<int64_t, int32_t>(to, [precision](int32_t ms, TimeZone& zone) {
    return zone.ToUtc(TruncateToPrecision(int64_t{ms} * 1000, precision));
  });
}

/// Of local time `us`: the date, the time of day or the timestamp.
template <class Local>
ScalarKernel FromLocal(const SqlType& to, Local local) {
  const int precision = to.precision();
  if (to.kind() == TypeKind::kDate) {
    return ZonedKernel<int32_t, int64_t>(to, [local](int64_t us, TimeZone& zone) {
      return static_cast<int32_t>(FloorDiv(local(us, zone), kMicrosPerDay));
    });
  }
  if (to.kind() == TypeKind::kTime) {
    return ZonedKernel<int32_t, int64_t>(to, [local, precision](int64_t us, TimeZone& zone) {
      return static_cast<int32_t>(
          FloorMod(TruncateToPrecision(local(us, zone), precision), kMicrosPerDay) / 1000);
    });
  }
  return ZonedKernel<int64_t, int64_t>(to, [local, precision](int64_t us, TimeZone& zone) {
    return TruncateToPrecision(local(us, zone), precision);
  });
}

}  // namespace

ScalarKernel TemporalCast(const SqlType& from, const SqlType& to) {
  switch (from.kind()) {
    case TypeKind::kDate:
      return FromDate(to);
    case TypeKind::kTime:
      return FromTime(to);
    case TypeKind::kTimestamp:
      if (to.kind() == TypeKind::kTimestampLtz) {
        return FromLocal(to, [](int64_t us, TimeZone& zone) { return zone.ToUtc(us); });
      }
      return FromLocal(to, [](int64_t us, TimeZone&) { return us; });
    case TypeKind::kTimestampLtz:
      if (to.kind() == TypeKind::kTimestampLtz) {
        return FromLocal(to, [](int64_t us, TimeZone&) { return us; });
      }
      return FromLocal(to, [](int64_t us, TimeZone& zone) { return zone.ToLocal(us); });
    default:
      return nullptr;
  }
}

}  // namespace millrace::cast
