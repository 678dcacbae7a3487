#include "types/schema.h"

#include <arrow/type.h>

namespace millrace {

int Schema::Find(std::string_view name) const {
  for (int i = 0; i < size(); ++i) {
    if (column(i).name == name) return i;
  }
  return -1;
}

std::vector<std::string> Schema::Names() const {
  std::vector<std::string> names;
  for (const SqlField& column : columns_) names.push_back(column.name);
  return names;
}

std::shared_ptr<arrow::Schema> Schema::ToArrow() const {
  arrow::FieldVector fields;
  for (const SqlField& column : columns_) {
    fields.push_back(arrow::field(column.name, column.type.ToArrow(), column.type.nullable()));
  }
  return arrow::schema(std::move(fields));
}

Result<Schema> Schema::FromArrow(const arrow::Schema& schema) {
  Schema out;
  for (const auto& field : schema.fields()) {
    ARROW_ASSIGN_OR_RAISE(SqlType type, SqlType::FromArrow(*field->type()));
    out.Add(field->name(), type.AsNullable(field->nullable()));
  }
  return out;
}

std::string Schema::ToString() const {
  std::string out = "(";
  for (int i = 0; i < size(); ++i) {
    out += (i == 0 ? "" : ", ") + QuoteIdentifier(column(i).name) + ' ' + column(i).type.ToString();
  }
  return out + ')';
}

}  // namespace millrace
