#include "expr/temporal.h"

#include "expr/row_kernel.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/temporal_kernels.h"
#include "functions/time_units.h"
#include "functions/zoned_kernel.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

/// A kernel over times as microseconds of local time; the result, where it is a time, is of the
/// first time's type. `Args` follow the times.
int64_t ToMicros(const SqlType& type, int64_t value, TimeZone& zone) {
  switch (type.kind()) {
    case TypeKind::kDate:
      return value * kMicrosPerDay;
    case TypeKind::kTime:
      return value * 1000;
    case TypeKind::kTimestampLtz:
      return zone.ToLocal(value);
    default:
      return value;
  }
}
int64_t FromMicros(const SqlType& type, int64_t us, TimeZone& zone) {
  switch (type.kind()) {
    case TypeKind::kDate:
      return FloorDiv(us, kMicrosPerDay);
    case TypeKind::kTime:
      return FloorMod(us, kMicrosPerDay) / 1000;
    case TypeKind::kTimestampLtz:
      return zone.ToUtc(us);
    default:
      return us;
  }
}

bool Narrow(const SqlType& type) {
  return type.kind() == TypeKind::kDate || type.kind() == TypeKind::kTime;
}

/// (ignored literal, time) -> a number or a time of the same type.
template <class Out, class F>
ScalarKernel OneTime(const SqlType& result, const SqlType& type, bool unit_first, F f) {
  return Zoned([=](const TimeZone& found) -> ScalarKernel {
    const auto with = [&]<class In>(In) -> ScalarKernel {
      const auto call = [=, zone = found](In value) mutable {
        return static_cast<Out>(f(type, value, zone));
      };
      const ScalarKernel kernel = RowKernel<Out, In>(result, call);
      return [kernel, unit_first](std::span<const ColumnValue> arguments, int64_t rows,
                                  const EvalContext& context, RowErrors& errors) {
        return kernel(arguments.subspan(unit_first ? 1 : 0, 1), rows, context, errors);
      };
    };
    return Narrow(type) ? with(int32_t{}) : with(int64_t{});
  });
}

ScalarKernel ExtractKernel(const SqlType& result, const SqlType& type, Unit unit, bool unit_first) {
  return OneTime<int64_t>(result, type, unit_first,
                          [unit](const SqlType& t, int64_t value, TimeZone& zone) {
                            return unit == Unit::kEpoch && t.kind() == TypeKind::kTimestampLtz
                                       ? FloorDiv(value, kMicrosPerSecond)
                                       : Extract(unit, ToMicros(t, value, zone));
                          });
}

Result<SqlType> TimeArgument(const std::string& function, size_t index, const SqlType& type) {
  if (type.is_null()) return SqlType::Timestamp();
  if (type.is_temporal()) return type;
  return WrongArgument(function, index, "", "a date or timestamp", type, SqlType::Timestamp(3));
}

ScalarFunctionSpec ExtractSpec() {
  ScalarFunctionSpec spec =
      TemporalFunction("EXTRACT", "EXTRACT(unit FROM time)",
                       "A part of a time: YEAR, QUARTER, MONTH, WEEK, DAY, DOY, DOW, "
                       "HOUR, MINUTE, SECOND, MILLISECOND, EPOCH …",
                       {"EXTRACT(DAY FROM DATE '2006-06-05')", "5"});
  spec.bind = [](Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("EXTRACT", types.size(), 2, 2));
    ARROW_ASSIGN_OR_RAISE(const std::string text, TextLiteral("EXTRACT", 0, literals));
    ARROW_ASSIGN_OR_RAISE(const Unit unit, ParseUnit("EXTRACT", text));
    const SqlType result = SqlType::BigInt().AsNullable(types[1].nullable());
    if (types[1].is_interval()) {
      const bool months = types[1].kind() == TypeKind::kIntervalYearMonth;
      ScalarKernel kernel = months ? RowKernel<int64_t, std::string_view, int32_t>(
                                         result,
                                         [unit](std::string_view, int32_t x) -> int64_t {
                                           return unit == Unit::kYear ? x / 12 : x % 12;
                                         })
                                   : RowKernel<int64_t, std::string_view, int64_t>(
                                         result, [unit](std::string_view, int64_t us) -> int64_t {
                                           return unit == Unit::kDay
                                                      ? us / kMicrosPerDay
                                                      : Extract(unit, us % kMicrosPerDay);
                                         });
      return WithKernel(result, {types[0], types[1]}, std::move(kernel));
    }
    ARROW_ASSIGN_OR_RAISE(const SqlType type, TimeArgument("EXTRACT", 1, types[1]));
    return WithKernel(result, {types[0], type}, ExtractKernel(result, type, unit, true));
  };
  return spec;
}

