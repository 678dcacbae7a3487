#include "models/warm_up.h"

#include <utility>

#include "models/zero_row.h"

namespace millrace {
namespace {

constexpr int64_t kMostMicros = 10'000'000;

}  // namespace

OptionSpec WarmUpOption() {
  return {.key = "warm-up",
          .type = OptionType::kBool,
          .default_value = "true",
          .doc =
              "Score a row of zeros and empty texts when the model is loaded, so that the first "
              "rows need not wait for what a runtime or a server does once. A model that keeps "
              "state by sequence is never asked so."};
}

bool WantsWarmUp(const Options& options) {
  return options.Bool("warm-up") && !options.Has("sequence-id");
}

void WarmUp(const ModelConfig& config, const ModelLease& model, Env& env, PredictDone done) {
  const auto row = ZeroRow(config.input, model->signature());
  if (!row.ok()) return done(row.status());
  CallOptions options;
  options.deadline_us = env.MonotonicMicros() + kMostMicros;
  (void)model->PredictAsync(
      *row, options, [model, done = std::move(done)](auto result) { done(std::move(result)); });
}

}  // namespace millrace
