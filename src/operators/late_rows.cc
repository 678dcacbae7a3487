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
  counter_->Add(static_cast<int64_t>(late.size()));
  if (port_ < 0) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(Batch rows, batch.Take(RowIndex(late)));
  out.Emit(port_, std::move(rows));
  return Status::OK();
}

}  // namespace millrace
