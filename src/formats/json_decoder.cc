#include <algorithm>
#include <cstring>
#include <unordered_map>

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <simdjson.h>

#include "formats/json.h"
#include "formats/json_value.h"
#include "types/column_buffer.h"

namespace millrace {
namespace {

namespace dom = simdjson::ondemand;

/// A column, or a field of a ROW, with what is looked up for each record prepared.
struct Member {
  std::string name;
  SqlType type;
  std::vector<Member> fields;  ///< of a ROW; an ARRAY's element; a MAP's key and value

  Member(std::string member_name, const SqlType& member_type)
      : name(std::move(member_name)), type(member_type) {
    for (const auto& field : type.fields()) fields.emplace_back(field.name, field.type);
  }
};

/// Why a value cannot be read. An empty reason: the record is not JSON, and `error` says why.
struct Fault {
  std::string path;
  std::string reason;
  simdjson::error_code error = simdjson::SUCCESS;
};

std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' ||
                           text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

class JsonDecoder final : public Decoder {
 public:
  JsonDecoder(const DecodeRequest& request, const Options& options)
      : strict_(options.Bool("fail-on-missing-field")),
        ignore_(options.Bool("ignore-parse-errors")),
        iso_(options.String("timestamp-format.standard") == "ISO-8601") {
    arrow::FieldVector fields;
    for (const int i : request.projection) {
      const auto& column = request.schema.column(i);
      members_.emplace_back(column.name, column.type);
      fields.push_back(arrow::field(column.name, column.type.ToArrow(), column.type.nullable()));
    }
    arrow_schema_ = arrow::schema(std::move(fields));
  }

  bool splittable() const override { return true; }

  Result<FileHeader> Header(std::string_view bytes, bool last, const ChunkOrigin&) override {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (bytes.size() < kByteOrderMark.size() && !last) return FileHeader{-1, 0};
    return FileHeader{bytes.starts_with(kByteOrderMark) ? 3 : 0, 0};
  }

  Result<Decoded> Decode(std::string_view bytes, bool last, int64_t max_rows,
                         const ChunkOrigin& origin) override {
    Start();
    Decoded decoded;
    size_t at = 0;
    int64_t taken = 0;
    while (at < bytes.size() && taken < max_rows) {
      const char* const begin = bytes.data() + at;
      const auto* const line_break =
          static_cast<const char*>(std::memchr(begin, '\n', bytes.size() - at));
      if (line_break == nullptr && !last) break;
      const size_t end =
          line_break == nullptr ? bytes.size() : static_cast<size_t>(line_break - bytes.data());
      if (AddRecord(bytes.substr(at, end - at), bytes.size() - end, origin.source,
                    origin.first_line + decoded.lines, &decoded)) {
        ++taken;
        if (static_cast<int64_t>(lines_.size()) < rows_)
          lines_.push_back(static_cast<int32_t>(decoded.lines));
      }
      ++decoded.lines;
      at = std::min(end + 1, bytes.size());
    }
    decoded.bytes = static_cast<int64_t>(at);
    Finish(&decoded);
    return decoded;
  }

  Result<Decoded> DecodeMessages(std::span<const std::string_view> messages,
                                 std::span<const int64_t> positions,
                                 const std::string& source) override {
    Start();
    Decoded decoded;
    for (size_t i = 0; i < messages.size(); ++i) {
      AddRecord(messages[i], 0, source, positions[i], &decoded);
      if (static_cast<int64_t>(lines_.size()) < rows_) lines_.push_back(static_cast<int32_t>(i));
    }
    decoded.lines = static_cast<int64_t>(messages.size());
    Finish(&decoded);
    return decoded;
  }

 private:
  void Start() {
    buffers_.clear();
    for (const auto& member : members_) buffers_.emplace_back(member.type);
    lines_.clear();
    rows_ = 0;
  }

