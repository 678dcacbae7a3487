#include "models/inference_protocol/message.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/buffer.h>

#include "base/suggest.h"
#include "models/inference_protocol/tensor_codec.h"

namespace millrace {
namespace {

using nlohmann::json;

constexpr size_t kAlignment =
    8;  ///< of the first tensor behind the JSON, so that it can be used in place

std::string TextAt(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool FlagAt(const json& parameters, const char* key, bool otherwise) {
  const auto at = parameters.find(key);
  return at != parameters.end() && at->is_boolean() ? at->get<bool>() : otherwise;
}

/// Lives as long as `object`.
Result<const json*> Parameters(const json& object) {
  static const json kNone = json::object();
  const auto at = object.find("parameters");
  if (at == object.end()) return &kNone;
  if (!at->is_object()) return Error::User("'parameters' is not an object");
  return &*at;
}

/// Reads a body's JSON and hands out its binary tensors one after the other.
class Reader {
 public:
  Reader(const std::shared_ptr<arrow::Buffer>& body, size_t header_bytes)
      : body_(body), at_(header_bytes) {}

  Result<json> Header() {
    const auto size = static_cast<size_t>(body_->size());
    if (at_ > size) return Error::User("the body is shorter than its JSON is said to be");
    if (at_ == 0) at_ = size;
    const char* begin = reinterpret_cast<const char*>(body_->data());
    json header = json::parse(begin, begin + at_, nullptr, false);
    if (!header.is_object()) return Error::User("the body is not a JSON object");
    return header;
  }

  Result<std::vector<Tensor>> Tensors(const json& header, const char* key) {
    const auto list = header.find(key);
    if (list == header.end() || !list->is_array()) {
      return Error::User("the message has no array '" + std::string(key) + "'");
    }
    std::vector<Tensor> tensors;
    for (const json& each : *list) {
      ARROW_ASSIGN_OR_RAISE(tensors.emplace_back(), ReadTensor(each));
    }
    if (at_ != static_cast<size_t>(body_->size())) {
      return Error::User(std::to_string(static_cast<size_t>(body_->size()) - at_) +
                         " bytes of the body belong to no tensor");
    }
    return tensors;
  }

 private:
  Result<Tensor> ReadTensor(const json& object) {
    if (!object.is_object()) return Error::User("a tensor is not a JSON object");
    Tensor tensor;
    tensor.name = TextAt(object, "name");
    if (tensor.name.empty()) return Error::User("a tensor has no 'name'");
    const std::string type = TextAt(object, "datatype");
    const auto datatype = DatatypeNamed(type);
    if (!datatype) return Error::User("tensor '" + tensor.name + "': no datatype '" + type + "'");
    tensor.datatype = *datatype;
    const auto shape = object.find("shape");
    if (shape == object.end() || !shape->is_array())
      return Error::User("tensor '" + tensor.name + "' has no 'shape'");
    for (const json& dimension : *shape) {
      if (!dimension.is_number_integer())
        return Error::User("tensor '" + tensor.name + "': its shape is not of numbers");
      tensor.shape.push_back(dimension.get<int64_t>());
    }
    if (tensor.num_elements() < 0) {
      return Error::User("tensor '" + tensor.name + "' cannot have the shape " +
                         ShapeText(tensor.shape));
    }
    ARROW_ASSIGN_OR_RAISE(const json* parameters, Parameters(object));
    if (const auto size = parameters->find("binary_data_size"); size != parameters->end()) {
      const size_t left = static_cast<size_t>(body_->size()) - at_;
      if (!size->is_number_unsigned() || size->get<uint64_t>() > left) {
        return Error::User("tensor '" + tensor.name + "': its binary_data_size is more than the " +
                           std::to_string(left) + " bytes that are left");
      }
      const auto bytes = size->get<int64_t>();
      ARROW_RETURN_NOT_OK(
          FromBinary(arrow::SliceBuffer(body_, static_cast<int64_t>(at_), bytes), &tensor));
      at_ += static_cast<size_t>(bytes);
      return tensor;
    }
    const auto data = object.find("data");
    if (data == object.end()) {
      return Error::User("tensor '" + tensor.name + "' has neither 'data' nor a binary_data_size");
    }
    ARROW_RETURN_NOT_OK(FromJsonData(*data, &tensor));
    return tensor;
  }

  const std::shared_ptr<arrow::Buffer> body_;
  size_t at_;  ///< where the next binary tensor begins
};

std::string TextOf(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// `text` in quotes.
void AppendQuoted(std::string_view text, std::string* header) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c >= ' ' && c != 0x7f && c != '"' && c != '\\';
  });
  if (!plain) {
    *header += TextOf(text);
    return;
  }
  *header += '"';
  *header += text;
  *header += '"';
}

/// Between the members of an array.
void AppendComma(std::string* header) {
  if (header->back() != '[') *header += ',';
}

/// Written as text: as a tree the header would cost more than all else of a small request.
Status AppendTensor(const Tensor& tensor, bool binary, std::string* header,
                    EncodedMessage* message) {
  AppendComma(header);
  *header += R"({"name":)";
  AppendQuoted(tensor.name, header);
  *header += R"(,"shape":[)";
  for (const int64_t dimension : tensor.shape) {
    AppendComma(header);
    *header += std::to_string(dimension);
  }
  *header += R"(],"datatype":")";
  *header += NameOf(tensor.datatype);
  *header += '"';
  if (binary) {
    ARROW_ASSIGN_OR_RAISE(auto bytes, ToBinary(tensor));
    *header += R"(,"parameters":{"binary_data_size":)" + std::to_string(bytes->size()) + "}}";
    message->pieces.push_back(std::move(bytes));
  } else {
    ARROW_ASSIGN_OR_RAISE(const json data, ToJsonData(tensor));
    *header += R"(,"data":)" + TextOf(data) + '}';
  }
  return Status::OK();
}

