#include <algorithm>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "operators/make.h"

namespace millrace {
namespace {

/// What a grouping set makes of a row.
struct GroupingSet {
  std::vector<uint8_t> empties;  ///< per input column
  int64_t id = 0;
};

/// Every row once for each grouping set: a batch per set.
class Expand final : public Operator {
 public:
  Expand(std::vector<GroupingSet> sets, std::shared_ptr<arrow::Schema> output)
      : sets_(std::move(sets)), output_(std::move(output)) {}

  Status Open(OperatorContext&) override { return Status::OK(); }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    const int64_t rows = batch.num_rows();
    for (const GroupingSet& set : sets_) {
      arrow::ArrayVector columns = batch.rows->columns();
      for (size_t c = 0; c < columns.size(); ++c) {
        if (!set.empties[c]) continue;
        ARROW_ASSIGN_OR_RAISE(columns[c], arrow::MakeArrayOfNull(columns[c]->type(), rows));
      }
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(),
                            arrow::MakeArrayFromScalar(arrow::Int64Scalar(set.id), rows));
      Batch expanded = batch;
      expanded.rows = arrow::RecordBatch::Make(output_, rows, std::move(columns));
      out.Emit(0, std::move(expanded));
    }
    return Status::OK();
  }

 private:
  const std::vector<GroupingSet> sets_;
  const std::shared_ptr<arrow::Schema> output_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeExpand(const OperatorRequest& request) {
  const auto& config = ConfigOf<ExpandConfig>(request.node);
  std::vector<GroupingSet> sets;
  for (const auto& kept : config.sets) {
    GroupingSet& set = sets.emplace_back();
    set.empties.resize(static_cast<size_t>(request.inputs[0].schema.size()));
    for (const int column : config.columns) {
      const bool keeps = std::find(kept.begin(), kept.end(), column) != kept.end();
      set.empties[static_cast<size_t>(column)] = !keeps;
      set.id = set.id * 2 + !keeps;
    }
  }
  return std::make_unique<Expand>(std::move(sets), request.node.ports[0].schema.ToArrow());
}

}  // namespace millrace
