#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "formats/protobuf.h"
#include "formats/protobuf_schema.h"

namespace millrace {
namespace {

/// A number of a column as the wire has it.
uint64_t BitsOf(const ProtoField& field, const arrow::Array& column, int64_t row) {
  int64_t number = 0;
  switch (field.value_type().kind()) {
    case TypeKind::kBoolean:
      return static_cast<const arrow::BooleanArray&>(column).Value(row) ? 1 : 0;
    case TypeKind::kInt:
      number = static_cast<const arrow::Int32Array&>(column).Value(row);
      break;
    case TypeKind::kFloat: {
      uint32_t bits = 0;
      const float value = static_cast<const arrow::FloatArray&>(column).Value(row);
      std::memcpy(&bits, &value, sizeof bits);
      return bits;
    }
    case TypeKind::kDouble: {
      uint64_t bits = 0;
      const double value = static_cast<const arrow::DoubleArray&>(column).Value(row);
      std::memcpy(&bits, &value, sizeof bits);
      return bits;
    }
    default:
      number = static_cast<const arrow::Int64Array&>(column).Value(row);
  }
  const bool zigzag = field.kind == WireKind::kSint32 || field.kind == WireKind::kSint64;
  return zigzag ? ZigZag(number) : static_cast<uint64_t>(number);
}

void AppendBits(WireType type, uint64_t bits, std::string* out) {
  if (type == WireType::kVarint) return AppendVarint(bits, out);
  out->append(reinterpret_cast<const char*>(&bits), type == WireType::kFixed32 ? 4 : 8);
}

class ProtobufEncoder final : public Encoder {
 public:
  explicit ProtobufEncoder(std::shared_ptr<const ProtoMessage> message)
      : message_(std::move(message)) {}

  Status Encode(const arrow::RecordBatch&, std::string*) override {
    return Error::User("messages of the format 'protobuf' have no ends in a file")
        .Hint("it is for connectors with records, such as 'kafka'");
  }

  Status EncodeMessages(const arrow::RecordBatch& rows, std::vector<std::string>* out) override {
    const auto columns = rows.columns();
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      ARROW_RETURN_NOT_OK(AppendMessage(*message_, columns, row, &out->emplace_back()));
    }
    return Status::OK();
  }

 private:
  static Status AppendMessage(const ProtoMessage& message, const arrow::ArrayVector& columns,
                              int64_t row, std::string* out) {
    for (size_t i = 0; i < message.fields.size(); ++i) {
      const ProtoField& field = message.fields[i];
      const arrow::Array& column = *columns[i];
      if (column.IsNull(row)) continue;
      if (field.map) {
        ARROW_RETURN_NOT_OK(
            AppendMap(field, static_cast<const arrow::MapArray&>(column), row, out));
      } else if (field.repeated) {
        ARROW_RETURN_NOT_OK(
            AppendRepeated(field, static_cast<const arrow::ListArray&>(column), row, out));
      } else {
        ARROW_RETURN_NOT_OK(AppendField(field, column, row, !field.presence, out));
      }
    }
    return Status::OK();
  }

  /// `skip_default`: an absent field reads alike.
  static Status AppendField(const ProtoField& field, const arrow::Array& column, int64_t row,
                            bool skip_default, std::string* out) {
    const WireType type = WireTypeOf(field.kind);
    if (field.kind == WireKind::kMessage) {
      const auto& fields = static_cast<const arrow::StructArray&>(column);
      arrow::ArrayVector columns;
      for (int i = 0; i < fields.num_fields(); ++i) columns.push_back(fields.field(i));
      std::string nested;
      ARROW_RETURN_NOT_OK(AppendMessage(*field.message, columns, row, &nested));
      AppendTag(field.number, type, out);
      AppendSized(nested, out);
      return Status::OK();
    }
    if (type == WireType::kBytes) {
      const auto bytes = static_cast<const arrow::BinaryArray&>(column).GetView(row);
      if (skip_default && bytes.empty()) return Status::OK();
      AppendTag(field.number, type, out);
      AppendSized(bytes, out);
      return Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(const uint64_t bits, NumberOf(field, column, row));
    if (skip_default && bits == 0) return Status::OK();
    AppendTag(field.number, type, out);
    AppendBits(type, bits, out);
    return Status::OK();
  }

  static Result<uint64_t> NumberOf(const ProtoField& field, const arrow::Array& column,
                                   int64_t row) {
    if (field.kind != WireKind::kEnum || field.value_type().kind() == TypeKind::kInt) {
      return BitsOf(field, column, row);
    }
    const std::string name(static_cast<const arrow::BinaryArray&>(column).GetView(row));
    const auto number = field.enum_numbers.find(name);
    if (number == field.enum_numbers.end()) {
      return Error::Data("`" + field.name + "`: the enum has no '" + name + "'");
    }
    return static_cast<uint64_t>(static_cast<int64_t>(number->second));
  }

  static Status AppendRepeated(const ProtoField& field, const arrow::ListArray& list, int64_t row,
                               std::string* out) {
    const int64_t begin = list.value_offset(row), end = list.value_offset(row + 1);
    if (begin == end) return Status::OK();
    const arrow::Array& values = *list.values();
    std::string packed;
    for (int64_t i = begin; i < end; ++i) {
      if (values.IsNull(i)) {
        return Error::Data("`" + field.name + "`: a repeated field has no NULL");
      }
      if (!field.packed) {
        ARROW_RETURN_NOT_OK(AppendField(field, values, i, false, out));
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(const uint64_t bits, NumberOf(field, values, i));
      AppendBits(WireTypeOf(field.kind), bits, &packed);
    }
    if (field.packed) {
      AppendTag(field.number, WireType::kBytes, out);
      AppendSized(packed, out);
    }
    return Status::OK();
  }

  static Status AppendMap(const ProtoField& field, const arrow::MapArray& map, int64_t row,
                          std::string* out) {
    for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
      std::string entry;
      ARROW_RETURN_NOT_OK(AppendMessage(*field.message, {map.keys(), map.items()}, i, &entry));
      AppendTag(field.number, WireType::kBytes, out);
      AppendSized(entry, out);
    }
    return Status::OK();
  }

  const std::shared_ptr<const ProtoMessage> message_;
};

}  // namespace

Result<std::unique_ptr<Encoder>> MakeProtobufEncoder(const Schema& schema, const Options& options) {
  ARROW_ASSIGN_OR_RAISE(auto message, ReadProtoSchema(schema, options));
  return std::make_unique<ProtobufEncoder>(std::move(message));
}

}  // namespace millrace
