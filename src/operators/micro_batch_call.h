#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "spi/model.h"

namespace millrace {

/// Rows whose arguments are arrays, as one batch of their elements, and back (T13).
class MicroBatchCall {
 public:
  /// `lists`: the arguments, columns of lists. A row with a NULL, or with arrays of different
  /// lengths, fails.
  static Result<MicroBatchCall> Make(const arrow::RecordBatch& lists,
                                     std::shared_ptr<arrow::Schema> element_schema);

  const Batch& elements() const { return elements_; }
  /// The prediction of the elements as one of the rows: lists of the rows' lengths. A failed
  /// element is NULL, or the model's default; its row is among the errors, once.
  Result<Prediction> Fold(Prediction elements) const;

 private:
  MicroBatchCall() = default;

  Batch elements_;
  std::vector<int32_t> offsets_;  ///< of the rows in `elements_`, and the end
  std::vector<uint8_t> valid_;
  std::vector<RowError> errors_;
};

}  // namespace millrace
