#include "models/inference_protocol/grpc_message.h"

#include <cstring>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <inference.pb.h>

#include "models/inference_protocol/tensor_codec.h"
#include "net/gzip.h"

namespace millrace {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::Buffer>>;

constexpr size_t kFrameBytes = 5;

inference::InferParameter ParameterOf(const nlohmann::json& value) {
  inference::InferParameter parameter;
  if (value.is_boolean()) {
    parameter.set_bool_param(value.get<bool>());
  } else if (value.is_number_integer()) {
    parameter.set_int64_param(value.get<int64_t>());
  } else if (value.is_number()) {
    parameter.set_double_param(value.get<double>());
  } else {
    parameter.set_string_param(value.is_string() ? value.get<std::string>() : value.dump());
  }
  return parameter;
}

nlohmann::json JsonOf(const inference::InferParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case inference::InferParameter::kBoolParam:
      return parameter.bool_param();
    case inference::InferParameter::kInt64Param:
      return parameter.int64_param();
    case inference::InferParameter::kStringParam:
      return parameter.string_param();
    case inference::InferParameter::kDoubleParam:
      return parameter.double_param();
    case inference::InferParameter::kUint64Param:
      return parameter.uint64_param();
    case inference::InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  return nullptr;
}

/// A field of bytes: its tag and length, then the bytes from where they lie.
void AddBytesField(int field, std::shared_ptr<arrow::Buffer> bytes, Pieces* pieces) {
  std::string head(1, static_cast<char>(field << 3 | 2));
  auto length = static_cast<uint64_t>(bytes->size());
  for (; length >= 0x80; length >>= 7) head += static_cast<char>(length | 0x80);
  head += static_cast<char>(length);
  pieces->push_back(arrow::Buffer::FromString(std::move(head)));
  if (bytes->size() > 0) pieces->push_back(std::move(bytes));
}

template <class Message>
Status AddTensor(const Tensor& tensor, int raw_field, Message* message, Pieces* raw) {
  message->set_name(tensor.name);
  message->set_datatype(std::string(NameOf(tensor.datatype)));
  for (const int64_t dimension : tensor.shape) message->add_shape(dimension);
  ARROW_ASSIGN_OR_RAISE(auto bytes, ToBinary(tensor));
  AddBytesField(raw_field, std::move(bytes), raw);
  return Status::OK();
}

template <class T, class Values>
void Put(const Values& values, Tensor* tensor) {
  std::vector<T> elements(values.begin(), values.end());
  tensor->data = arrow::Buffer::FromVector(std::move(elements));
}

/// The elements where they are written one by one rather than as bytes.
Status FromContents(const inference::InferTensorContents& contents, Tensor* tensor) {
  int64_t count = 0;
  switch (tensor->datatype) {
    case Datatype::kBool:
      Put<uint8_t>(contents.bool_contents(), tensor);
      count = contents.bool_contents_size();
      break;
    case Datatype::kInt8:
      Put<int8_t>(contents.int_contents(), tensor);
      count = contents.int_contents_size();
      break;
    case Datatype::kInt16:
      Put<int16_t>(contents.int_contents(), tensor);
      count = contents.int_contents_size();
      break;
    case Datatype::kInt32:
      Put<int32_t>(contents.int_contents(), tensor);
      count = contents.int_contents_size();
      break;
    case Datatype::kInt64:
      Put<int64_t>(contents.int64_contents(), tensor);
      count = contents.int64_contents_size();
      break;
    case Datatype::kUint8:
      Put<uint8_t>(contents.uint_contents(), tensor);
      count = contents.uint_contents_size();
      break;
    case Datatype::kUint16:
      Put<uint16_t>(contents.uint_contents(), tensor);
      count = contents.uint_contents_size();
      break;
    case Datatype::kUint32:
      Put<uint32_t>(contents.uint_contents(), tensor);
      count = contents.uint_contents_size();
      break;
    case Datatype::kUint64:
      Put<uint64_t>(contents.uint64_contents(), tensor);
      count = contents.uint64_contents_size();
      break;
    case Datatype::kFp32:
      Put<float>(contents.fp32_contents(), tensor);
      count = contents.fp32_contents_size();
      break;
    case Datatype::kFp64:
      Put<double>(contents.fp64_contents(), tensor);
      count = contents.fp64_contents_size();
      break;
    case Datatype::kBytes: {
      arrow::BinaryBuilder builder;
      for (const std::string& each : contents.bytes_contents()) {
        ARROW_RETURN_NOT_OK(builder.Append(each));
      }
      ARROW_RETURN_NOT_OK(builder.Finish(&tensor->bytes));
      count = contents.bytes_contents_size();
      break;
    }
    default:
      return Error::User("tensor '" + tensor->name + "': " + std::string(NameOf(tensor->datatype)) +
                         " comes in raw_…_contents only");
  }
  if (count == tensor->num_elements()) return Status::OK();
  return Error::User("tensor '" + tensor->name + "' of shape " + ShapeText(tensor->shape) +
                     " has " + std::to_string(count) + " elements");
}

/// `raw`: the bytes of the tensor, null where it brings its contents itself.
template <class Message>
Result<Tensor> ReadTensor(const Message& message, std::string* raw) {
  Tensor tensor;
  tensor.name = message.name();
  const auto datatype = DatatypeNamed(message.datatype());
  if (!datatype) {
    return Error::User("tensor '" + tensor.name + "': no datatype '" + message.datatype() + "'");
  }
  tensor.datatype = *datatype;
  tensor.shape.assign(message.shape().begin(), message.shape().end());
  if (tensor.num_elements() < 0) {
    return Error::User("tensor '" + tensor.name + "' cannot have the shape " +
                       ShapeText(tensor.shape));
  }
  if (raw == nullptr) {
    ARROW_RETURN_NOT_OK(FromContents(message.contents(), &tensor));
    return tensor;
  }
  ARROW_RETURN_NOT_OK(FromBinary(arrow::Buffer::FromString(std::move(*raw)), &tensor));
  return tensor;
}

template <class Messages, class Raw>
Result<std::vector<Tensor>> ReadTensors(const Messages& messages, Raw* raw) {
  if (raw->size() > 0 && raw->size() != messages.size()) {
    return Error::User("there are " + std::to_string(messages.size()) + " tensors and " +
                       std::to_string(raw->size()) + " raw contents");
  }
  std::vector<Tensor> tensors;
  for (int i = 0; i < messages.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(tensors.emplace_back(),
                          ReadTensor(messages[i], raw->size() > 0 ? raw->Mutable(i) : nullptr));
  }
  return tensors;
}

}  // namespace

