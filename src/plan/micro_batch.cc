#include "plan/micro_batch.h"

namespace millrace {

bool IsMicroBatch(const Schema& input, std::span<const ExpressionPtr> arguments) {
  if (arguments.empty() || input.size() == 0) return false;
  const SqlType& type = arguments[0]->type;
  return type.kind() == TypeKind::kArray &&
         type.element().EqualsIgnoringNullability(input.column(0).type);
}

Schema ArraysOf(const Schema& columns) {
  Schema arrays;
  for (const SqlField& column : columns.columns()) {
    arrays.Add(column.name, SqlType::Array(column.type.AsNullable()).AsNullable());
  }
  return arrays;
}

}  // namespace millrace
