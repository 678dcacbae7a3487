#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "models/tensor.h"
#include "spi/model.h"

namespace millrace {

/// Rows that may travel in one request: none is bad, and their arrays have one shape.
using RowGroup = std::vector<int32_t>;

struct RowGroups {
  bool whole = false;  ///< all rows, in one group that is not spelled out
  std::vector<RowGroup> groups;
  std::vector<RowError> errors;  ///< NULLs, ragged arrays, numbers out of range
};

/// `rows` rows of NULLs.
Result<std::shared_ptr<arrow::RecordBatch>> NullRows(const std::shared_ptr<arrow::Schema>& schema,
                                                     int64_t rows);

/// How the columns of a CREATE MODEL and the tensors of the model correspond; settled once, when it
/// is loaded. Immutable; thread-safe.
class ModelColumns {
 public:
  static Result<ModelColumns> Make(const ModelConfig& model, const ModelSignature& signature);

  /// Which rows may go together. A model without a batch dimension takes one row at a time.
  RowGroups Group(const arrow::RecordBatch& rows) const;
  /// Rows of one group to the input tensors.
  Result<std::vector<Tensor>> ToTensors(const arrow::RecordBatch& rows) const;
  /// The output tensors, in the order of `outputs()`, to columns of `rows` rows. A data error says
  /// which tensor does not have the shape or datatype that it should.
  Result<std::shared_ptr<arrow::RecordBatch>> FromTensors(std::span<const Tensor> tensors,
                                                          int64_t rows) const;

  /// The tensors that declared columns want, as indices into `ModelSignature::outputs`.
  const std::vector<int>& outputs() const { return wanted_; }
  const ModelSignature& signature() const { return signature_; }
  const std::shared_ptr<arrow::Schema>& output_schema() const { return arrow_output_; }

 private:
  struct Input {
    Datatype datatype;
    std::vector<int> columns;
    bool packed;
  };

  Result<Tensor> ToTensor(const arrow::RecordBatch& rows, size_t input) const;
  Result<std::shared_ptr<arrow::Array>> ToColumn(const Tensor& tensor, size_t output,
                                                 int64_t rows) const;

  ModelSignature signature_;
  Schema declared_input_, declared_output_;
  std::shared_ptr<arrow::Schema> arrow_output_;
  std::vector<Input> inputs_;  ///< by tensor
  std::vector<int> wanted_;
  std::vector<int> output_columns_;  ///< declared column of `wanted_[i]`
  bool plain_ = true;                ///< no column is an ARRAY or may be out of range
};

/// Puts the outputs of groups back into the order of the rows; rows of no group are NULL.
class OutputAssembler {
 public:
  explicit OutputAssembler(int64_t rows) : rows_(rows) {}
  void Add(const RowGroup& group, std::shared_ptr<arrow::RecordBatch> outputs);
  /// Rows that are in no group are NULL.
  Result<std::shared_ptr<arrow::RecordBatch>> Finish(
      const std::shared_ptr<arrow::Schema>& schema) &&;

 private:
  int64_t rows_;
  std::vector<RowGroup> groups_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> outputs_;
};

}  // namespace millrace