  void Finish(Decoded* decoded) {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (auto& buffer : buffers_) arrays.push_back(buffer.Finish());
    decoded->rows = arrow::RecordBatch::Make(arrow_schema_, rows_, std::move(arrays));
    if (!lines_.empty() && lines_.back() + 1 != static_cast<int32_t>(lines_.size())) {
      decoded->line_of_row = lines_;
    }
  }

  /// False for a blank line. `readable`: bytes behind the record that may be read.
  bool AddRecord(std::string_view record, size_t readable, const std::string& source,
                 int64_t position, Decoded* decoded) {
    const auto text = TrimRight(record);
    if (text.find_first_not_of(" \t") == std::string_view::npos) return false;
    const char* data = text.data();
    if (readable + (record.size() - text.size()) < simdjson::SIMDJSON_PADDING) {
      padded_.resize(text.size() + simdjson::SIMDJSON_PADDING);
      std::memcpy(padded_.data(), text.data(), text.size());
      std::memset(padded_.data() + text.size(), 0, simdjson::SIMDJSON_PADDING);
      data = padded_.data();
    }
    Fault fault;
    const int64_t ignored = decoded->ignored;
    if (ReadRecord({data, text.size()}, decoded, &fault)) {
      ++rows_;
      return true;
    }
    for (auto& buffer : buffers_) buffer.Truncate(rows_);
    if (ignore_) {
      decoded->ignored = ignored + 1;
      return true;
    }
    std::string reason = std::move(fault.reason);
    if (reason.empty()) {
      reason = std::string("not JSON: ") + simdjson::error_message(fault.error);
      if (fault.error == simdjson::UTF8_ERROR) reason = "the text is not UTF-8";
    } else if (!fault.path.empty()) {
      reason = "`" + fault.path + "`: " + reason;
    }
    decoded->rejected.push_back({source, position, std::move(reason), std::string(record)});
    return true;
  }

  bool ReadRecord(std::string_view text, Decoded* decoded, Fault* fault) {
    dom::document document;
    dom::object object;
    fault->error =
        parser_.iterate(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING)
            .get(document);
    if (fault->error) return false;
    dom::json_type type;
    if ((fault->error = document.type().get(type))) return false;
    if (type != dom::json_type::object) {
      fault->reason = "a record must be a JSON object";
      return false;
    }
    if ((fault->error = document.get_object().get(object))) return false;
    if (!ReadMembers(object, members_, buffers_, decoded, fault)) return false;
    const char* rest;
    if (document.current_location().get(rest) == simdjson::SUCCESS) {
      fault->reason = "text after the JSON object";
      return false;
    }
    return true;
  }

  template <class Buffers>
  static ColumnBuffer& At(Buffers& buffers, size_t i) {
    if constexpr (requires { buffers.child(0); }) {
      return buffers.child(static_cast<int>(i));
    } else {
      return buffers[i];
    }
  }

  /// One value for each member; the last of several of a name counts.
  template <class Buffers>
  bool ReadMembers(dom::object& object, const std::vector<Member>& members, Buffers& buffers,
                   Decoded* decoded, Fault* fault) {
    const size_t count = members.size();
    const int64_t rows = count == 0 ? 0 : At(buffers, 0).size();
    size_t expected = 0, found = 0;
    for (auto entry : object) {
      dom::field field;
      if ((fault->error = std::move(entry).get(field))) return false;
      dom::raw_json_string key = field.key();
      // Members mostly come in the columns' order.
      size_t i = 0;
      for (; i < count; ++i) {
        const size_t candidate = expected + i < count ? expected + i : expected + i - count;
        if (key.unsafe_is_equal(members[candidate].name)) {
          i = candidate;
          break;
        }
      }
      if (i >= count) {
        std::string_view escaped;
        if (HasEscape(key) && !field.unescaped_key().get(escaped)) {
          for (i = 0; i < count && members[i].name != escaped; ++i) {
          }
        }
        if (i >= count) continue;
      }
      ColumnBuffer& buffer = At(buffers, i);
      if (buffer.size() > rows) {
        buffer.Truncate(rows);
      } else {
        ++found;
      }
      expected = i + 1 == count ? 0 : i + 1;
      if (!ReadMember(field.value(), members[i], buffer, decoded, fault)) return false;
    }
    if (found == count) return true;
    for (size_t i = 0; i < count; ++i) {
      ColumnBuffer& buffer = At(buffers, i);
      if (buffer.size() > rows) continue;
      if (strict_ || !members[i].type.nullable()) {
        fault->path = members[i].name;
        fault->reason = "the member is missing";
        return false;
      }
      buffer.AppendNull();
    }
    return true;
  }

