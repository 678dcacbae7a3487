#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "models/inference_protocol/message.h"

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
}  // namespace inference

namespace millrace {

/// The protobuf form of a message in pieces; tensors are sent from where they lie.
Result<std::vector<std::shared_ptr<arrow::Buffer>>> ToGrpcRequest(const InferRequest& request,
                                                                  const std::string& model,
                                                                  const std::string& version);
Result<std::vector<std::shared_ptr<arrow::Buffer>>> ToGrpcResponse(const InferResponse& response);

/// The tensors' bytes are moved out of `message`. User errors say what is wrong with which tensor.
Result<InferRequest> FromGrpcRequest(inference::ModelInferRequest message);
Result<InferResponse> FromGrpcResponse(inference::ModelInferResponse message);

/// The pieces of a gRPC message behind the 5 bytes that frame it.
std::vector<std::shared_ptr<arrow::Buffer>> GrpcFrame(
    std::vector<std::shared_ptr<arrow::Buffer>> message, bool compressed);

/// The message in the one frame of a body, unpacked where it is gzip.
Result<std::string> FromGrpcFrame(std::string_view body, size_t max_bytes);

/// The text of a `grpc-message` header, where "%20" is a space.
std::string FromPercentText(std::string_view text);

}  // namespace millrace
