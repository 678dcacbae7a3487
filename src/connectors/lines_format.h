#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "spi/format.h"
#include "types/column_buffer.h"

namespace millrace {

/// For tests: a line is a STRING; "bad" lines are rejected; a first line "#…" is a header.
class LinesDecoder final : public Decoder {
 public:
  explicit LinesDecoder(DecodeRequest request) : request_(std::move(request)) {}
  bool splittable() const override { return true; }
  Result<FileHeader> Header(std::string_view bytes, bool last, const ChunkOrigin&) override {
    if (!bytes.starts_with('#')) return FileHeader{};
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos)
      return FileHeader{last ? static_cast<int64_t>(bytes.size()) : -1, 1};
    return FileHeader{static_cast<int64_t>(end) + 1, 1};
  }
  Result<Decoded> Decode(std::string_view bytes, bool last, int64_t max_rows,
                         const ChunkOrigin& origin) override {
    ColumnBuffer column(SqlType::String());
    Decoded decoded;
    size_t at = 0;
    while (at < bytes.size() && decoded.lines < max_rows) {
      size_t end = bytes.find('\n', at);
      if (end == std::string_view::npos && !last) break;
      end = std::min(end, bytes.size());
      const auto line = bytes.substr(at, end - at);
      if (line == "bad") {
        decoded.rejected.push_back(
            {origin.source, origin.first_line + decoded.lines, "is bad", std::string(line)});
      } else {
        column.AppendBytes(line);
        decoded.line_of_row.push_back(static_cast<int32_t>(decoded.lines));
      }
      ++decoded.lines;
      at = std::min(end + 1, bytes.size());
    }
    decoded.bytes = static_cast<int64_t>(at);
    const int64_t rows = column.size();
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    if (!request_.projection.empty()) arrays.push_back(column.Finish());
    Schema schema;
    for (const int i : request_.projection)
      schema.Add(request_.schema.column(i).name, SqlType::String());
    decoded.rows = arrow::RecordBatch::Make(schema.ToArrow(), rows, std::move(arrays));
    return decoded;
  }
  Result<Decoded> DecodeMessages(std::span<const std::string_view>, std::span<const int64_t>,
                                 const std::string&) override {
    return Decoded{};
  }

 private:
  DecodeRequest request_;
};

class LinesEncoder final : public Encoder {
 public:
  explicit LinesEncoder(bool header) : header_(header) {}
  std::string Header() const override { return header_ ? "#a\n" : ""; }
  Status Encode(const arrow::RecordBatch& rows, std::string* out) override {
    const auto& column = static_cast<const arrow::StringArray&>(*rows.column(0));
    for (int64_t i = 0; i < column.length(); ++i) *out += column.GetString(i) + "\n";
    return Status::OK();
  }
  Status EncodeMessages(const arrow::RecordBatch&, std::vector<std::string>*) override {
    return Status::OK();
  }

 private:
  bool header_;
};

inline FormatSpec LinesFormat() {
  FormatSpec spec;
  spec.name = "lines";
  spec.options = {{.key = "header", .type = OptionType::kBool, .default_value = "false"}};
  spec.make_decoder = [](const DecodeRequest& request,
                         const Options&) -> Result<std::unique_ptr<Decoder>> {
    return std::make_unique<LinesDecoder>(request);
  };
  spec.make_encoder = [](const Schema&,
                         const Options& options) -> Result<std::unique_ptr<Encoder>> {
    return std::make_unique<LinesEncoder>(options.Bool("header"));
  };
  return spec;
}

}  // namespace millrace