  static bool HasEscape(dom::raw_json_string key) {
    for (const char* p = key.raw(); *p != '"'; ++p) {
      if (*p == '\\') return true;
    }
    return false;
  }

  /// A value, or NULL in its place where errors are ignored.
  bool ReadMember(dom::value value, const Member& member, ColumnBuffer& out, Decoded* decoded,
                  Fault* fault) {
    const int64_t size = out.size();
    if (ReadValue(value, member, out, decoded, fault)) return true;
    if (ignore_ && !fault->reason.empty() && member.type.nullable()) {
      *fault = {};
      out.Truncate(size);
      out.AppendNull();
      ++decoded->ignored;
      return true;
    }
    if (!fault->reason.empty()) {
      fault->path = member.name + (fault->path.empty() ? "" : ".") + fault->path;
    }
    return false;
  }

  bool Wrong(std::string_view text, const Member& member, Fault* fault) {
    constexpr size_t kShown = 100;
    text = TrimRight(text);
    fault->reason = std::string(text.substr(0, kShown)) + (text.size() > kShown ? "…" : "") +
                    " is not a " + member.type.AsNullable().ToString();
    return false;
  }

  bool ReadValue(dom::value value, const Member& member, ColumnBuffer& out, Decoded* decoded,
                 Fault* fault) {
    dom::json_type type;
    if ((fault->error = value.type().get(type))) return false;
    if (type == dom::json_type::null) {
      bool null;
      if ((fault->error = value.is_null().get(null))) return false;
      if (!null) {
        fault->error = simdjson::N_ATOM_ERROR;
        return false;
      }
      if (!member.type.nullable()) {
        fault->reason = "null in a NOT NULL column";
        return false;
      }
      out.AppendNull();
      return true;
    }
    switch (member.type.kind()) {
      case TypeKind::kArray:
        return ReadArray(value, type, member, out, decoded, fault);
      case TypeKind::kMap:
        return ReadMap(value, type, member, out, decoded, fault);
      case TypeKind::kRow: {
        if (type != dom::json_type::object) return Mismatch(value, member, fault);
        dom::object object;
        if ((fault->error = value.get_object().get(object))) return false;
        if (!ReadMembers(object, member.fields, out, decoded, fault)) return false;
        out.AppendRow();
        return true;
      }
      case TypeKind::kChar:
      case TypeKind::kVarChar:
        if (type != dom::json_type::string) return ReadAsText(value, type, out, fault);
        [[fallthrough]];
      default:
        return ReadScalar(value, type, member, out, fault);
    }
  }

  /// Skips the value and tells that it is of another kind.
  bool Mismatch(dom::value value, const Member& member, Fault* fault) {
    std::string_view raw;
    if ((fault->error = simdjson::to_json_string(value).get(raw))) return false;
    return Wrong(raw, member, fault);
  }

  /// A value that is not a string, as the STRING of its JSON.
  static bool ReadAsText(dom::value value, dom::json_type type, ColumnBuffer& out, Fault* fault) {
    std::string_view raw;
    if (type == dom::json_type::array || type == dom::json_type::object) {
      if ((fault->error = simdjson::to_json_string(value).get(raw))) return false;
    } else {
      raw = value.raw_json_token();
      if (type == dom::json_type::boolean) {
        bool flag;
        if ((fault->error = value.get_bool().get(flag))) return false;
      } else if (!IsJsonNumber(TrimRight(raw))) {
        fault->error = simdjson::NUMBER_ERROR;
        return false;
      }
    }
    out.AppendBytes(TrimRight(raw));
    return true;
  }

