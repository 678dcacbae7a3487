#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

/// Values from text and back, in the forms that Flink SQL reads and prints. Parsers take the whole
/// text (no spaces around it), answer false where it is not such a value or does not fit, and leave
/// `out` alone then. Times are proleptic Gregorian. Formatters append.

bool ParseBoolean(std::string_view text, bool* out);  ///< true | false, in any case
/// Decimal digits with an optional sign, within [min, max].
bool ParseInteger(std::string_view text, int64_t min, int64_t max, int64_t* out);
/// As SQL and Java write them, "NaN", "Infinity" and "-Infinity" included.
bool ParseDouble(std::string_view text, double* out);
bool ParseFloat(std::string_view text, float* out);
/// "-12.5", "1.25e2": exact, then rounded half up to `scale`; false where more than `precision`
/// digits are left.
bool ParseDecimal(std::string_view text, int precision, int scale, __int128* out);
bool ParseDate(std::string_view text, int32_t* days);  ///< "2024-02-29"
bool ParseTime(std::string_view text,
               int32_t* ms);  ///< "13:45", "13:45:07.123"; more digits are cut

/// A timestamp's text may end with "Z" or an offset ("+02:00"); `us` is then UTC and `has_zone`
/// true.
struct TimestampText {
  int64_t us = 0;
  bool has_zone = false;
};
/// "2024-02-29", "2024-02-29 13:45[:07[.123456789]]", with 'T' for the space; digits below µs are
/// cut.
bool ParseTimestamp(std::string_view text, TimestampText* out);

void FormatInteger(int64_t value, std::string* out);
void FormatDouble(double value,
                  std::string* out);  ///< shortest that reads back; as Java: "1.0", "1.0E10", "NaN"
void FormatFloat(float value, std::string* out);
void FormatDecimal(__int128 value, int scale, std::string* out);
void FormatDate(int32_t days, std::string* out);
/// With `precision` digits of the second's fraction.
void FormatTime(int32_t ms, int precision, std::string* out);
void FormatTimestamp(int64_t us, int precision, char separator, std::string* out);

}  // namespace millrace
