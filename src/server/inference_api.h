#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "models/inference_protocol/message.h"
#include "server/api.h"
#include "server/model_repository.h"

namespace millrace {

/// The Open Inference Protocol with Triton's extensions, without the HTTP: health, metadata,
/// configuration, statistics, repository and inference. What a client does wrong is a 400, 404 or
/// 405, never a 500. Thread-safe; works on the caller's thread.
class InferenceApi {
 public:
  /// `repository` and `env` outlive the object. `max_bytes`: of an unpacked body.
  InferenceApi(ModelRepository& repository, Env& env, size_t max_bytes)
      : repository_(repository), env_(env), max_bytes_(max_bytes) {}

  ApiResponse Answer(const ApiRequest& request) const;

  /// Of one inference: the answer, or the HTTP status and the text of a fault.
  struct Inference {
    int status = 200;
    std::string fault;
    InferResponse response;
  };
  Inference Infer(const std::string& model, const std::string& version, InferRequest request) const;

 private:
  ApiResponse AnswerModel(const ApiRequest& request, std::vector<std::string> path) const;
  ApiResponse AnswerRepository(const ApiRequest& request,
                               const std::vector<std::string>& path) const;
  ApiResponse Statistics(const std::string& name, const std::string& version) const;
  /// The model, or the fault that it is not there or not ready.
  ServedModelPtr Find(const std::string& name, const std::string& version, Inference* fault) const;
  ApiResponse AnswerInfer(const ApiRequest& request, const std::string& model,
                          const std::string& version) const;
  Result<InferRequest> Decode(const ApiRequest& request) const;
  /// `queue_us`: how long it waited for others.
  Result<InferResponse> Run(const ServedModel& served, InferRequest request,
                            int64_t* queue_us) const;

  ModelRepository& repository_;
  Env& env_;
  const size_t max_bytes_;
};

}  // namespace millrace
