#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "formats/register.h"
#include "spi/services.h"

namespace millrace {

using OptionMap = std::map<std::string, std::string>;

inline const FormatSpec& FormatNamed(const std::string& name) {
  static const auto* const formats = [] {
    auto* registry = new Registry<FormatSpec>("format");
    RegisterFormats(*registry);
    return registry;
  }();
  return *formats->Find(name);
}

/// What came of a file's text: rows with their lines, "2: 1|abc", and rejected records, "3! reason
/// [raw]", in order of rows, then rejects.
struct ReadText {
  std::vector<std::string> rows, rejected;
  int64_t ignored = 0;
  int64_t lines = 0;
};

inline Result<std::unique_ptr<Decoder>> DecoderOf(const std::string& format, const Schema& schema,
                                                  const OptionMap& written,
                                                  std::vector<int> projection = {}) {
  const auto& spec = FormatNamed(format);
  ARROW_ASSIGN_OR_RAISE(const auto options, Options::Make("format", spec.options, written));
  if (projection.empty()) {
    for (int i = 0; i < schema.size(); ++i) projection.push_back(i);
  }
  return spec.make_decoder({schema, std::move(projection)}, options);
}

/// Reads a file as a reader does: `chunk` bytes at first, more where they hold no record,
/// `max_rows` at a time.
inline Result<ReadText> Read(Decoder& decoder, std::string_view text, size_t chunk = 1 << 20,
                             int64_t max_rows = 1000) {
  ReadText result;
  FileHeader header{-1, 0};
  for (size_t size = chunk; header.bytes < 0; size *= 2) {
    ARROW_ASSIGN_OR_RAISE(header,
                          decoder.Header(text.substr(0, size), size >= text.size(), {"f", 1}));
    if (size >= text.size() && header.bytes < 0) break;
  }
  auto at = static_cast<size_t>(std::max<int64_t>(header.bytes, 0));
  int64_t line = 1 + header.lines;
  size_t size = chunk;
  while (at < text.size()) {
    const bool last = size >= text.size() - at;
    ARROW_ASSIGN_OR_RAISE(auto decoded,
                          decoder.Decode(text.substr(at, size), last, max_rows, {"f", line}));
    if (decoded.bytes == 0) {
      if (last) return Status::UnknownError("nothing consumed at the end");
      size *= 2;
      continue;
    }
    ARROW_RETURN_NOT_OK(decoded.rows->ValidateFull());
    for (int64_t row = 0; row < decoded.rows->num_rows(); ++row) {
      const auto relative =
          decoded.line_of_row.empty() ? row : decoded.line_of_row[static_cast<size_t>(row)];
      std::string& shown = result.rows.emplace_back(std::to_string(line + relative) + ": ");
      for (int i = 0; i < decoded.rows->num_columns(); ++i) {
        ARROW_ASSIGN_OR_RAISE(const auto scalar, decoded.rows->column(i)->GetScalar(row));
        shown += (i > 0 ? "|" : "") + scalar->ToString();
      }
    }
    for (const auto& record : decoded.rejected) {
      result.rejected.push_back(std::to_string(record.position) + "! " + record.reason + " [" +
                                record.raw + "]");
    }
    result.ignored += decoded.ignored;
    at += static_cast<size_t>(decoded.bytes);
    line += decoded.lines;
    size = chunk;
  }
  result.lines = line - 1;
  return result;
}

}  // namespace millrace
