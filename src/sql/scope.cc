#include "sql/scope.h"

#include "base/suggest.h"

namespace millrace::sql {
namespace {

std::string PathText(const std::vector<syntax::Identifier>& path) {
  std::string text;
  for (const auto& part : path) text += (text.empty() ? "" : ".") + part.name;
  return text;
}

Result<ExpressionPtr> FollowFields(ExpressionPtr value, const std::vector<syntax::Identifier>& path,
                                   size_t from) {
  for (size_t i = from; i < path.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(value, FieldOf(value, path[i]));
  }
  return value;
}

}  // namespace

void Scope::Add(std::string alias, Schema schema) {
  const int columns = schema.size();
  relations_.push_back({std::move(alias), width_, std::move(schema)});
  width_ += columns;
}

Schema Scope::schema() const {
  Schema all;
  for (const Relation& relation : relations_) {
    for (const SqlField& column : relation.schema.columns()) all.Add(column.name, column.type);
  }
  return all;
}

const Scope::Relation* Scope::Find(const std::string& alias) const {
  for (const Relation& relation : relations_) {
    if (relation.alias == alias && !alias.empty()) return &relation;
  }
  return nullptr;
}

Result<std::optional<int>> Scope::FindColumn(const syntax::Identifier& name) const {
  std::optional<int> found;
  const Relation* owner = nullptr;
  for (const Relation& relation : relations_) {
    const int column = relation.schema.Find(name.name);
    if (column < 0) continue;
    if (found) {
      return Error::User("column '" + name.name + "' is ambiguous")
          .At(name.position)
          .Hint("write " + owner->alias + "." + name.name + " or " + relation.alias + "." +
                name.name);
    }
    found = relation.first + column;
    owner = &relation;
  }
  return found;
}

Result<std::optional<ExpressionPtr>> Scope::Resolve(
    const std::vector<syntax::Identifier>& path) const {
  if (path.size() > 1) {
    if (const Relation* relation = Find(path[0].name)) {
      const int column = relation->schema.Find(path[1].name);
      if (column >= 0) {
        auto value = Expression::Column(relation->first + column,
                                        relation->schema.column(column).type, path[0].position);
        ARROW_ASSIGN_OR_RAISE(value, FollowFields(std::move(value), path, 2));
        return std::optional(std::move(value));
      }
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto column, FindColumn(path[0]));
  if (!column) return std::optional<ExpressionPtr>();
  auto value = Expression::Column(*column, schema().column(*column).type, path[0].position);
  ARROW_ASSIGN_OR_RAISE(value, FollowFields(std::move(value), path, 1));
  return std::optional(std::move(value));
}

Status Scope::Unknown(const std::vector<syntax::Identifier>& path,
                      const std::vector<std::string>& more) const {
  std::vector<std::string> names = more;
  if (path.size() > 1) {
    if (const Relation* relation = Find(path[0].name)) {
      names = relation->schema.Names();
      return Error::User("'" + path[0].name + "' has no column '" + path[1].name + "'")
          .At(path[1].position)
          .Hint(Suggest(path[1].name, names));
    }
    for (const Relation& relation : relations_) names.push_back(relation.alias);
  }
  for (const Relation& relation : relations_) {
    for (const SqlField& column : relation.schema.columns()) {
      const bool internal = column.name.starts_with('$');
      if (!internal) names.push_back(column.name);
    }
  }
  return Error::User("no column '" + PathText(path) + "'")
      .At(path[0].position)
      .Hint(Suggest(path[0].name, names));
}

Result<ExpressionPtr> FieldOf(const ExpressionPtr& row, const syntax::Identifier& field) {
  if (row->type.kind() != TypeKind::kRow) {
    return Error::User("'." + field.name + "' needs a ROW, but the value is " +
                       row->type.ToString())
        .At(field.position);
  }
  const auto& fields = row->type.fields();
  std::vector<std::string> names;
  for (size_t i = 0; i < fields.size(); ++i) {
    names.push_back(fields[i].name);
    if (fields[i].name != field.name) continue;
    if (row->IsCall("ROW")) return row->arguments[i];
    const bool nullable = row->type.nullable() || fields[i].type.nullable();
    return Expression::Call("FIELD",
                            {row, Expression::Literal(static_cast<int64_t>(i),
                                                      SqlType::Int().AsNotNull(), field.position)},
                            fields[i].type.AsNullable(nullable), field.position);
  }
  return Error::User("the ROW has no field '" + field.name + "'")
      .At(field.position)
      .Hint(Suggest(field.name, names));
}

}  // namespace millrace::sql
