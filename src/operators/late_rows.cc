#include "operators/late_rows.h"

#include <arrow/array.h>

#include "operators/row_index.h"

namespace millrace {

void LateRows::Open(OperatorContext& context) {
  context_ = &context;
  counter_ = context.metrics().counter("late_rows");
}

Status LateRows::Send(const Batch& batch, const std::vector<int32_t>& late,
                      std::span<const RowError> errors, Collector& out) {
  if (!errors.empty()) context_->Dead(batch, errors);
  if (late.empty()) return Status::OK();
  auto count = static_cast<int64_t>(late.size());
  if (counts_column_ >= 0) {
    const auto& counts = static_cast<const arrow::Int64Array&>(*batch.rows->column(counts_column_));
    count = 0;
    for (const int32_t row : late) count += counts.Value(row);
  }
  counter_->Add(count);
  if (port_ < 0) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(Batch rows, batch.Take(RowIndex(late)));
  out.Emit(port_, std::move(rows));
  return Status::OK();
}

}  // namespace millrace
