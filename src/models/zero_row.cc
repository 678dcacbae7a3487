#include "models/zero_row.h"

#include <span>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

namespace millrace {
namespace {

Result<std::shared_ptr<arrow::Scalar>> ZeroOf(const std::shared_ptr<arrow::DataType>& type,
                                              std::span<const int64_t> shape) {
  if (type->id() == arrow::Type::LIST) {
    const int64_t length = shape.empty() || shape[0] < 0 ? 1 : shape[0];
    const auto& element_type = static_cast<const arrow::ListType&>(*type).value_type();
    ARROW_ASSIGN_OR_RAISE(const auto element,
                          ZeroOf(element_type, shape.empty() ? shape : shape.subspan(1)));
    ARROW_ASSIGN_OR_RAISE(auto elements, arrow::MakeArrayFromScalar(*element, length));
    return std::make_shared<arrow::ListScalar>(std::move(elements), type);
  }
  auto zero = arrow::is_binary_like(type->id())
                  ? arrow::MakeScalar(type, arrow::Buffer::FromString(""))
                  : arrow::MakeScalar(type, 0);
  return zero.ok() ? *zero : arrow::MakeNullScalar(type);
}

}  // namespace

Result<Batch> ZeroRow(const Schema& input, const ModelSignature& signature) {
  const auto schema = input.ToArrow();
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    std::span<const int64_t> shape;
    for (const TensorSpec& tensor : signature.inputs) {
      if (tensor.name == field->name() || signature.inputs.size() == 1) shape = tensor.shape;
    }
    ARROW_ASSIGN_OR_RAISE(const auto zero, ZeroOf(field->type(), shape));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::MakeArrayFromScalar(*zero, 1));
  }
  Batch row;
  row.rows = arrow::RecordBatch::Make(schema, 1, std::move(columns));
  return row;
}

}  // namespace millrace
