#include <memory>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "operators/make.h"
#include "operators/row_index.h"
#include "operators/window_assigner.h"

namespace millrace {
namespace {

/// TUMBLE, HOP and CUMULATE by themselves: a row once for each of its windows.
class Window final : public Operator {
 public:
  Window(WindowAssigner assigner, std::shared_ptr<arrow::Schema> output)
      : assigner_(std::move(assigner)), output_(std::move(output)) {}

  Status Open(OperatorContext& context) override {
    context_ = &context;
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    assigner_.Assign(*batch.rows, context_->env().NowMicros(), EventTime::Min(), &assigned_);
    if (!assigned_.errors.empty()) context_->Dead(batch, assigned_.errors);
    if (!assigned_.each_once) {
      ARROW_ASSIGN_OR_RAISE(batch, batch.Take(RowIndex(assigned_.rows)));
    }
    if (batch.empty()) return Status::OK();
    std::vector<int64_t> starts;
    starts.reserve(assigned_.ends.size());
    for (const int64_t end : assigned_.ends) starts.push_back(assigner_.times().Start(end));
    ARROW_ASSIGN_OR_RAISE(const auto windows, assigner_.clock().Columns(starts, assigned_.ends));
    arrow::ArrayVector columns = batch.rows->columns();
    columns.insert(columns.end(), windows.begin(), windows.end());
    batch.rows = arrow::RecordBatch::Make(output_, batch.num_rows(), std::move(columns));
    out.Emit(0, std::move(batch));
    return Status::OK();
  }

 private:
  WindowAssigner assigner_;
  const std::shared_ptr<arrow::Schema> output_;
  OperatorContext* context_ = nullptr;
  AssignedRows assigned_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeWindow(const OperatorRequest& request) {
  const WindowSpec& window = ConfigOf<WindowConfig>(request.node).window;
  if (window.kind == WindowSpec::Kind::kSession) return MakeSessionWindow(request);
  const Schema& output = request.node.ports[0].schema;
  const SqlType& time_type = output.column(output.size() - 1).type;
  ARROW_ASSIGN_OR_RAISE(auto clock,
                        WindowClock::Make(window.time_column, time_type, request.time_zone));
  return std::make_unique<Window>(WindowAssigner(window, false, std::move(clock)),
                                  output.ToArrow());
}

}  // namespace millrace
