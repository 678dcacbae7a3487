#include "models/metered_model.h"

#include <mutex>
#include <utility>

#include "base/metrics.h"

namespace millrace {
namespace {

struct Meters {
  std::shared_ptr<Counter> requests, success, failure, output_rows, failed_rows;
  std::shared_ptr<Histogram> latency, batch_size;
  std::shared_ptr<Gauge> in_flight, first_use, last_use, fastest;
  std::once_flag used;

  /// A call that ended at `now_us` has taken `took_us`.
  void Used(int64_t now_us, int64_t took_us) {
    latency->Record(took_us);
    last_use->Set(now_us);
    std::call_once(used, [&] {
      if (first_use->value() == 0) first_use->Set(now_us);
      if (fastest->value() == 0) fastest->Set(took_us);
    });
    if (took_us < fastest->value()) fastest->Set(took_us);
  }
};

class MeteredModel final : public LoadedModel {
 public:
  MeteredModel(ModelLease model, MetricGroup group, Env& env, std::shared_ptr<OpenWork> work)
      : model_(std::move(model)), env_(env), work_(std::move(work)) {
    meters_->requests = group.counter("model_requests");
    meters_->success = group.counter("model_success");
    meters_->failure = group.counter("model_failure");
    meters_->output_rows = group.counter("model_output_rows");
    meters_->failed_rows = group.counter("model_failed_rows");
    meters_->latency = group.histogram("model_latency");
    meters_->batch_size = group.histogram("model_batch_size");
    meters_->in_flight = group.gauge("model_in_flight");
    meters_->first_use = group.gauge("model_first_use");
    meters_->last_use = group.gauge("model_last_use");
    meters_->fastest = group.gauge("model_fastest");
  }

  const ModelSignature& signature() const override { return model_->signature(); }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions& options,
                                     PredictDone done) override {
    meters_->requests->Add();
    meters_->batch_size->Record(rows.num_rows());
    meters_->in_flight->Add(1);
    return model_->PredictAsync(
        rows, options,
        [meters = meters_, &env = env_, start = env_.MonotonicMicros(), n = rows.num_rows(),
         ticket = work_->Open(), done = std::move(done)](Result<Prediction> result) mutable {
          meters->in_flight->Add(-1);
          meters->Used(env.NowMicros(), env.MonotonicMicros() - start);
          const auto failed = result.ok() ? static_cast<int64_t>(result->errors.size()) : n;
          (failed < n || n == 0 ? meters->success : meters->failure)->Add();
          meters->output_rows->Add(n - failed);
          meters->failed_rows->Add(failed);
          done(std::move(result));
          ticket.reset();
        });
  }

 private:
  const ModelLease model_;
  Env& env_;
  const std::shared_ptr<OpenWork> work_;
  const std::shared_ptr<Meters> meters_ = std::make_shared<Meters>();
};

}  // namespace

ModelLease Metered(ModelLease model, const std::string& name, Services& services,
                   std::shared_ptr<OpenWork> work) {
  MetricGroup group(services.metrics(), {{"model", name}, {"version", model->signature().version}});
  return std::make_shared<MeteredModel>(std::move(model), std::move(group), services.env(),
                                        std::move(work));
}

}  // namespace millrace
