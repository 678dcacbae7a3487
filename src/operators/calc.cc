#include <vector>

#include "expr/evaluator.h"
#include "operators/make.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// Filter and projection. Rows whose expressions fail go to the dead letters.
class Calc final : public Operator {
 public:
  Calc(std::shared_ptr<const Evaluator> evaluator, std::string time_zone)
      : evaluator_(std::move(evaluator)), time_zone_(std::move(time_zone)) {}

  Status Open(OperatorContext& context) override {
    context_ = &context;
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    errors_.clear();
    ARROW_ASSIGN_OR_RAISE(
        Batch result,
        evaluator_->Evaluate(batch, EvalContextOf(*context_, time_zone_, watermark_), &errors_));
    if (!errors_.empty()) context_->Dead(batch, errors_);
    if (!result.empty()) out.Emit(0, std::move(result));
    return Status::OK();
  }

  Status ProcessWatermark(int, InputTime time, Collector& out) override {
    watermark_ = time.watermark;
    out.Watermark(time);
    return Status::OK();
  }

 private:
  const std::shared_ptr<const Evaluator> evaluator_;
  const std::string time_zone_;
  OperatorContext* context_ = nullptr;
  EventTime watermark_;
  std::vector<RowError> errors_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeCalc(const OperatorRequest& request) {
  ARROW_ASSIGN_OR_RAISE(
      auto evaluator, Evaluator::Make(request.inputs[0].schema, ConfigOf<CalcConfig>(request.node),
                                      request.services.registries()));
  return std::make_unique<Calc>(std::move(evaluator), request.time_zone);
}

}  // namespace millrace