ScalarFunctionSpec Part(const std::string& name, Unit unit, const std::string& doc,
                        FunctionExample example) {
  ScalarFunctionSpec spec = TemporalFunction(name, name + "(time)", doc, std::move(example));
  spec.bind = [name, unit](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 1));
    ARROW_ASSIGN_OR_RAISE(const SqlType type, TimeArgument(name, 0, types[0]));
    const SqlType result = SqlType::BigInt().AsNullable(type.nullable());
    return WithKernel(result, {type}, ExtractKernel(result, type, unit, false));
  };
  return spec;
}

ScalarFunctionSpec TimestampAdd() {
  ScalarFunctionSpec spec = TemporalFunction(
      "TIMESTAMPADD", "TIMESTAMPADD(unit, count, time)", "The time that many units later.",
      {"TIMESTAMPADD(WEEK, 1, DATE '2003-01-02')", "2003-01-09"});
  spec.bind = [](Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("TIMESTAMPADD", types.size(), 3, 3));
    ARROW_ASSIGN_OR_RAISE(const std::string text, TextLiteral("TIMESTAMPADD", 0, literals));
    ARROW_ASSIGN_OR_RAISE(const Unit unit, ParseUnit("TIMESTAMPADD", text));
    if (!types[1].is_integer() && !types[1].is_null()) {
      return WrongArgument("TIMESTAMPADD", 1, "count", "an integer", types[1], SqlType::BigInt());
    }
    ARROW_ASSIGN_OR_RAISE(const SqlType type, TimeArgument("TIMESTAMPADD", 2, types[2]));
    // A clock unit makes a timestamp of a date.
    const bool to_timestamp =
        type.kind() == TypeKind::kDate && MonthsOf(unit) == 0 && MicrosOf(unit) < kMicrosPerDay;
    const SqlType result =
        (to_timestamp ? SqlType::Timestamp(3) : type).AsNullable(AnyNullable(types));
    const auto kernel = [&]<class T>(T) {
      return Zoned([=](const TimeZone& found) -> ScalarKernel {
        return RowKernel<T, std::string_view, int64_t, T>(
            result, [=, zone = found](std::string_view, int64_t count, T time) mutable {
              return static_cast<T>(
                  FromMicros(result, AddUnits(unit, ToMicros(result, time, zone), count), zone));
            });
      });
    };
    return WithKernel(result, {types[0], SqlType::BigInt(), result},
                      Narrow(result) ? kernel(int32_t{}) : kernel(int64_t{}));
  };
  return spec;
}