void PutHeader(std::string text, EncodedMessage* message) {
  if (!message->pieces.empty()) {
    text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
    message->header_bytes = text.size();
  }
  message->pieces.insert(message->pieces.begin(), arrow::Buffer::FromString(std::move(text)));
}

}  // namespace

bool InferRequest::WantsBinary(std::string_view output) const {
  const auto at = std::find_if(outputs.begin(), outputs.end(),
                               [&](const Output& each) { return each.name == output; });
  return at == outputs.end() ? binary_output : at->binary;
}

Result<EncodedMessage> EncodeInferRequest(const InferRequest& request) {
  EncodedMessage message;
  std::string header = "{";
  if (!request.id.empty()) {
    header += R"("id":)";
    AppendQuoted(request.id, &header);
    header += ',';
  }
  json parameters = request.parameters;
  if (request.binary_output) parameters["binary_data_output"] = true;
  if (!parameters.empty()) header += R"("parameters":)" + TextOf(parameters) + ',';
  header += R"("inputs":[)";
  for (const Tensor& tensor : request.inputs) {
    ARROW_RETURN_NOT_OK(AppendTensor(tensor, request.binary_input, &header, &message));
  }
  header += ']';
  if (!request.outputs.empty()) {
    header += R"(,"outputs":[)";
    for (const auto& output : request.outputs) {
      AppendComma(&header);
      header += R"({"name":)";
      AppendQuoted(output.name, &header);
      header += output.binary ? R"(,"parameters":{"binary_data":true}})"
                              : R"(,"parameters":{"binary_data":false}})";
    }
    header += ']';
  }
  PutHeader(header + '}', &message);
  return message;
}

Result<EncodedMessage> EncodeInferResponse(const InferResponse& response,
                                           const std::vector<bool>& binary) {
  EncodedMessage message;
  std::string header = R"({"model_name":)";
  AppendQuoted(response.model_name, &header);
  header += R"(,"model_version":)";
  AppendQuoted(response.model_version, &header);
  if (!response.id.empty()) {
    header += R"(,"id":)";
    AppendQuoted(response.id, &header);
  }
  header += R"(,"outputs":[)";
  for (size_t i = 0; i < response.outputs.size(); ++i) {
    ARROW_RETURN_NOT_OK(AppendTensor(response.outputs[i], binary[i], &header, &message));
  }
  PutHeader(header + "]}", &message);
  return message;
}

Result<InferRequest> DecodeInferRequest(const std::shared_ptr<arrow::Buffer>& body,
                                        size_t header_bytes) {
  Reader reader(body, header_bytes);
  ARROW_ASSIGN_OR_RAISE(const json header, reader.Header());
  InferRequest request;
  request.id = TextAt(header, "id");
  ARROW_ASSIGN_OR_RAISE(const json* parameters, Parameters(header));
  request.parameters = *parameters;
  request.binary_output = FlagAt(request.parameters, "binary_data_output", false);
  request.parameters.erase("binary_data_output");
  ARROW_ASSIGN_OR_RAISE(request.inputs, reader.Tensors(header, "inputs"));
  const auto outputs = header.find("outputs");
  if (outputs == header.end()) return request;
  if (!outputs->is_array()) return Error::User("'outputs' is not an array");
  for (const json& each : *outputs) {
    if (!each.is_object()) return Error::User("an output is not a JSON object");
    ARROW_ASSIGN_OR_RAISE(const json* of_output, Parameters(each));
    request.outputs.push_back(
        {TextAt(each, "name"), FlagAt(*of_output, "binary_data", request.binary_output)});
    if (request.outputs.back().name.empty()) return Error::User("an output has no 'name'");
  }
  return request;
}

Result<InferResponse> DecodeInferResponse(const std::shared_ptr<arrow::Buffer>& body,
                                          size_t header_bytes) {
  Reader reader(body, header_bytes);
  ARROW_ASSIGN_OR_RAISE(const json header, reader.Header());
  InferResponse response;
  response.model_name = TextAt(header, "model_name");
  response.model_version = TextAt(header, "model_version");
  response.id = TextAt(header, "id");
  ARROW_ASSIGN_OR_RAISE(response.outputs, reader.Tensors(header, "outputs"));
  return response;
}

}  // namespace millrace
