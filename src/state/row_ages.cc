#include "state/row_ages.h"

#include <arrow/type.h>

namespace millrace {

std::shared_ptr<arrow::Field> RowAges::Field() {
  return arrow::field("written", arrow::timestamp(arrow::TimeUnit::MICRO));
}

}  // namespace millrace