ScalarFunctionSpec TimestampDiff() {
  ScalarFunctionSpec spec = TemporalFunction(
      "TIMESTAMPDIFF", "TIMESTAMPDIFF(unit, from, to)", "Whole units from one time to another.",
      {"TIMESTAMPDIFF(DAY, TIMESTAMP '2003-01-02 10:00:00', TIMESTAMP '2003-01-03 10:00:00')",
       "1"});
  spec.bind = [](Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("TIMESTAMPDIFF", types.size(), 3, 3));
    ARROW_ASSIGN_OR_RAISE(const std::string text, TextLiteral("TIMESTAMPDIFF", 0, literals));
    ARROW_ASSIGN_OR_RAISE(const Unit unit, ParseUnit("TIMESTAMPDIFF", text));
    for (const size_t i : {size_t{1}, size_t{2}})
      ARROW_RETURN_NOT_OK(TimeArgument("TIMESTAMPDIFF", i, types[i]).status());
    ARROW_ASSIGN_OR_RAISE(SqlType common, CommonOf("TIMESTAMPDIFF", types, 1));
    if (Narrow(common)) common = SqlType::Timestamp();
    const SqlType result = SqlType::Int().AsNullable(AnyNullable(types));
    ScalarKernel kernel = Zoned([=](const TimeZone& found) -> ScalarKernel {
      return RowKernel<int32_t, std::string_view, int64_t, int64_t>(
          result, [=, zone = found](std::string_view, int64_t from, int64_t to) mutable {
            return static_cast<int32_t>(
                Difference(unit, ToMicros(common, from, zone), ToMicros(common, to, zone)));
          });
    });
    return WithKernel(result, {types[0], common, common}, std::move(kernel));
  };
  return spec;
}

/// A value that is the same for all rows of a batch.
template <class Out, class F>
ScalarFunctionSpec Now(const std::string& name, std::vector<std::string> aliases, SqlType type,
                       std::string doc, bool call, F f) {
  ScalarFunctionSpec spec = TemporalFunction(name, call ? name + "()" : name, std::move(doc), {});
  spec.examples.clear();
  spec.aliases = std::move(aliases);
  spec.deterministic = false;
  const bool nullable = name == "CURRENT_WATERMARK";
  spec.bind = [name, type, f, nullable](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 0, nullable ? 1 : 0));
    // A watermark is of the type of its rowtime.
    const SqlType result = !types.empty() && types[0].is_timestamp() ? types[0] : type;
    ScalarKernel kernel = [arrow_type = result.ToArrow(), f](std::span<const ColumnValue>, int64_t,
                                                             const EvalContext& context,
                                                             RowErrors&) -> Result<ColumnValue> {
      ARROW_ASSIGN_OR_RAISE(TimeZone zone, TimeZone::Find(context.time_zone));
      ColumnWriter<Out> writer(arrow_type, 1);
      ARROW_RETURN_NOT_OK(writer.Open());
      const std::optional<int64_t> value = f(context, zone);
      if (value)
        writer.Append(static_cast<Out>(*value));
      else
        ARROW_RETURN_NOT_OK(writer.AppendNull());
      ARROW_ASSIGN_OR_RAISE(auto array, writer.Finish());
      return ColumnValue{array, true};
    };
    return WithKernel(result.AsNullable(nullable), {types.begin(), types.end()}, std::move(kernel));
  };
  return spec;
}

}  // namespace

Result<BoundFunction> BindRoundToUnit(const std::string& function, Types types, Literals literals) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, TextLiteral(function, 1, literals));
  ARROW_ASSIGN_OR_RAISE(const Unit unit, ParseUnit(function, text));
  ARROW_ASSIGN_OR_RAISE(const SqlType type, TimeArgument(function, 0, types[0]));
  if (MonthsOf(unit) == 0 && MicrosOf(unit) == 0)
    return Error::User(function + " cannot round to " + text);
  const bool up = function == "CEIL";
  const auto round = [unit, up](const SqlType& t, int64_t value, TimeZone& zone) {
    const int64_t us = ToMicros(t, value, zone);
    return FromMicros(t, up ? RoundUp(unit, us) : RoundDown(unit, us), zone);
  };
  ScalarKernel kernel = Narrow(type) ? OneTime<int32_t>(type, type, false, round)
                                     : OneTime<int64_t>(type, type, false, round);
  return WithKernel(type, {type, types[1]}, std::move(kernel));
}

