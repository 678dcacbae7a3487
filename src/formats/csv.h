#pragma once

#include <memory>

#include "formats/csv_scanner.h"
#include "spi/format.h"

namespace millrace {

/// The format 'csv': RFC 4180 with Flink's options.
FormatSpec CsvFormat();

/// The options of 'csv', read.
struct CsvOptions {
  CsvDialect dialect;
  bool header = false;
  bool ignore_parse_errors = false;
  bool has_null_literal = false;
  std::string null_literal;
  std::string array_delimiter = ";";

  static Result<CsvOptions> From(const Options& options);
};

Result<std::unique_ptr<Decoder>> MakeCsvDecoder(const DecodeRequest& request,
                                                const Options& options);
Result<std::unique_ptr<Encoder>> MakeCsvEncoder(const Schema& schema, const Options& options);

}  // namespace millrace
