#include "models/triton/provider.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "models/common_options.h"
#include "models/error_policy.h"
#include "models/model_columns.h"
#include "models/triton/predict_call.h"
#include "models/triton/triton_model.h"
#include "models/warm_up.h"
#include "net/http_error.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// Of a request with a target for its latency, where the model takes any number.
constexpr int64_t kMostRowsUnlimited = 4096;

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

/// The declared columns, or those of the tensors.
Result<Schema> InputOf(const ModelConfig& config, const ModelSignature& signature) {
  if (config.input.size() > 0) return config.input;
  return SchemaOf(signature.inputs);
}

/// Tells in the signature what the options say of sequences.
Result<SequenceOptions> ReadSequence(const ModelConfig& config, const Options& options,
                                     const TritonSettings& settings, Services& services,
                                     ServerModel* model) {
  ARROW_ASSIGN_OR_RAISE(const Schema input, InputOf(config, model->signature));
  ARROW_ASSIGN_OR_RAISE(auto sequence, SequenceOptions::Read(options, services.secrets(), input));
  if (!sequence.enabled() && model->sequential) {
    return Error::User("the model '" + settings.model + "' keeps state by sequence")
        .In(settings.shown)
        .Hint(
            "say which sequence a row belongs to: 'sequence-id' = 'conversation-${user_id}', "
            "'sequence-start' = 'true'");
  }
  if (!sequence.enabled()) return sequence;
  if (settings.target_latency_us > 0) {
    return Error::User("'target-latency' does not go with 'sequence-id'")
        .Hint("requests of a sequence have one row and go one at a time as it is");
  }
  ModelSignature& signature = model->signature;
  signature.in_sequence = !(sequence.auto_increment && !sequence.has_columns());
  for (const int column : sequence.id_columns()) {
    signature.sequence_columns.push_back(input.column(column).name);
  }
  for (const int column : sequence.columns()) {
    const std::string& name = input.column(column).name;
    const bool is_tensor =
        std::any_of(signature.inputs.begin(), signature.inputs.end(),
                    [&](const TensorSpec& tensor) { return tensor.name == name; });
    if (!is_tensor) signature.row_columns.push_back(name);
  }
  return sequence;
}

Result<ModelSignature> DescribeTriton(const ModelConfig& config, const Options& options,
                                      Services& services) {
  ARROW_ASSIGN_OR_RAISE(const auto settings,
                        TritonSettings::Read(config, options, services.secrets()));
  ARROW_ASSIGN_OR_RAISE(ServerModel model, MakeTransport(settings, services.http())->Describe());
  ARROW_RETURN_NOT_OK(ReadSequence(config, options, settings, services, &model));
  ARROW_RETURN_NOT_OK(CheckCommonOptions(config, options, services));
  return std::move(model.signature);
}

Result<ModelLease> LoadTriton(const ModelConfig& config, const Options& options,
                              Services& services) {
  ARROW_ASSIGN_OR_RAISE(auto loaded, MakeTritonModel(config, options, services));
  return WithErrorPolicy(std::move(loaded), config, options);
}

}  // namespace

Result<ModelLease> MakeTritonModel(const ModelConfig& config, const Options& options,
                                   Services& services) {
  HttpClient& client = services.http();
  auto target =
      std::make_shared<TritonTarget>(TritonTarget{.client = client, .env = services.env()});
  ARROW_ASSIGN_OR_RAISE(target->settings,
                        TritonSettings::Read(config, options, services.secrets()));
  const TritonSettings& settings = target->settings;
  if (settings.tls && !settings.tls->verify) {
    Log(LogLevel::kWarn, "models.triton", "'tls-verify' = 'false': anybody can pose as this server",
        {{"model", config.name}, {"endpoint", settings.shown}});
  }
  target->transport = MakeTransport(settings, client);
  ARROW_ASSIGN_OR_RAISE(target->server, target->transport->Describe());
  ModelSignature& signature = target->server.signature;
  ARROW_ASSIGN_OR_RAISE(target->sequence,
                        ReadSequence(config, options, settings, services, &target->server));
  ModelConfig of_tensors = config;
  of_tensors.input = TensorInputs(config.input, signature);
  ARROW_ASSIGN_OR_RAISE(target->columns, ModelColumns::Make(of_tensors, signature));
  for (const SqlField& column : of_tensors.input.columns()) {
    target->tensors.push_back(config.input.Find(column.name));
  }
  if (target->sequence.enabled()) {
    target->sequences = std::make_unique<Sequences>(target->sequence, services.env());
  }
  target->endpoint = Endpoint::Of(settings, services);
  MetricGroup metrics(services.metrics(), {{"model", config.name}, {"version", signature.version}});
  target->retries = metrics.counter("model_retries");
  if (settings.target_latency_us > 0) {
    target->pace = std::make_unique<Pace>(
        Pace::Limits{settings.target_latency_us,
                     signature.max_batch > 0 ? signature.max_batch : kMostRowsUnlimited,
                     settings.max_connections},
        metrics.gauge("model_rows_limit"), metrics.gauge("model_requests_limit"));
  }
  target->latency = std::make_shared<ServerLatency>(target->transport, client, services.env(),
                                                    std::move(metrics));
  return std::make_shared<TritonModel>(std::move(target));
}

ModelProviderSpec TritonProvider() {
  ModelProviderSpec spec;
  spec.name = "triton";
  spec.aliases = {"kserve"};
  spec.doc =
      "A model on NVIDIA Triton or any other server of the Open Inference Protocol (KServe v2), "
      "over HTTP with binary tensors, or over gRPC.";
  spec.example =
      "CREATE MODEL fraud INPUT (amount DOUBLE, country STRING) OUTPUT (score FLOAT)\n"
      "  WITH ('provider' = 'triton', 'endpoint' = 'http://triton:8000', 'model-name' = 'fraud')";
  spec.options = TritonSettings::Specs();
  for (OptionSpec& option : SequenceOptions::Specs()) spec.options.push_back(std::move(option));
  spec.options.push_back(WarmUpOption());
  AddCommonOptions(&spec);
  spec.describe = DescribeTriton;
  spec.load = LoadTriton;
  return spec;
}

}  // namespace millrace