Result<Pieces> ToGrpcRequest(const InferRequest& request, const std::string& model,
                             const std::string& version) {
  inference::ModelInferRequest message;
  message.set_model_name(model);
  message.set_model_version(version);
  message.set_id(request.id);
  for (const auto& [key, value] : request.parameters.items()) {
    (*message.mutable_parameters())[key] = ParameterOf(value);
  }
  for (const auto& output : request.outputs) message.add_outputs()->set_name(output.name);
  Pieces raw;
  for (const Tensor& tensor : request.inputs) {
    ARROW_RETURN_NOT_OK(AddTensor(tensor,
                                  inference::ModelInferRequest::kRawInputContentsFieldNumber,
                                  message.add_inputs(), &raw));
  }
  raw.insert(raw.begin(), arrow::Buffer::FromString(message.SerializeAsString()));
  return raw;
}

Result<Pieces> ToGrpcResponse(const InferResponse& response) {
  inference::ModelInferResponse message;
  message.set_model_name(response.model_name);
  message.set_model_version(response.model_version);
  message.set_id(response.id);
  Pieces raw;
  for (const Tensor& tensor : response.outputs) {
    ARROW_RETURN_NOT_OK(AddTensor(tensor,
                                  inference::ModelInferResponse::kRawOutputContentsFieldNumber,
                                  message.add_outputs(), &raw));
  }
  raw.insert(raw.begin(), arrow::Buffer::FromString(message.SerializeAsString()));
  return raw;
}

Result<InferRequest> FromGrpcRequest(inference::ModelInferRequest message) {
  InferRequest request;
  request.id = message.id();
  for (const auto& [key, value] : message.parameters()) request.parameters[key] = JsonOf(value);
  for (const auto& output : message.outputs()) request.outputs.push_back({output.name(), true});
  request.binary_output = true;
  ARROW_ASSIGN_OR_RAISE(request.inputs,
                        ReadTensors(message.inputs(), message.mutable_raw_input_contents()));
  return request;
}

Result<InferResponse> FromGrpcResponse(inference::ModelInferResponse message) {
  InferResponse response;
  response.model_name = message.model_name();
  response.model_version = message.model_version();
  response.id = message.id();
  ARROW_ASSIGN_OR_RAISE(response.outputs,
                        ReadTensors(message.outputs(), message.mutable_raw_output_contents()));
  return response;
}

Pieces GrpcFrame(Pieces message, bool compressed) {
  uint64_t bytes = 0;
  for (const auto& piece : message) bytes += static_cast<uint64_t>(piece->size());
  std::string head(kFrameBytes, '\0');
  head[0] = compressed ? 1 : 0;
  for (size_t i = 1; i < kFrameBytes; ++i) {
    head[i] = static_cast<char>(bytes >> (8 * (kFrameBytes - 1 - i)));
  }
  message.insert(message.begin(), arrow::Buffer::FromString(std::move(head)));
  return message;
}

Result<std::string> FromGrpcFrame(std::string_view body, size_t max_bytes) {
  if (body.size() < kFrameBytes) return Error::Data("the answer is no gRPC message");
  size_t length = 0;
  for (size_t i = 1; i < kFrameBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(body[i]);
  }
  const std::string_view message = body.substr(kFrameBytes);
  if (message.size() != length) {
    return Error::Data("a gRPC message of " + std::to_string(length) + " bytes came with " +
                       std::to_string(message.size()));
  }
  if (body[0] != 0) return GzipDecompress(message, max_bytes);
  return std::string(message);
}

std::string FromPercentText(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? digit(text[i + 1]) : -1;
    const int low = high >= 0 ? digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return out;
}

}  // namespace millrace
