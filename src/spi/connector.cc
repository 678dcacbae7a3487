#include "spi/connector.h"

namespace millrace {

Schema SourceRequest::OutputSchema() const {
  Schema schema;
  for (const int column : config.projection) {
    const auto& field = config.table.physical.column(column);
    schema.Add(field.name, field.type);
  }
  for (const auto& column : config.metadata) schema.Add(column.name, column.type);
  return schema;
}

}  // namespace millrace
