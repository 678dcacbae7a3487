#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json_fwd.hpp>

#include "server/model_repository.h"

namespace millrace {

struct ApiRequest {
  std::string method, path;
  std::string content_encoding;  ///< empty, "identity" or "gzip"
  std::string inference_header_length;
  std::shared_ptr<arrow::Buffer> body;
};

struct ApiResponse {
  int status = 200;
  std::string content_type = "application/json";
  size_t inference_header_length = 0;  ///< 0: the header is left out
  std::vector<std::shared_ptr<arrow::Buffer>> body;

  static ApiResponse Json(int status, const nlohmann::json& json);
  static ApiResponse Fault(int status, const std::string& text);  ///< {"error": text}
};

/// The Open Inference Protocol over HTTP, without the HTTP: health, metadata, configuration,
/// repository index and inference. What a client does wrong is a 400, 404 or 405, never a 500.
/// Thread-safe; works on the caller's thread.
class InferenceApi {
 public:
  /// `repository` outlives the object. `max_bytes`: of an unpacked body.
  InferenceApi(const ModelRepository& repository, size_t max_bytes)
      : repository_(repository), max_bytes_(max_bytes) {}

  ApiResponse Answer(const ApiRequest& request) const;

 private:
  ApiResponse AnswerModel(const ApiRequest& request, std::vector<std::string> path) const;
  Result<ApiResponse> Infer(const ApiRequest& request, const ServedModel& served) const;

  const ModelRepository& repository_;
  const size_t max_bytes_;
};

}  // namespace millrace
