#include <charconv>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "expr/evaluator.h"
#include "operators/make.h"
#include "spi/services.h"

namespace millrace {
namespace {

constexpr uint64_t kPosition = 1;  ///< id of the only item: how many rows have left

/// The rows of a VALUES clause, from subtask 0.
class Values final : public Operator {
 public:
  Values(const ValuesConfig& config, const Registries& registries, int subtask,
         std::string time_zone, int64_t batch_rows)
      : config_(config),
        registries_(registries),
        subtask_(subtask),
        time_zone_(std::move(time_zone)),
        batch_rows_(batch_rows) {}

  std::vector<StateSpec> States() const override {
    StateSpec position;
    position.name = "position";
    position.kind = StateKind::kItems;
    return {position};
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    ARROW_RETURN_NOT_OK(
        context.items(0).ForEach([this](uint64_t, const Batch&, const std::string& header) {
          std::from_chars(header.data(), header.data() + header.size(), next_);
          return Status::OK();
        }));
    return subtask_ == 0 ? Evaluate() : Status::OK();
  }

  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }

  Result<Step> Run(Collector& out) override {
    const int64_t rows = rows_.num_rows();
    while (next_ < rows) {
      if (!out.HasRoom()) return Step::kMore;
      Batch slice = rows_.Slice(next_, std::min(batch_rows_, rows - next_));
      next_ += slice.num_rows();
      slice.ingest_us = context_->env().NowMicros();
      out.Emit(0, std::move(slice));
    }
    return Step::kFinished;
  }

  Status PrepareSnapshot(CheckpointId, Collector&) override {
    return subtask_ == 0 ? context_->items(0).Put(kPosition, {}, std::to_string(next_))
                         : Status::OK();
  }

 private:
  Status Evaluate() {
    const EvalContext eval = EvalContextOf(*context_, time_zone_, EventTime::Min());
    std::vector<arrow::ArrayVector> cells(static_cast<size_t>(config_.schema.size()));
    for (const auto& row : config_.rows) {
      for (size_t c = 0; c < row.size(); ++c) {
        ARROW_ASSIGN_OR_RAISE(ColumnValue value, EvaluateConstant(row[c], registries_, eval));
        cells[c].push_back(std::move(value.array));
      }
    }
    if (config_.rows.empty()) return Status::OK();
    arrow::ArrayVector columns;
    for (const arrow::ArrayVector& column : cells) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::Concatenate(column));
    }
    rows_.rows = arrow::RecordBatch::Make(
        config_.schema.ToArrow(), static_cast<int64_t>(config_.rows.size()), std::move(columns));
    return Status::OK();
  }

  const ValuesConfig& config_;
  const Registries& registries_;
  const int subtask_;
  const std::string time_zone_;
  const int64_t batch_rows_;
  OperatorContext* context_ = nullptr;
  Batch rows_;
  int64_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeValues(const OperatorRequest& request) {
  return std::make_unique<Values>(ConfigOf<ValuesConfig>(request.node),
                                  request.services.registries(), request.subtask, request.time_zone,
                                  request.batch_rows);
}

}  // namespace millrace
