#include "state/value_codec.h"

#include <cstring>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type_traits.h>

namespace millrace {
namespace {

void PutLength(int64_t length, std::string* out) {
  const auto n = static_cast<uint32_t>(length);
  out->append(reinterpret_cast<const char*>(&n), sizeof n);
}

void EncodeNested(const arrow::Array& array, int64_t row, std::string* out);

void EncodeElement(const arrow::Array& array, int64_t row, std::string* out) {
  const bool valid = array.IsValid(row);
  out->push_back(static_cast<char>(valid));
  if (valid) EncodeNested(array, row, out);
}

void EncodeNested(const arrow::Array& array, int64_t row, std::string* out) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const auto view = static_cast<const arrow::BinaryArray&>(array).GetView(row);
      PutLength(static_cast<int64_t>(view.size()), out);
      out->append(view);
      return;
    }
    case arrow::Type::LIST:
    case arrow::Type::MAP: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      PutLength(list.value_length(row), out);
      for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
        EncodeElement(*list.values(), i, out);
      }
      return;
    }
    case arrow::Type::STRUCT: {
      const auto& fields = static_cast<const arrow::StructArray&>(array);
      for (const auto& field : fields.fields()) EncodeElement(*field, row, out);
      return;
    }
    case arrow::Type::BOOL:
      out->push_back(static_cast<char>(static_cast<const arrow::BooleanArray&>(array).Value(row)));
      return;
    default: {
      const auto width = static_cast<size_t>(array.type()->byte_width());
      const auto at = static_cast<size_t>(array.offset() + row) * width;
      out->append(reinterpret_cast<const char*>(array.data()->buffers[1]->data()) + at, width);
    }
  }
}

uint32_t TakeLength(std::string_view* bytes) {
  uint32_t n;
  std::memcpy(&n, bytes->data(), sizeof n);
  bytes->remove_prefix(sizeof n);
  return n;
}

std::string_view TakeBytes(size_t n, std::string_view* bytes) {
  const std::string_view taken = bytes->substr(0, n);
  bytes->remove_prefix(n);
  return taken;
}

Status DecodeNested(const arrow::DataType& type, std::string_view* bytes,
                    arrow::ArrayBuilder* builder);

Status DecodeElement(const arrow::DataType& type, std::string_view* bytes,
                     arrow::ArrayBuilder* builder) {
  return TakeBytes(1, bytes)[0] ? DecodeNested(type, bytes, builder) : builder->AppendNull();
}

template <class Builder>
Status DecodeFixed(std::string_view* bytes, arrow::ArrayBuilder* builder) {
  typename Builder::value_type value;
  std::memcpy(&value, TakeBytes(sizeof value, bytes).data(), sizeof value);
  return static_cast<Builder*>(builder)->Append(value);
}

Status DecodeNested(const arrow::DataType& type, std::string_view* bytes,
                    arrow::ArrayBuilder* builder) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const uint32_t n = TakeLength(bytes);
      return static_cast<arrow::BinaryBuilder*>(builder)->Append(TakeBytes(n, bytes));
    }
    case arrow::Type::LIST: {
      auto* list = static_cast<arrow::ListBuilder*>(builder);
      ARROW_RETURN_NOT_OK(list->Append());
      for (uint32_t n = TakeLength(bytes); n > 0; --n) {
        ARROW_RETURN_NOT_OK(DecodeElement(*type.field(0)->type(), bytes, list->value_builder()));
      }
      return Status::OK();
    }
    case arrow::Type::MAP: {
      auto* map = static_cast<arrow::MapBuilder*>(builder);
      ARROW_RETURN_NOT_OK(map->Append());
      // An entry was encoded as a ROW: its own validity, then the key's and the value's.
      for (uint32_t n = TakeLength(bytes); n > 0; --n) {
        bytes->remove_prefix(1);
        const arrow::DataType& entry = *type.field(0)->type();
        ARROW_RETURN_NOT_OK(DecodeElement(*entry.field(0)->type(), bytes, map->key_builder()));
        ARROW_RETURN_NOT_OK(DecodeElement(*entry.field(1)->type(), bytes, map->item_builder()));
      }
      return Status::OK();
    }
    case arrow::Type::STRUCT: {
      auto* row = static_cast<arrow::StructBuilder*>(builder);
      ARROW_RETURN_NOT_OK(row->Append());
      for (int i = 0; i < row->num_fields(); ++i) {
        ARROW_RETURN_NOT_OK(DecodeElement(*type.field(i)->type(), bytes, row->field_builder(i)));
      }
      return Status::OK();
    }
    case arrow::Type::BOOL:
      return static_cast<arrow::BooleanBuilder*>(builder)->Append(TakeBytes(1, bytes)[0] != 0);
    case arrow::Type::DECIMAL128: {
      const auto* digits = reinterpret_cast<const uint8_t*>(TakeBytes(16, bytes).data());
      return static_cast<arrow::Decimal128Builder*>(builder)->Append(arrow::Decimal128(digits));
    }
    case arrow::Type::INT8:
      return DecodeFixed<arrow::Int8Builder>(bytes, builder);
    case arrow::Type::INT16:
      return DecodeFixed<arrow::Int16Builder>(bytes, builder);
    case arrow::Type::INT32:
      return DecodeFixed<arrow::Int32Builder>(bytes, builder);
    case arrow::Type::INT64:
      return DecodeFixed<arrow::Int64Builder>(bytes, builder);
    case arrow::Type::FLOAT:
      return DecodeFixed<arrow::FloatBuilder>(bytes, builder);
    case arrow::Type::DOUBLE:
      return DecodeFixed<arrow::DoubleBuilder>(bytes, builder);
    case arrow::Type::DATE32:
      return DecodeFixed<arrow::Date32Builder>(bytes, builder);
    case arrow::Type::TIME32:
      return DecodeFixed<arrow::Time32Builder>(bytes, builder);
    case arrow::Type::TIMESTAMP:
      return DecodeFixed<arrow::TimestampBuilder>(bytes, builder);
    case arrow::Type::DURATION:
      return DecodeFixed<arrow::DurationBuilder>(bytes, builder);
    case arrow::Type::INTERVAL_MONTHS:
      return DecodeFixed<arrow::MonthIntervalBuilder>(bytes, builder);
    default:
      return Error::Internal("state cannot hold the type " + type.ToString());
  }
}

bool IsBytes(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::BINARY;
}

}  // namespace

void EncodeValue(const arrow::Array& array, int64_t row, std::string* out) {
  if (IsBytes(*array.type())) {
    out->append(static_cast<const arrow::BinaryArray&>(array).GetView(row));
  } else {
    EncodeNested(array, row, out);
  }
}

Status DecodeValue(const arrow::DataType& type, std::string_view bytes,
                   arrow::ArrayBuilder* builder) {
  if (IsBytes(type)) return static_cast<arrow::BinaryBuilder*>(builder)->Append(bytes);
  return DecodeNested(type, &bytes, builder);
}

}  // namespace millrace
