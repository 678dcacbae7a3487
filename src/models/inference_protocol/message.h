#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json.hpp>

#include "models/tensor.h"

namespace millrace {

/// HTTP header that says how many bytes of a body are JSON; binary tensors follow them.
constexpr char kInferenceHeaderLength[] = "Inference-Header-Content-Length";

/// A request of the Open Inference Protocol (KServe v2), with the binary tensor extension.
struct InferRequest {
  struct Output {
    std::string name;
    bool binary = false;
  };

  std::string id;
  nlohmann::json parameters = nlohmann::json::object();  ///< of the request
  std::vector<Tensor> inputs;
  std::vector<Output> outputs;  ///< empty: all
  bool binary_output = false;   ///< of outputs that do not say
  bool binary_input = true;     ///< how the inputs travel; for encoding

  bool WantsBinary(std::string_view output) const;
};

struct InferResponse {
  std::string model_name, model_version, id;
  std::vector<Tensor> outputs;
};

/// A body in pieces, the first of them JSON. Tensors are sent from where they lie.
struct EncodedMessage {
  std::vector<std::shared_ptr<arrow::Buffer>> pieces;
  size_t header_bytes = 0;  ///< of the JSON; 0: there is nothing else
};

Result<EncodedMessage> EncodeInferRequest(const InferRequest& request);
/// `binary[i]`: how output i travels. FP16 and BF16 have no JSON form: a user error.
Result<EncodedMessage> EncodeInferResponse(const InferResponse& response,
                                           const std::vector<bool>& binary);

/// `header_bytes` 0: the whole body is JSON. Tensors refer to `body` where they are aligned. User
/// errors say what is wrong with which tensor.
Result<InferRequest> DecodeInferRequest(const std::shared_ptr<arrow::Buffer>& body,
                                        size_t header_bytes);
Result<InferResponse> DecodeInferResponse(const std::shared_ptr<arrow::Buffer>& body,
                                          size_t header_bytes);

}  // namespace millrace
