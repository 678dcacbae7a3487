#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "plan/nodes.h"
#include "syntax/ast.h"
#include "types/schema.h"

namespace millrace {

/// A column of a table as declared. Types of computed columns are resolved when the table is
/// created.
struct TableColumn {
  enum class Kind { kPhysical, kComputed, kMetadata };

  std::string name;
  Kind kind = Kind::kPhysical;
  SqlType type;
  syntax::ExpressionPtr expression;  ///< kComputed
  std::string metadata_key;          ///< kMetadata
  bool is_virtual = false;           ///< kMetadata: read only
  std::string comment;
};

/// A table, after LIKE has been applied. Immutable once in the catalog.
struct Table {
  std::string name;
  std::vector<TableColumn> columns;
  std::optional<syntax::WatermarkDefinition> watermark;
  std::vector<std::string> primary_key;
  std::vector<std::string> partitioned_by;
  std::map<std::string, std::string> options;  ///< 'connector' among them; secrets as references
  OptionPositions positions;
  std::string comment;
  bool temporary = false;

  Schema schema() const;       ///< all columns in the declared order
  Schema physical() const;     ///< what is in the external records
  Schema sink_schema() const;  ///< what INSERT writes: physical and persisted metadata columns
  TableConfig config() const;
};

struct View {
  std::string name;
  Schema schema;  ///< of the query, with the view's own column names
  syntax::QueryPtr query;
  std::string comment;
  bool temporary = false;
};

struct Model {
  ModelConfig config;
  OptionPositions positions;
  std::string comment;
  bool temporary = false;
};

}  // namespace millrace
