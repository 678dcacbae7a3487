#include "sim/slow_models.h"

#include <map>
#include <utility>

namespace millrace {
namespace {

constexpr int64_t kAskedAgainMicros = 2'000'000;

class SlowModel final : public LoadedModel {
 public:
  SlowModel(ModelLease model, SimEnv& env, ModelDelays delays)
      : model_(std::move(model)), signature_(model_->signature()), env_(env), delays_(delays) {
    signature_.local = false;
    if (signature_.max_batch == 0)
      signature_.max_batch = 1 + static_cast<int64_t>(env.Random() % 4);
  }

  const ModelSignature& signature() const override { return signature_; }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions& options,
                                     PredictDone done) override {
    std::bernoulli_distribution lost(delays_.lost);
    SimChance chance{env_};
    const int64_t after =
        1 + static_cast<int64_t>(env_.Random() % static_cast<uint64_t>(delays_.most_us)) +
        (lost(chance) ? kAskedAgainMicros : 0);
    return model_->PredictAsync(
        rows, options, [&env = env_, after, done = std::move(done)](Result<Prediction> result) {
          env.After(after, [done, result = std::move(result)] { done(result); });
        });
  }

 private:
  /// The Env as a generator of the standard library.
  struct SimChance {
    using result_type = uint64_t;
    static constexpr uint64_t min() { return 0; }
    static constexpr uint64_t max() { return UINT64_MAX; }
    uint64_t operator()() { return env.Random(); }
    SimEnv& env;
  };

  const ModelLease model_;
  ModelSignature signature_;
  SimEnv& env_;
  const ModelDelays delays_;
};

class SlowModels final : public ModelRuntime {
 public:
  SlowModels(std::unique_ptr<ModelRuntime> models, SimEnv& env, ModelDelays delays)
      : models_(std::move(models)), env_(env), delays_(delays) {}

  Result<ModelLease> TryLease(const ModelConfig& model, const VersionSelector& version) override {
    ARROW_ASSIGN_OR_RAISE(ModelLease lease, models_->TryLease(model, version));
    // What stands for the versions of a stream answers at once, as they do.
    if (lease == nullptr || model.provider == "stream") return lease;
    auto& slow = slow_[lease];
    if (slow == nullptr) slow = std::make_shared<SlowModel>(lease, env_, delays_);
    return slow;
  }
  void WhenReady(const ModelConfig& model, const VersionSelector& version,
                 std::function<void(Status)> ready) override {
    models_->WhenReady(model, version, std::move(ready));
  }
  void LoadVersion(const ModelConfig& model, const ModelRecord& record,
                   std::function<void(Result<LoadedVersion>)> done) override {
    const int64_t after =
        1 + static_cast<int64_t>(env_.Random() % static_cast<uint64_t>(delays_.most_us));
    models_->LoadVersion(
        model, record, [&env = env_, after, done = std::move(done)](Result<LoadedVersion> loaded) {
          env.After(after, [done, loaded = std::move(loaded)] { done(loaded); });
        });
  }

 private:
  const std::unique_ptr<ModelRuntime> models_;
  SimEnv& env_;
  const ModelDelays delays_;
  std::map<ModelLease, ModelLease> slow_;
};

}  // namespace

std::unique_ptr<ModelRuntime> MakeSlowModels(std::unique_ptr<ModelRuntime> models, SimEnv& env,
                                             ModelDelays delays) {
  if (!delays.any) return models;
  return std::make_unique<SlowModels>(std::move(models), env, delays);
}

}  // namespace millrace
