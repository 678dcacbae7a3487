#include "formats/csv.h"

namespace millrace {
namespace {

/// One byte from an option; "\t" and "\\t" are both a tab.
Result<char> OneCharacter(const Options& options, std::string_view key) {
  const std::string text = options.String(key);
  if (text.size() == 1) return text[0];
  if (text == "\\t") return '\t';
  return Error::User("'csv." + std::string(key) + "' must be one ASCII character, not '" + text +
                     "'")
      .Hint("write '\\t' for a tab");
}

}  // namespace

Result<CsvOptions> CsvOptions::From(const Options& options) {
  CsvOptions result;
  auto& dialect = result.dialect;
  ARROW_ASSIGN_OR_RAISE(dialect.delimiter, OneCharacter(options, "field-delimiter"));
  dialect.has_quote = !options.Bool("disable-quote-character");
  if (!dialect.has_quote && options.Has("quote-character")) {
    return Error::User("'csv.quote-character' and 'csv.disable-quote-character' exclude each other")
        .Hint("remove one of them");
  }
  ARROW_ASSIGN_OR_RAISE(dialect.quote, OneCharacter(options, "quote-character"));
  dialect.has_escape = options.Has("escape-character");
  if (dialect.has_escape) {
    ARROW_ASSIGN_OR_RAISE(dialect.escape, OneCharacter(options, "escape-character"));
  }
  dialect.comments = options.Bool("allow-comments");
  dialect.line_breaks_in_values = options.Bool("line-breaks-in-values");
  if (dialect.has_quote && dialect.delimiter == dialect.quote) {
    return Error::User("'csv.field-delimiter' and 'csv.quote-character' are the same");
  }
  for (const char c : {dialect.delimiter, dialect.quote, dialect.escape}) {
    if (c == '\n' || c == '\r')
      return Error::User("a line break cannot be a csv delimiter or quote");
  }
  result.header = options.Bool("header");
  result.ignore_parse_errors = options.Bool("ignore-parse-errors");
  result.has_null_literal = options.Has("null-literal");
  result.null_literal = options.String("null-literal");
  result.array_delimiter = options.String("array-element-delimiter");
  if (result.array_delimiter.empty()) {
    return Error::User("'csv.array-element-delimiter' is empty").Hint("the default is ';'");
  }
  return result;
}

FormatSpec CsvFormat() {
  FormatSpec spec;
  spec.name = "csv";
  spec.doc =
      "Comma-separated values (RFC 4180): one record a line, fields in the order of the columns "
      "or, with a header, "
      "by name. A record that does not fit its columns leaves at the table's rejected port with "
      "line and reason. An "
      "empty field is NULL for every type but strings; a quoted one never is the null literal. "
      "Binary values are in "
      "base64. A TIMESTAMP_LTZ without a zone is UTC.";
  spec.example =
      "CREATE TABLE t (id BIGINT, amount DOUBLE) WITH (\n"
      "  'connector' = 'filesystem', 'path' = 'data/*.csv', 'format' = 'csv', 'csv.header' = "
      "'true')";
  spec.options = {
      {.key = "field-delimiter", .default_value = ",", .doc = "Between two fields."},
      {.key = "quote-character",
       .default_value = "\"",
       .doc = "Around a field that holds delimiters, quotes (doubled) or line breaks."},
      {.key = "disable-quote-character",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether quotes are ordinary characters."},
      {.key = "allow-comments",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether lines that begin with '#' are left out."},
      {.key = "ignore-parse-errors",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether a field that cannot be read becomes NULL and is counted, instead of its "
              "record being rejected."},
      {.key = "array-element-delimiter",
       .default_value = ";",
       .doc = "Between the elements of an ARRAY and the fields of a ROW."},
      {.key = "escape-character", .doc = "Makes the character after it an ordinary one."},
      {.key = "null-literal", .doc = "The text of an unquoted field that means NULL."},
      {.key = "header",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Whether each file begins with a line of column names; columns are then found by "
              "name, and a sink "
              "writes the line."},
      {.key = "line-breaks-in-values",
       .type = OptionType::kBool,
       .default_value = "true",
       .doc = "Whether quoted fields may hold line breaks. 'false' lets a large file be read by "
              "several readers."},
  };
  spec.make_decoder = MakeCsvDecoder;
  spec.make_encoder = MakeCsvEncoder;
  return spec;
}

}  // namespace millrace
