#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "expr/evaluator.h"
#include "operators/make.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// A row per element of a collection: the input's columns, then the element's.
class Unnest final : public Operator {
 public:
  Unnest(const UnnestConfig& config, const Schema& output, ExpressionEvaluator collection,
         std::string time_zone)
      : config_(config),
        output_(output.ToArrow()),
        collection_(std::move(collection)),
        time_zone_(std::move(time_zone)) {}

  Status Open(OperatorContext& context) override {
    context_ = &context;
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    std::vector<RowError> errors;
    ARROW_ASSIGN_OR_RAISE(
        const auto columns,
        collection_.Evaluate(*batch.rows, EvalContextOf(*context_, time_zone_, watermark_),
                             &errors));
    if (!errors.empty()) context_->Dead(batch, errors);
    std::vector<uint8_t> failed(static_cast<size_t>(batch.num_rows()));
    for (const RowError& error : errors) failed[static_cast<size_t>(error.row)] = 1;

    // A MAP is a list of its entries.
    const auto& list = static_cast<const arrow::ListArray&>(*columns[0]);
    arrow::Int32Builder rows, elements, ordinals;
    for (int64_t row = 0; row < list.length(); ++row) {
      if (failed[static_cast<size_t>(row)]) continue;
      const int32_t count = list.IsNull(row) ? 0 : list.value_length(row);
      for (int32_t i = 0; i < count; ++i) {
        ARROW_RETURN_NOT_OK(rows.Append(static_cast<int32_t>(row)));
        ARROW_RETURN_NOT_OK(elements.Append(list.value_offset(row) + i));
        ARROW_RETURN_NOT_OK(ordinals.Append(i + 1));
      }
      if (count > 0 || !config_.outer) continue;
      ARROW_RETURN_NOT_OK(rows.Append(static_cast<int32_t>(row)));
      ARROW_RETURN_NOT_OK(elements.AppendNull());
      ARROW_RETURN_NOT_OK(ordinals.AppendNull());
    }
    std::shared_ptr<arrow::Int32Array> row_index, element_index, ordinal;
    ARROW_RETURN_NOT_OK(rows.Finish(&row_index));
    ARROW_RETURN_NOT_OK(elements.Finish(&element_index));
    ARROW_RETURN_NOT_OK(ordinals.Finish(&ordinal));
    if (row_index->length() == 0) return Status::OK();

    ARROW_ASSIGN_OR_RAISE(Batch result, batch.Take(*row_index));
    arrow::ArrayVector output = result.rows->columns();
    ARROW_RETURN_NOT_OK(AddElements(*list.values(), element_index, &output));
    if (config_.ordinality) output.push_back(ordinal);
    result.rows = arrow::RecordBatch::Make(output_, row_index->length(), std::move(output));
    out.Emit(0, std::move(result));
    return Status::OK();
  }

  Status ProcessWatermark(int, InputTime time, Collector& out) override {
    watermark_ = time.watermark;
    out.Watermark(time);
    return Status::OK();
  }

 private:
  static Status AddElements(const arrow::Array& elements,
                            const std::shared_ptr<arrow::Int32Array>& index,
                            arrow::ArrayVector* output) {
    arrow::ArrayVector fields{arrow::MakeArray(elements.data())};
    if (elements.type_id() == arrow::Type::STRUCT) {
      // A field of a NULL row is NULL.
      ARROW_ASSIGN_OR_RAISE(fields, static_cast<const arrow::StructArray&>(elements).Flatten());
    }
    for (const auto& field : fields) {
      ARROW_ASSIGN_OR_RAISE(output->emplace_back(), arrow::compute::Take(*field, *index));
    }
    return Status::OK();
  }

  const UnnestConfig& config_;
  const std::shared_ptr<arrow::Schema> output_;
  const ExpressionEvaluator collection_;
  const std::string time_zone_;
  OperatorContext* context_ = nullptr;
  EventTime watermark_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeUnnest(const OperatorRequest& request) {
  const auto& config = ConfigOf<UnnestConfig>(request.node);
  ARROW_ASSIGN_OR_RAISE(auto collection,
                        ExpressionEvaluator::Make(request.inputs[0].schema, config.collection,
                                                  request.services.registries()));
  return std::make_unique<Unnest>(config, request.node.ports[0].schema, std::move(collection),
                                  request.time_zone);
}

}  // namespace millrace
