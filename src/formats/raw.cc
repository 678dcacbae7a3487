#include "formats/raw.h"

#include <algorithm>
#include <cstring>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <simdjson.h>

#include "types/column_buffer.h"

namespace millrace {
namespace {

enum class Charset { kUtf8, kLatin1, kAscii };

struct RawSettings {
  SqlType type;
  Charset charset = Charset::kUtf8;
  bool swap = false;  ///< numbers are in the other order than the machine's

  static Result<RawSettings> Make(const Schema& schema, const Options& options) {
    if (schema.size() != 1) {
      return Error::User("the format 'raw' is for one column, not " + std::to_string(schema.size()))
          .Hint("other columns of the table can be metadata, computed, or of the key");
    }
    RawSettings raw;
    raw.type = schema.column(0).type;
    if (!raw.type.is_string() && !raw.type.is_binary() && Width(raw.type) == 0) {
      return Error::User("the format 'raw' has no " + raw.type.ToString())
          .Hint("STRING, BYTES, BOOLEAN, integers, FLOAT or DOUBLE");
    }
    const std::string charset = options.String("charset");
    raw.charset = charset == "UTF-8"        ? Charset::kUtf8
                  : charset == "ISO-8859-1" ? Charset::kLatin1
                                            : Charset::kAscii;
    raw.swap = options.String("endianness") == "big-endian";
    return raw;
  }

  static size_t Width(const SqlType& type) {
    switch (type.kind()) {
      case TypeKind::kBoolean:
      case TypeKind::kTinyInt:
        return 1;
      case TypeKind::kSmallInt:
        return 2;
      case TypeKind::kInt:
      case TypeKind::kFloat:
        return 4;
      case TypeKind::kBigInt:
      case TypeKind::kDouble:
        return 8;
      default:
        return 0;
    }
  }
};

/// Appends a number of `width` bytes.
template <class T>
void AppendNumber(std::string_view bytes, bool swap, ColumnBuffer* out) {
  T value;
  char ordered[sizeof(T)];
  std::memcpy(ordered, bytes.data(), sizeof(T));
  if (swap) std::reverse(ordered, ordered + sizeof(T));
  std::memcpy(&value, ordered, sizeof(T));
  out->Append(value);
}

class RawDecoder final : public Decoder {
 public:
  RawDecoder(RawSettings raw, const DecodeRequest& request)
      : raw_(std::move(raw)), wanted_(!request.projection.empty()) {
    Schema schema;
    if (wanted_) schema.Add(request.schema.column(0).name, raw_.type);
    arrow_schema_ = schema.ToArrow();
  }

  Result<Decoded> Decode(std::string_view bytes, bool last, int64_t max_rows,
                         const ChunkOrigin& origin) override {
    if (!raw_.type.is_string()) {
      return Error::User("a file of the format 'raw' has lines of text, not " +
                         raw_.type.ToString())
          .Hint("declare the column as STRING");
    }
    std::vector<std::string_view> lines;
    std::vector<int64_t> positions;
    size_t at = 0;
    while (at < bytes.size() && static_cast<int64_t>(lines.size()) < max_rows) {
      size_t end = bytes.find('\n', at);
      if (end == std::string_view::npos && !last) break;
      end = std::min(end, bytes.size());
      std::string_view line = bytes.substr(at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      positions.push_back(origin.first_line + static_cast<int64_t>(lines.size()));
      lines.push_back(line);
      at = std::min(end + 1, bytes.size());
    }
    ARROW_ASSIGN_OR_RAISE(Decoded decoded, DecodeMessages(lines, positions, origin.source));
    decoded.bytes = static_cast<int64_t>(at);
    return decoded;
  }

  Result<Decoded> DecodeMessages(std::span<const std::string_view> messages,
                                 std::span<const int64_t> positions,
                                 const std::string& source) override {
    ColumnBuffer column(raw_.type);
    Decoded decoded;
    std::vector<int32_t> rows;
    for (size_t i = 0; i < messages.size(); ++i) {
      if (const std::string fault = Append(messages[i], &column); !fault.empty()) {
        decoded.rejected.push_back({source, positions[i], fault, std::string(messages[i])});
      } else {
        rows.push_back(static_cast<int32_t>(i));
      }
    }
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    if (wanted_) arrays.push_back(column.Finish());
    decoded.rows = arrow::RecordBatch::Make(arrow_schema_, static_cast<int64_t>(rows.size()),
                                            std::move(arrays));
    if (rows.size() != messages.size()) decoded.line_of_row = std::move(rows);
    decoded.lines = static_cast<int64_t>(messages.size());
    return decoded;
  }

 private:
  /// Why the bytes are no such value; empty: they are.
  std::string Append(std::string_view bytes, ColumnBuffer* out) const {
    if (raw_.type.is_string()) return AppendText(bytes, out);
    if (raw_.type.is_binary()) {
      out->AppendBytes(bytes);
      return {};
    }
    const size_t width = RawSettings::Width(raw_.type);
    if (bytes.size() != width) {
      return "a " + raw_.type.ToString() + " has " + std::to_string(width) + " bytes, not " +
             std::to_string(bytes.size());
    }
    switch (raw_.type.kind()) {
      case TypeKind::kBoolean:
        out->Append<uint8_t>(bytes[0] != 0);
        break;
      case TypeKind::kTinyInt:
        AppendNumber<int8_t>(bytes, false, out);
        break;
      case TypeKind::kSmallInt:
        AppendNumber<int16_t>(bytes, raw_.swap, out);
        break;
      case TypeKind::kInt:
      case TypeKind::kFloat:
        AppendNumber<int32_t>(bytes, raw_.swap, out);
        break;
      default:
        AppendNumber<int64_t>(bytes, raw_.swap, out);
    }
    return {};
  }

  std::string AppendText(std::string_view bytes, ColumnBuffer* out) const {
    const bool ascii = std::none_of(bytes.begin(), bytes.end(), [](char c) { return c < 0; });
    if (!ascii && raw_.charset == Charset::kAscii) return "the text is not US-ASCII";
    if (!ascii && raw_.charset == Charset::kUtf8 &&
        !simdjson::validate_utf8(bytes.data(), bytes.size())) {
      return "the text is not UTF-8";
    }
    if (ascii || raw_.charset == Charset::kUtf8) {
      out->AppendBytes(bytes);
      return {};
    }
    std::string text;
    for (const char c : bytes) {
      const auto code = static_cast<unsigned char>(c);
      if (code < 0x80) {
        text += c;
      } else {
        text += static_cast<char>(0xC0 | (code >> 6));
        text += static_cast<char>(0x80 | (code & 0x3F));
      }
    }
    out->AppendBytes(text);
    return {};
  }

  const RawSettings raw_;
  const bool wanted_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
};

class RawEncoder final : public Encoder {
 public:
  explicit RawEncoder(RawSettings raw) : raw_(std::move(raw)) {}