  bool ReadArray(dom::value value, dom::json_type type, const Member& member, ColumnBuffer& out,
                 Decoded* decoded, Fault* fault) {
    if (type != dom::json_type::array) return Mismatch(value, member, fault);
    dom::array array;
    if ((fault->error = value.get_array().get(array))) return false;
    for (auto item : array) {
      dom::value element;
      if ((fault->error = std::move(item).get(element))) return false;
      if (!ReadMember(element, member.fields[0], out.child(0), decoded, fault)) return false;
    }
    out.AppendList();
    return true;
  }

  bool ReadMap(dom::value value, dom::json_type type, const Member& member, ColumnBuffer& out,
               Decoded* decoded, Fault* fault) {
    if (type != dom::json_type::object) return Mismatch(value, member, fault);
    dom::object object;
    if ((fault->error = value.get_object().get(object))) return false;
    for (auto entry : object) {
      dom::field field;
      std::string_view key;
      if ((fault->error = std::move(entry).get(field))) return false;
      if ((fault->error = field.unescaped_key().get(key))) return false;
      if (!AppendJsonText(key, member.fields[0].type, iso_, out.child(0))) {
        return Wrong(key, member.fields[0], fault);
      }
      if (!ReadMember(field.value(), member.fields[1], out.child(1), decoded, fault)) return false;
    }
    out.AppendList();
    return true;
  }

  bool ReadScalar(dom::value value, dom::json_type type, const Member& member, ColumnBuffer& out,
                  Fault* fault) {
    switch (type) {
      case dom::json_type::boolean: {
        bool flag;
        if ((fault->error = value.get_bool().get(flag))) return false;
        if (member.type.kind() != TypeKind::kBoolean)
          return Wrong(flag ? "true" : "false", member, fault);
        out.Append<uint8_t>(flag ? 1 : 0);
        return true;
      }
      case dom::json_type::string: {
        std::string_view text;
        if ((fault->error = value.get_string().get(text))) return false;
        if (AppendJsonText(text, member.type, iso_, out)) return true;
        return Wrong("\"" + std::string(text) + "\"", member, fault);
      }
      case dom::json_type::number: {
        const std::string_view text = TrimRight(value.raw_json_token());
        if (!IsJsonNumber(text)) {
          fault->error = simdjson::NUMBER_ERROR;
          return false;
        }
        if (member.type.kind() == TypeKind::kDouble) {
          double parsed;
          if (!value.get_double().get(parsed)) {
            out.Append(parsed);
            return true;
          }
        }
        if (member.type.is_numeric() || member.type.is_interval()) {
          if (AppendJsonText(text, member.type, iso_, out)) return true;
        }
        return Wrong(text, member, fault);
      }
      default:
        return Mismatch(value, member, fault);
    }
  }

  bool strict_, ignore_, iso_;
  std::vector<Member> members_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
  std::vector<ColumnBuffer> buffers_;
  std::vector<int32_t> lines_;
  int64_t rows_ = 0;
  dom::parser parser_;
  std::vector<char> padded_;
};

Status CheckJsonType(const std::string& column, const SqlType& type) {
  if (type.is_null()) return Error::User("column `" + column + "` has no type");
  if (type.kind() == TypeKind::kMap && type.key().is_nested()) {
    return Error::User("column `" + column + "`: the keys of a JSON object cannot be " +
                       type.key().ToString())
        .Hint("use an ARRAY of ROWs");
  }
  for (const auto& field : type.fields()) ARROW_RETURN_NOT_OK(CheckJsonType(column, field.type));
  return Status::OK();
}

}  // namespace

Result<std::unique_ptr<Decoder>> MakeJsonDecoder(const DecodeRequest& request,
                                                 const Options& options) {
  for (const int i : request.projection) {
    const auto& column = request.schema.column(i);
    ARROW_RETURN_NOT_OK(CheckJsonType(column.name, column.type));
  }
  return std::make_unique<JsonDecoder>(request, options);
}

}  // namespace millrace
