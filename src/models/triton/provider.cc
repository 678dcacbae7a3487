#include "models/triton/provider.h"

#include <utility>

#include "models/error_policy.h"
#include "models/model_columns.h"
#include "models/triton/predict_call.h"
#include "models/triton/server_model.h"
#include "models/triton/settings.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// Keeps a call alive until its answer has come, whoever drops the handle.
class CallHandle final : public Call {
 public:
  explicit CallHandle(std::shared_ptr<TritonCall> call) : call_(std::move(call)) {}
  void Cancel() override { call_->Cancel(); }

 private:
  const std::shared_ptr<TritonCall> call_;
};

class TritonModel final : public LoadedModel {
 public:
  explicit TritonModel(std::shared_ptr<const TritonTarget> target) : target_(std::move(target)) {}

  const ModelSignature& signature() const override { return target_->columns.signature(); }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions& options,
                                     PredictDone done) override {
    auto call = std::make_shared<TritonCall>(target_, rows, options, std::move(done));
    call->Start();
    return std::make_unique<CallHandle>(std::move(call));
  }

 private:
  const std::shared_ptr<const TritonTarget> target_;
};

Result<ModelSignature> DescribeTriton(const ModelConfig& config, const Options& options,
                                      Services& services) {
  ARROW_ASSIGN_OR_RAISE(const auto settings, TritonSettings::Read(options, services.secrets()));
  ARROW_ASSIGN_OR_RAISE(auto model, AskServer(settings, HttpClient::Shared()));
  ARROW_RETURN_NOT_OK(CheckErrorPolicy(config, options));
  return std::move(model.signature);
}

Result<ModelLease> LoadTriton(const ModelConfig& config, const Options& options,
                              Services& services) {
  ARROW_ASSIGN_OR_RAISE(auto settings, TritonSettings::Read(options, services.secrets()));
  HttpClient& client = HttpClient::Shared();
  ARROW_ASSIGN_OR_RAISE(const ServerModel model, AskServer(settings, client));
  ARROW_ASSIGN_OR_RAISE(auto columns, ModelColumns::Make(config, model.signature));
  auto loaded = std::make_shared<TritonModel>(std::make_shared<const TritonTarget>(
      TritonTarget{std::move(settings), std::move(columns), model.binary, client, services.env()}));
  return WithErrorPolicy(std::move(loaded), config, options);
}

}  // namespace

ModelProviderSpec TritonProvider() {
  ModelProviderSpec spec;
  spec.name = "triton";
  spec.aliases = {"kserve"};
  spec.doc =
      "A model on NVIDIA Triton or any other server of the Open Inference Protocol (KServe v2), "
      "over HTTP with binary "
      "tensors.";
  spec.example =
      "CREATE MODEL fraud INPUT (amount DOUBLE, country STRING) OUTPUT (score FLOAT)\n"
      "  WITH ('provider' = 'triton', 'endpoint' = 'http://triton:8000', 'model-name' = 'fraud')";
  spec.options = TritonSettings::Specs();
  for (OptionSpec& option : ErrorPolicyOptions()) spec.options.push_back(std::move(option));
  spec.describe = DescribeTriton;
  spec.load = LoadTriton;
  return spec;
}

}  // namespace millrace
