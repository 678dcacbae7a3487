#include <bit>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <simdjson.h>

#include "formats/protobuf.h"
#include "formats/protobuf_schema.h"
#include "types/column_buffer.h"

namespace millrace {
namespace {

/// A value as it stands on the wire.
struct WireValue {
  uint64_t number = 0;
  std::string_view bytes;
};

/// What a message being read holds of a field.
struct FieldValue {
  bool seen = false;
  WireValue value;              ///< the last one
  std::vector<WireValue> many;  ///< of a repeated field
  std::string merged;           ///< a message that came in parts
};

/// A message's slots, and those of the messages in it.
struct Scratch {
  explicit Scratch(const ProtoMessage& of) : message(of), slots(of.fields.size()) {
    for (const auto& field : of.fields) {
      children.push_back(field.message ? std::make_unique<Scratch>(*field.message) : nullptr);
    }
  }
  const ProtoMessage& message;
  std::vector<FieldValue> slots;
  std::vector<std::unique_ptr<Scratch>> children;
};

int64_t NumberOf(WireKind kind, uint64_t bits) {
  switch (kind) {
    case WireKind::kBool:
      return bits != 0 ? 1 : 0;
    case WireKind::kInt32:
    case WireKind::kSfixed32:
    case WireKind::kFloat:
    case WireKind::kEnum:
      return static_cast<int32_t>(bits);
    case WireKind::kSint32:
      return static_cast<int32_t>(UnZigZag(bits & 0xFFFFFFFF));
    case WireKind::kUint32:
    case WireKind::kFixed32:
      return static_cast<uint32_t>(bits);
    case WireKind::kSint64:
      return UnZigZag(bits);
    default:
      return static_cast<int64_t>(bits);
  }
}

void AppendNumber(const ProtoField& field, int64_t number, ColumnBuffer* out) {
  switch (field.value_type().kind()) {
    case TypeKind::kBoolean:
      return out->Append(static_cast<uint8_t>(number));
    case TypeKind::kInt:
    case TypeKind::kFloat:
      return out->Append(static_cast<int32_t>(number));
    case TypeKind::kVarChar: {  // an enum
      const auto name = field.enum_names.find(static_cast<int32_t>(number));
      return out->AppendBytes(name == field.enum_names.end() ? std::to_string(number)
                                                             : name->second);
    }
    default:
      return out->Append(number);
  }
}

class ProtobufDecoder final : public Decoder {
 public:
  ProtobufDecoder(std::shared_ptr<const ProtoMessage> message, const Schema& columns,
                  const Options& options)
      : message_(std::move(message)),
        scratch_(*message_),
        ignore_(options.Bool("ignore-parse-errors")),
        read_defaults_(options.Bool("read-default-values")),
        arrow_schema_(columns.ToArrow()) {}

  Result<Decoded> Decode(std::string_view, bool, int64_t, const ChunkOrigin&) override {
    return Error::User("messages of the format 'protobuf' have no ends in a file")
        .Hint("it is for connectors with records, such as 'kafka'");
  }

  Result<Decoded> DecodeMessages(std::span<const std::string_view> messages,
                                 std::span<const int64_t> positions,
                                 const std::string& source) override {
    std::vector<ColumnBuffer> buffers;
    for (const auto& field : message_->fields) buffers.emplace_back(field.type);
    Decoded decoded;
    std::vector<int32_t> rows;
    for (size_t i = 0; i < messages.size(); ++i) {
      fault_.clear();
      if (Scan(messages[i], scratch_) &&
          AppendFields(scratch_, [&](size_t f) -> ColumnBuffer& { return buffers[f]; })) {
        rows.push_back(static_cast<int32_t>(i));
        continue;
      }
      for (auto& buffer : buffers) buffer.Truncate(static_cast<int64_t>(rows.size()));
      if (ignore_) {
        ++decoded.ignored;
      } else {
        decoded.rejected.push_back(
            {source, positions[i], fault_, std::string(messages[i].substr(0, kMaxRejectedBytes))});
      }
    }
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (auto& buffer : buffers) arrays.push_back(buffer.Finish());
    decoded.rows = arrow::RecordBatch::Make(arrow_schema_, static_cast<int64_t>(rows.size()),
                                            std::move(arrays));
    if (rows.size() != messages.size()) decoded.line_of_row = std::move(rows);
    decoded.lines = static_cast<int64_t>(messages.size());
    return decoded;
  }

 private:
  bool Fail(std::string fault) {
    fault_ = std::move(fault);
    return false;
  }

  /// Sorts the fields of a message into slots.
  bool Scan(std::string_view bytes, Scratch& scratch) {
    for (FieldValue& slot : scratch.slots) {
      slot.seen = false;
      slot.many.clear();
    }
    WireReader reader(bytes);
    while (!reader.done()) {
      uint32_t number = 0;
      WireType type{};
      WireValue value;
      if (!reader.Field(&number, &type, &value.number, &value.bytes)) {
        return Fail("not a protobuf message: it ends within a value or has a damaged tag");
      }
      const int index = scratch.message.Find(number);
      if (index < 0) continue;
      const ProtoField& field = scratch.message.fields[static_cast<size_t>(index)];
      FieldValue& slot = scratch.slots[static_cast<size_t>(index)];
      const WireType expected = WireTypeOf(field.kind);
      if (type != expected) {
        // As protobuf has it: a field of another type is unknown; numbers may come packed.
        if (field.repeated && type == WireType::kBytes && !Unpack(expected, value.bytes, &slot)) {
          return Fail("`" + field.name + "`: its packed values are damaged");
        }
        continue;
      }
      if (field.repeated) {
        slot.many.push_back(value);
      } else if (slot.seen && field.kind == WireKind::kMessage) {
        slot.merged = std::string(slot.value.bytes) + std::string(value.bytes);
        slot.value.bytes = slot.merged;
      } else {
        slot.value = value;
      }
      slot.seen = true;
    }
    return true;
  }