BoundFunction NegateInterval(const SqlType& type) {
  if (type.kind() == TypeKind::kIntervalYearMonth) {
    return WithKernel(type, {type},
                      RowKernel<int32_t, int32_t>(type, [](int32_t x) { return -x; }));
  }
  return WithKernel(type, {type}, RowKernel<int64_t, int64_t>(type, [](int64_t x) { return -x; }));
}

std::optional<BoundFunction> BindTemporalArithmetic(const std::string& sign, Types types) {
  const SqlType& a = types[0];
  const SqlType& b = types[1];
  const bool nullable = AnyNullable(types);
  const int64_t direction = sign == "-" ? -1 : 1;
  if (a.is_interval() && (sign == "*" || sign == "/") && b.is_integer()) {
    const bool times = sign == "*";
    const auto kernel = [&]<class T>(T) {
      return RowKernel<T, T, int64_t>(a,
                                      [times](RowScope& row, T x, int64_t n) -> std::optional<T> {
                                        if (!times && n == 0) return row.Fail("division by zero");
                                        return static_cast<T>(times ? x * n : x / n);
                                      });
    };
    const bool months = a.kind() == TypeKind::kIntervalYearMonth;
    return WithKernel(a.AsNullable(nullable), {a, SqlType::BigInt()},
                      months ? kernel(int32_t{}) : kernel(int64_t{}), !times);
  }
  if (sign == "*" && a.is_integer() && b.is_interval()) {
    const auto kernel = [&]<class T>(T) {
      return RowKernel<T, int64_t, T>(b, [](int64_t n, T x) { return static_cast<T>(x * n); });
    };
    const bool months = b.kind() == TypeKind::kIntervalYearMonth;
    return WithKernel(b.AsNullable(nullable), {SqlType::BigInt(), b},
                      months ? kernel(int32_t{}) : kernel(int64_t{}));
  }
  if (sign != "+" && sign != "-") return std::nullopt;
  if (a.is_interval() && b.is_interval() && a.kind() == b.kind()) {
    const auto kernel = [&]<class T>(T) {
      return RowKernel<T, T, T>(
          a, [direction](T x, T y) { return static_cast<T>(x + direction * y); });
    };
    const bool months = a.kind() == TypeKind::kIntervalYearMonth;
    return WithKernel(a.AsNullable(nullable), {a, b},
                      months ? kernel(int32_t{}) : kernel(int64_t{}));
  }
  const bool swapped = a.is_interval() && b.is_temporal() && sign == "+";
  const SqlType& time = swapped ? b : a;
  const SqlType& interval = swapped ? a : b;
  if (!time.is_temporal() || !interval.is_interval()) return std::nullopt;
  const bool months = interval.kind() == TypeKind::kIntervalYearMonth;
  const auto kernel = [&]<class Time, class Interval>(Time, Interval) -> ScalarKernel {
    return Zoned([=](const TimeZone& found) -> ScalarKernel {
      auto add = [=, zone = found](Time x, Interval n) mutable {
        if (!months && time.is_timestamp()) return static_cast<Time>(x + direction * n);
        const int64_t us = ToMicros(time, x, zone);
        return static_cast<Time>(
            FromMicros(time, months ? AddMonthsTo(us, direction * n) : us + direction * n, zone));
      };
      if (swapped)
        return RowKernel<Time, Interval, Time>(
            time, [add](Interval n, Time x) mutable { return add(x, n); });
      return RowKernel<Time, Time, Interval>(time, add);
    });
  };
  ScalarKernel made;
  if (Narrow(time))
    made = months ? kernel(int32_t{}, int32_t{}) : kernel(int32_t{}, int64_t{});
  else
    made = months ? kernel(int64_t{}, int32_t{}) : kernel(int64_t{}, int64_t{});
  return WithKernel(time.AsNullable(nullable), {a, b}, std::move(made));
}

