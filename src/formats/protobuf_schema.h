#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "formats/protobuf_wire.h"
#include "types/schema.h"

namespace millrace {

/// What stands on the wire for a field, by its type in the .proto file.
enum class WireKind : uint8_t {
  kBool,
  kInt32,
  kInt64,
  kUint32,
  kUint64,
  kSint32,
  kSint64,
  kFixed32,
  kFixed64,
  kSfixed32,
  kSfixed64,
  kFloat,
  kDouble,
  kString,
  kBytes,
  kEnum,
  kMessage,
};

inline WireType WireTypeOf(WireKind kind) {
  switch (kind) {
    case WireKind::kFixed32:
    case WireKind::kSfixed32:
    case WireKind::kFloat:
      return WireType::kFixed32;
    case WireKind::kFixed64:
    case WireKind::kSfixed64:
    case WireKind::kDouble:
      return WireType::kFixed64;
    case WireKind::kString:
    case WireKind::kBytes:
    case WireKind::kMessage:
      return WireType::kBytes;
    default:
      return WireType::kVarint;
  }
}

struct ProtoMessage;

/// A field of a message with the column that takes it.
struct ProtoField {
  std::string name;
  uint32_t number = 0;
  WireKind kind = WireKind::kInt32;
  SqlType type;              ///< the column's
  bool repeated = false;     ///< an ARRAY
  bool map = false;          ///< a MAP: `message` is its entry
  bool packed = false;       ///< how it is written
  bool presence = false;     ///< absent differs from the default
  std::string default_text;  ///< of strings, bytes and enums
  int64_t default_bits = 0;  ///< of the others: the value's own bits, as ColumnBuffer has them
  std::map<int32_t, std::string> enum_names;
  std::map<std::string, int32_t> enum_numbers;
  std::shared_ptr<const ProtoMessage> message;  ///< kMessage

  /// Of an element of an ARRAY, of the column itself else.
  const SqlType& value_type() const { return repeated && !map ? type.element() : type; }
};

/// The fields that columns take, in the columns' order.
struct ProtoMessage {
  std::vector<ProtoField> fields;
  std::vector<int16_t> by_number;  ///< small numbers to fields; -1: not wanted

  int Find(uint32_t number) const {
    if (number < by_number.size()) return by_number[number];
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].number == number) return static_cast<int>(i);
    }
    return -1;
  }
};

/// Reads the file that the options name and fits its message to the columns. A user error names the
/// column, its type and what the file says.
Result<std::shared_ptr<const ProtoMessage>> ReadProtoSchema(const Schema& columns,
                                                            const Options& options);

}  // namespace millrace