  Status Encode(const arrow::RecordBatch& rows, std::string* out) override {
    if (!raw_.type.is_string()) {
      return Error::User("a file of the format 'raw' has lines of text, not " +
                         raw_.type.ToString());
    }
    std::vector<std::string> messages;
    ARROW_RETURN_NOT_OK(EncodeMessages(rows, &messages));
    for (const auto& message : messages) *out += message + '\n';
    return Status::OK();
  }

  Status EncodeMessages(const arrow::RecordBatch& rows, std::vector<std::string>* out) override {
    const arrow::Array& column = *rows.column(0);
    const size_t width = RawSettings::Width(raw_.type);
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      std::string& message = out->emplace_back();
      if (column.IsNull(row)) continue;
      if (width == 0) {
        message = static_cast<const arrow::BinaryArray&>(column).GetView(row);
        if (raw_.charset != Charset::kUtf8 && raw_.type.is_string()) message = Narrow(message);
      } else if (raw_.type.kind() == TypeKind::kBoolean) {
        message = static_cast<const arrow::BooleanArray&>(column).Value(row) ? '\1' : '\0';
      } else {
        const uint8_t* const values = column.data()->buffers[1]->data();
        const size_t at = static_cast<size_t>(column.offset() + row) * width;
        message.assign(reinterpret_cast<const char*>(values) + at, width);
        if (raw_.swap) std::reverse(message.begin(), message.end());
      }
    }
    return Status::OK();
  }

 private:
  /// The characters in one byte each; '?' for those that the charset lacks, as Java writes them.
  std::string Narrow(std::string_view text) const {
    std::string narrow;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto lead = static_cast<unsigned char>(text[i]);
      if (lead < 0x80) {
        narrow += text[i];
        continue;
      }
      const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
      const bool latin = lead <= 0xC3 && i + 1 < text.size() && raw_.charset == Charset::kLatin1;
      narrow += latin ? static_cast<char>(((lead & 3) << 6) | (text[i + 1] & 0x3F)) : '?';
      i += static_cast<size_t>(more);
    }
    return narrow;
  }

  const RawSettings raw_;
};

}  // namespace

FormatSpec RawFormat() {
  FormatSpec spec;
  spec.name = "raw";
  spec.doc =
      "One column, the record's bytes: text as it is, BYTES, BOOLEAN (one byte), numbers in "
      "binary. In a file each line is a record.";
  spec.example =
      "CREATE TABLE logs (line STRING) WITH (\n"
      "  'connector' = 'filesystem', 'path' = 'logs/*.log', 'format' = 'raw')";
  spec.options = {
      {.key = "charset",
       .type = OptionType::kEnum,
       .default_value = "UTF-8",
       .doc = "How text is encoded.",
       .choices = {"UTF-8", "ISO-8859-1", "US-ASCII"}},
      {.key = "endianness",
       .type = OptionType::kEnum,
       .default_value = "big-endian",
       .doc = "The order of a number's bytes.",
       .choices = {"big-endian", "little-endian"}},
  };
  spec.make_decoder = [](const DecodeRequest& request,
                         const Options& options) -> Result<std::unique_ptr<Decoder>> {
    ARROW_ASSIGN_OR_RAISE(auto raw, RawSettings::Make(request.schema, options));
    return std::make_unique<RawDecoder>(std::move(raw), request);
  };
  spec.make_encoder = [](const Schema& schema,
                         const Options& options) -> Result<std::unique_ptr<Encoder>> {
    ARROW_ASSIGN_OR_RAISE(auto raw, RawSettings::Make(schema, options));
    return std::make_unique<RawEncoder>(std::move(raw));
  };
  return spec;
}

}  // namespace millrace
