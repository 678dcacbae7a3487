#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "formats/format_testing.h"

namespace millrace {

/// For fuzzers: reads the same text whole and in pieces; every record must come out once, and
/// alike.
inline void CheckDecoder(const std::string& format, const Schema& schema, const OptionMap& options,
                         std::string_view text, size_t chunk, int64_t max_rows) {
  const auto whole = Read(**DecoderOf(format, schema, options), text, 1 << 20, 1 << 20);
  const auto pieces = Read(**DecoderOf(format, schema, options), text, chunk, max_rows);
  if (whole.ok() != pieces.ok()) __builtin_trap();
  if (!whole.ok()) return;
  if (whole->rows != pieces->rows || whole->rejected != pieces->rejected ||
      whole->lines != pieces->lines || whole->ignored != pieces->ignored) {
    __builtin_trap();
  }
  const auto records = static_cast<int64_t>(whole->rows.size() + whole->rejected.size());
  if (records > whole->lines) __builtin_trap();
}

inline Schema FuzzSchema(bool nested) {
  Schema schema({{"a", SqlType::Int(), {}},
                 {"b", SqlType::String(), {}},
                 {"c", SqlType::Double().AsNotNull(), {}},
                 {"d", SqlType::Decimal(10, 2), {}},
                 {"e", SqlType::TimestampLtz(3), {}},
                 {"f", SqlType::Array(SqlType::Int()), {}}});
  if (nested) {
    schema.Add("g", SqlType::Row(
                        {{"x", SqlType::Bytes(), {}}, {"y", SqlType::Array(SqlType::Time()), {}}}));
    schema.Add("h", SqlType::Map(SqlType::String(), SqlType::Boolean()));
  }
  return schema;
}

}  // namespace millrace