  static bool Unpack(WireType type, std::string_view bytes, FieldValue* slot) {
    WireReader reader(bytes);
    while (!reader.done()) {
      WireValue value;
      const bool read = type == WireType::kVarint
                            ? reader.Varint(&value.number)
                            : reader.Fixed(type == WireType::kFixed32 ? 4 : 8, &value.number);
      if (!read) return false;
      slot->many.push_back(value);
    }
    return true;
  }

  template <class BufferAt>
  bool AppendFields(Scratch& scratch, BufferAt buffer_at) {
    for (size_t i = 0; i < scratch.slots.size(); ++i) {
      const ProtoField& field = scratch.message.fields[i];
      FieldValue& slot = scratch.slots[i];
      ColumnBuffer& out = buffer_at(i);
      Scratch* const child = scratch.children[i].get();
      if (field.map) {
        if (!AppendMap(slot, *child, &out)) return false;
      } else if (field.repeated) {
        for (const WireValue& value : slot.many) {
          if (!AppendValue(field, value, child, &out.child(0))) return false;
        }
        out.AppendList();
      } else if (slot.seen) {
        if (!AppendValue(field, slot.value, child, &out)) return false;
      } else if (!AppendAbsent(field, &out)) {
        return false;
      }
    }
    return true;
  }

  bool AppendMap(const FieldValue& slot, Scratch& entry, ColumnBuffer* out) {
    // The last entry of a key counts.
    const auto key_of = [&](const WireValue& value, std::string* key) {
      if (!Scan(value.bytes, entry)) return false;
      const FieldValue& of = entry.slots[0];
      *key = of.seen ? std::string(of.value.bytes) + '/' + std::to_string(of.value.number) : "/0";
      return true;
    };
    std::map<std::string, size_t> last;
    std::string key;
    for (size_t i = 0; i < slot.many.size(); ++i) {
      if (!key_of(slot.many[i], &key)) return false;
      last[key] = i;
    }
    for (size_t i = 0; i < slot.many.size(); ++i) {
      if (!key_of(slot.many[i], &key)) return false;
      if (last[key] != i) continue;
      if (!AppendFields(
              entry, [&](size_t f) -> ColumnBuffer& { return out->child(static_cast<int>(f)); })) {
        return false;
      }
    }
    out->AppendList();
    return true;
  }

  bool AppendValue(const ProtoField& field, const WireValue& value, Scratch* child,
                   ColumnBuffer* out) {
    switch (field.kind) {
      case WireKind::kMessage:
        if (!Scan(value.bytes, *child)) return false;
        if (!AppendFields(*child, [&](size_t f) -> ColumnBuffer& {
              return out->child(static_cast<int>(f));
            })) {
          return false;
        }
        out->AppendRow();
        return true;
      case WireKind::kString:
        if (!simdjson::validate_utf8(value.bytes.data(), value.bytes.size())) {
          return Fail("`" + field.name + "`: the text is not UTF-8");
        }
        out->AppendBytes(value.bytes);
        return true;
      case WireKind::kBytes:
        out->AppendBytes(value.bytes);
        return true;
      default:
        AppendNumber(field, NumberOf(field.kind, value.number), out);
        return true;
    }
  }

  bool AppendAbsent(const ProtoField& field, ColumnBuffer* out) {
    const bool has_default =
        field.kind != WireKind::kMessage && (!field.presence || read_defaults_);
    if (!has_default) {
      if (!field.type.nullable()) return Fail("`" + field.name + "` is NOT NULL and absent");
      out->AppendNull();
    } else if (field.kind == WireKind::kString || field.kind == WireKind::kBytes) {
      out->AppendBytes(field.default_text);
    } else {
      AppendNumber(field, field.default_bits, out);
    }
    return true;
  }

  const std::shared_ptr<const ProtoMessage> message_;
  Scratch scratch_;
  const bool ignore_, read_defaults_;
  const std::shared_ptr<arrow::Schema> arrow_schema_;
  std::string fault_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> MakeProtobufDecoder(const DecodeRequest& request,
                                                     const Options& options) {
  // All columns are checked, also those that nobody reads.
  ARROW_RETURN_NOT_OK(ReadProtoSchema(request.schema, options).status());
  Schema wanted;
  for (const int i : request.projection) {
    wanted.Add(request.schema.column(i).name, request.schema.column(i).type);
  }
  ARROW_ASSIGN_OR_RAISE(auto message, ReadProtoSchema(wanted, options));
  return std::make_unique<ProtobufDecoder>(std::move(message), wanted, options);
}

}  // namespace millrace
