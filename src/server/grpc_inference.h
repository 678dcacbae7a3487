#pragma once

#include <string_view>

#include "server/grpc_server.h"
#include "server/inference_api.h"

namespace millrace {

/// The calls of the Open Inference Protocol's gRPC service, answered by the same interface as those
/// of HTTP. What a client does wrong is INVALID_ARGUMENT, NOT_FOUND or UNIMPLEMENTED, never
/// INTERNAL. Thread-safe.
GrpcAnswer AnswerGrpc(const InferenceApi& api, std::string_view method, std::string_view request);

}  // namespace millrace