void AddTemporal(Registries& registries) {
  auto& to = registries.functions;
  to.Add(ExtractSpec());
  to.Add(Part("YEAR", Unit::kYear, "The year.", {"YEAR(DATE '1994-09-27')", "1994"}));
  to.Add(
      Part("QUARTER", Unit::kQuarter, "The quarter, 1 to 4.", {"QUARTER(DATE '1994-09-27')", "3"}));
  to.Add(Part("MONTH", Unit::kMonth, "The month, 1 to 12.", {"MONTH(DATE '1994-09-27')", "9"}));
  to.Add(Part("WEEK", Unit::kWeek, "The ISO week, 1 to 53.", {"WEEK(DATE '1994-09-27')", "39"}));
  to.Add(Part("DAYOFYEAR", Unit::kDayOfYear, "The day of the year, 1 to 366.",
              {"DAYOFYEAR(DATE '1994-09-27')", "270"}));
  to.Add(Part("DAYOFMONTH", Unit::kDay, "The day of the month, 1 to 31.",
              {"DAYOFMONTH(DATE '1994-09-27')", "27"}));
  to.Add(Part("DAYOFWEEK", Unit::kDayOfWeek, "The day of the week, 1 (Sunday) to 7.",
              {"DAYOFWEEK(DATE '1994-09-27')", "3"}));
  to.Add(Part("HOUR", Unit::kHour, "The hour, 0 to 23.",
              {"HOUR(TIMESTAMP '1994-09-27 13:14:15')", "13"}));
  to.Add(Part("MINUTE", Unit::kMinute, "The minute, 0 to 59.",
              {"MINUTE(TIMESTAMP '1994-09-27 13:14:15')", "14"}));
  to.Add(Part("SECOND", Unit::kSecond, "The second, 0 to 59.",
              {"SECOND(TIMESTAMP '1994-09-27 13:14:15')", "15"}));
  to.Add(TimestampAdd());
  to.Add(TimestampDiff());
  const auto local = [](const EvalContext& context, TimeZone& zone) {
    return zone.ToLocal(context.now_us);
  };
  to.Add(Now<int32_t>("CURRENT_DATE", {}, SqlType::Date(), "Today in the session's time zone.",
                      false, [local](const EvalContext& c, TimeZone& z) -> std::optional<int64_t> {
                        return FloorDiv(local(c, z), kMicrosPerDay);
                      }));
  to.Add(Now<int32_t>("LOCALTIME", {"CURRENT_TIME"}, SqlType::Time(0),
                      "The time of day in the session's time zone.", false,
                      [local](const EvalContext& c, TimeZone& z) -> std::optional<int64_t> {
                        return FloorMod(local(c, z), kMicrosPerDay) / kMicrosPerSecond * 1000;
                      }));
  to.Add(Now<int64_t>("LOCALTIMESTAMP", {}, SqlType::Timestamp(3),
                      "Date and time in the session's time zone.", false,
                      [local](const EvalContext& c, TimeZone& z) -> std::optional<int64_t> {
                        return TruncateToPrecision(local(c, z), 3);
                      }));
  const auto now = [](const EvalContext& c, TimeZone&) -> std::optional<int64_t> {
    return TruncateToPrecision(c.now_us, 3);
  };
  to.Add(Now<int64_t>("CURRENT_TIMESTAMP", {"NOW", "CURRENT_ROW_TIMESTAMP"},
                      SqlType::TimestampLtz(3), "The time now.", false, now));
  to.Add(Now<int64_t>("PROCTIME", {}, SqlType::TimestampLtz(3),
                      "The time now; a computed column of it is a processing-time attribute.", true,
                      now));
  to.Add(Now<int64_t>("CURRENT_WATERMARK", {}, SqlType::TimestampLtz(3),
                      "The watermark; NULL before there is one.", true,
                      [](const EvalContext& c, TimeZone&) -> std::optional<int64_t> {
                        if (c.watermark_us == std::numeric_limits<int64_t>::min())
                          return std::nullopt;
                        return c.watermark_us;
                      }));
}

}  // namespace millrace::functions
