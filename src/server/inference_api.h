#pragma once

#include <string>
#include <vector>

#include "server/api.h"
#include "server/model_repository.h"

namespace millrace {

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
