#include "formats/json.h"

namespace millrace {

FormatSpec JsonFormat() {
  FormatSpec spec;
  spec.name = "json";
  spec.doc =
      "JSON: one object a line, its members the columns by name. Numbers keep all their digits in "
      "a DECIMAL; binary "
      "values are in base64; a STRING takes any value, a value that is no string as its JSON text. "
      "A record that does "
      "not fit its columns leaves at the table's rejected port with line and reason. A "
      "TIMESTAMP_LTZ without a zone "
      "is UTC.";
  spec.example =
      "CREATE TABLE t (id BIGINT, place ROW<lat DOUBLE, lon DOUBLE>, tags ARRAY<STRING>) WITH (\n"
      "  'connector' = 'filesystem', 'path' = 'data/*.json', 'format' = 'json')";
  spec.options = {
      {.key = "fail-on-missing-field",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether a record that lacks a column's member is rejected; otherwise the column is "
              "NULL."},
      {.key = "ignore-parse-errors",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether a field that cannot be read becomes NULL and is counted, and a record that "
              "is no JSON is left "
              "out and counted, instead of being rejected."},
      {.key = "timestamp-format.standard",
       .type = OptionType::kEnum,
       .default_value = "SQL",
       .doc = "'SQL': '2024-02-29 12:30:00.123', with 'Z' for TIMESTAMP_LTZ; 'ISO-8601': a 'T' "
              "between date and time.",
       .choices = {"SQL", "ISO-8601"}},
      {.key = "map-null-key.mode",
       .type = OptionType::kEnum,
       .default_value = "FAIL",
       .doc = "Accepted for Flink's scripts: a MAP here has no NULL keys.",
       .choices = {"FAIL", "DROP", "LITERAL"}},
      {.key = "map-null-key.literal",
       .default_value = "null",
       .doc = "Accepted for Flink's scripts."},
      {.key = "encode.decimal-as-plain-number",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether a sink writes decimals without an exponent: 0.00000027 instead of 2.7E-7."},
      {.key = "encode.ignore-null-fields",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether a sink leaves out members that are NULL."},
  };
  spec.make_decoder = MakeJsonDecoder;
  spec.make_encoder = MakeJsonEncoder;
  return spec;
}

}  // namespace millrace
