#include "sql/like_clause.h"

#include <algorithm>

namespace millrace::sql {
namespace {

using Like = syntax::LikeClause;

/// The rule for a feature: its own, else that of ALL, else the default.
Like::Merge RuleFor(const Like& like, Like::Feature feature) {
  const auto find = [&](Like::Feature wanted) {
    return std::find_if(like.rules.begin(), like.rules.end(),
                        [&](const Like::Rule& rule) { return rule.feature == wanted; });
  };
  if (const auto own = find(feature); own != like.rules.end()) return own->merge;
  if (const auto all = find(Like::kAll); all != like.rules.end()) return all->merge;
  return feature == Like::kOptions ? Like::kOverwriting : Like::kIncluding;
}

bool Declares(const syntax::CreateTable& statement, const std::string& column) {
  return std::any_of(statement.columns.begin(), statement.columns.end(),
                     [&](const auto& definition) { return definition.name.name == column; });
}

Status Clash(const std::string& what, const Like& like) {
  return Error::User(what + " is in both tables")
      .At(like.table.position())
      .Hint("LIKE " + like.table.ToString() + " (OVERWRITING …) or (EXCLUDING …) decides");
}

}  // namespace

Status ApplyLike(const Table& source, const Like& like, const syntax::CreateTable& statement,
                 Table* table) {
  for (const TableColumn& column : source.columns) {
    if (column.kind != TableColumn::Kind::kPhysical) {
      const auto feature =
          column.kind == TableColumn::Kind::kComputed ? Like::kGenerated : Like::kMetadata;
      const auto rule = RuleFor(like, feature);
      if (rule == Like::kExcluding) continue;
      if (rule == Like::kOverwriting && Declares(statement, column.name)) continue;
    }
    if (Declares(statement, column.name)) return Clash("column '" + column.name + "'", like);
    table->columns.push_back(column);
  }
  const auto watermark = RuleFor(like, Like::kWatermarks);
  if (source.watermark && watermark != Like::kExcluding) {
    if (statement.watermark && watermark == Like::kIncluding) return Clash("the watermark", like);
    table->watermark = source.watermark;
  }
  if (RuleFor(like, Like::kConstraints) != Like::kExcluding) {
    if (!source.primary_key.empty() && statement.primary_key) return Clash("the primary key", like);
    table->primary_key = source.primary_key;
  }
  if (RuleFor(like, Like::kPartitions) != Like::kExcluding)
    table->partitioned_by = source.partitioned_by;
  const auto options = RuleFor(like, Like::kOptions);
  if (options == Like::kExcluding) return Status::OK();
  table->options = source.options;
  if (options == Like::kOverwriting) return Status::OK();
  for (const auto& property : statement.options) {
    if (source.options.contains(property.key)) return Clash("option '" + property.key + "'", like);
  }
  return Status::OK();
}

}  // namespace millrace::sql
