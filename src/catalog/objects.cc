#include "catalog/objects.h"

namespace millrace {

Schema Table::schema() const {
  Schema out;
  for (const TableColumn& column : columns) out.Add(column.name, column.type);
  return out;
}

Schema Table::physical() const {
  Schema out;
  for (const TableColumn& column : columns) {
    if (column.kind == TableColumn::Kind::kPhysical) out.Add(column.name, column.type);
  }
  return out;
}

Schema Table::sink_schema() const {
  Schema out;
  for (const TableColumn& column : columns) {
    const bool persisted = column.kind == TableColumn::Kind::kMetadata && !column.is_virtual;
    if (column.kind == TableColumn::Kind::kPhysical || persisted) out.Add(column.name, column.type);
  }
  return out;
}

TableConfig Table::config() const {
  TableConfig config;
  config.name = name;
  config.options = options;
  if (const auto connector = options.find("connector"); connector != options.end()) {
    config.connector = connector->second;
  }
  config.physical = physical();
  config.primary_key = primary_key;
  return config;
}

}  // namespace millrace
