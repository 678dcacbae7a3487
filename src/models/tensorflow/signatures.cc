#include "models/tensorflow/signatures.h"

#include <algorithm>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace millrace {
namespace {

using google::protobuf::internal::WireFormatLite;

/// A field of a message: `bytes` of what has a length, else `number`.
struct Field {
  int id = 0;
  std::string_view bytes;
  uint64_t number = 0;
};

template <class OnField>
Status ForEachField(std::string_view message, OnField&& on_field) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  while (const uint32_t tag = in.ReadTag()) {
    Field field{WireFormatLite::GetTagFieldNumber(tag), {}, 0};
    bool read = false;
    switch (WireFormatLite::GetTagWireType(tag)) {
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED: {
        uint32_t size = 0;
        read = in.ReadVarint32(&size);
        const auto at = static_cast<size_t>(in.CurrentPosition());
        read = read && in.Skip(static_cast<int>(size));
        if (read) field.bytes = message.substr(at, size);
        break;
      }
      case WireFormatLite::WIRETYPE_VARINT:
        read = in.ReadVarint64(&field.number);
        break;
      default:
        read = WireFormatLite::SkipField(&in, tag);
    }
    if (!read) break;
    ARROW_RETURN_NOT_OK(on_field(field));
  }
  if (in.ConsumedEntireMessage()) return Status::OK();
  return Error::User("the signatures of the model cannot be read: the message is damaged");
}

/// tensorflow.TensorShapeProto
Status ReadShape(std::string_view message, SignatureTensor* out) {
  std::vector<int64_t> shape;
  bool unknown = false;
  ARROW_RETURN_NOT_OK(ForEachField(message, [&](const Field& field) -> Status {
    if (field.id == 3) unknown = field.number != 0;
    if (field.id != 2) return Status::OK();
    shape.push_back(0);
    return ForEachField(field.bytes, [&](const Field& part) {
      if (part.id == 1) shape.back() = static_cast<int64_t>(part.number);
      return Status::OK();
    });
  }));
  if (!unknown) out->shape = std::move(shape);
  return Status::OK();
}

/// An entry of map<string, tensorflow.TensorInfo>.
Result<SignatureTensor> ReadTensor(std::string_view entry) {
  SignatureTensor tensor;
  ARROW_RETURN_NOT_OK(ForEachField(entry, [&](const Field& field) -> Status {
    if (field.id == 1) tensor.key = field.bytes;
    if (field.id != 2) return Status::OK();
    return ForEachField(field.bytes, [&](const Field& part) -> Status {
      if (part.id == 1) tensor.tensor = part.bytes;
      return part.id == 3 ? ReadShape(part.bytes, &tensor) : Status::OK();
    });
  }));
  return tensor;
}

/// An entry of map<string, tensorflow.SignatureDef>.
Result<GraphSignature> ReadSignature(std::string_view entry) {
  GraphSignature signature;
  ARROW_RETURN_NOT_OK(ForEachField(entry, [&](const Field& field) -> Status {
    if (field.id == 1) signature.name = field.bytes;
    if (field.id != 2) return Status::OK();
    return ForEachField(field.bytes, [&](const Field& part) -> Status {
      if (part.id != 1 && part.id != 2) return Status::OK();
      auto& side = part.id == 1 ? signature.inputs : signature.outputs;
      return ReadTensor(part.bytes).Value(&side.emplace_back());
    });
  }));
  std::ranges::sort(signature.inputs, {}, &SignatureTensor::key);
  std::ranges::sort(signature.outputs, {}, &SignatureTensor::key);
  return signature;
}

}  // namespace

Result<std::vector<GraphSignature>> ReadSignatures(std::string_view meta_graph) {
  constexpr int kSignatureDef = 5;
  std::vector<GraphSignature> signatures;
  ARROW_RETURN_NOT_OK(ForEachField(meta_graph, [&](const Field& field) -> Status {
    if (field.id != kSignatureDef) return Status::OK();
    return ReadSignature(field.bytes).Value(&signatures.emplace_back());
  }));
  std::ranges::sort(signatures, {}, &GraphSignature::name);
  return signatures;
}

}  // namespace millrace
