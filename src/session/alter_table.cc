#include "session/alter_table.h"

#include <algorithm>
#include <type_traits>

#include "base/suggest.h"
#include "sql/context.h"

namespace millrace {
namespace {

using namespace syntax;  // NOLINT: this file only rewrites the tree

using OptionValues = std::map<std::string, std::string>;

std::vector<Property> PropertiesOf(const OptionValues& options, const OptionPositions& positions) {
  std::vector<Property> properties;
  for (const auto& [key, value] : options) {
    Property property{.key = key, .value = value, .entries = {}};
    if (const auto at = positions.find(key); at != positions.end()) property.position = at->second;
    properties.push_back(std::move(property));
  }
  return properties;
}

QualifiedName NameOf(const std::string& name) { return {{Identifier{name}}}; }

ColumnDefinition DefinitionOf(const TableColumn& column) {
  ColumnDefinition out;
  out.name = {column.name};
  out.type = column.type;
  out.comment = column.comment;
  switch (column.kind) {
    case TableColumn::Kind::kPhysical:
      break;
    case TableColumn::Kind::kComputed:
      out.kind = ColumnDefinition::kComputed;
      out.expression = column.expression;
      break;
    case TableColumn::Kind::kMetadata:
      out.kind = ColumnDefinition::kMetadata;
      out.metadata_key = column.metadata_key;
      out.is_virtual = column.is_virtual;
      break;
  }
  return out;
}

std::vector<Identifier> IdentifiersOf(const std::vector<std::string>& names) {
  std::vector<Identifier> identifiers;
  for (const std::string& name : names) identifiers.push_back({name});
  return identifiers;
}

CreateTable DefinitionOf(const Table& table) {
  CreateTable create;
  create.temporary = table.temporary;
  create.name = NameOf(table.name);
  for (const TableColumn& column : table.columns) create.columns.push_back(DefinitionOf(column));
  create.watermark = table.watermark;
  if (!table.primary_key.empty()) {
    create.primary_key.emplace();
    create.primary_key->columns = IdentifiersOf(table.primary_key);
  }
  create.comment = table.comment;
  create.partitioned_by = IdentifiersOf(table.partitioned_by);
  create.options = PropertiesOf(table.options, table.positions);
  return create;
}

void SetAll(std::vector<Property>* properties, const std::vector<Property>& changes) {
  for (const Property& change : changes) {
    const auto it = std::ranges::find(*properties, change.key, &Property::key);
    if (it == properties->end()) {
      properties->push_back(change);
    } else {
      *it = change;
    }
  }
}

Status ResetAll(std::vector<Property>* properties, const std::vector<std::string>& keys,
                const std::string& object, Position at) {
  for (const std::string& key : keys) {
    if (std::erase_if(*properties, [&](const Property& p) { return p.key == key; }) > 0) continue;
    std::vector<std::string> known;
    for (const Property& property : *properties) known.push_back(property.key);
    return Error::User(object + " has no option '" + key + "'").At(at).Hint(Suggest(key, known));
  }
  if (keys.empty()) properties->clear();
  return Status::OK();
}

/// Applies one kind of ALTER TABLE after the other.
class TableChange {
 public:
  TableChange(CreateTable& table, Position at) : table_(table), at_(at) {}

  Status operator()(const SetOptions& set) {
    SetAll(&table_.options, set.options);
    return Status::OK();
  }
  Status operator()(const ResetOptions& reset) {
    return ResetAll(&table_.options, reset.keys, Object(), at_);
  }
  Status operator()(const RenameColumn& rename) {
    ARROW_ASSIGN_OR_RAISE(const auto column, Find(rename.from));
    column->name = rename.to;
    if (table_.primary_key) Rename(&table_.primary_key->columns, rename);
    Rename(&table_.partitioned_by, rename);
    if (table_.watermark) Rename(&table_.watermark->column.parts, rename);
    return Status::OK();
  }
  Status operator()(const ChangeSchema& change) {
    for (const ChangeSchema::ColumnChange& item : change.columns) {
      ARROW_RETURN_NOT_OK(change.modify ? Modify(item) : Insert(item));
    }
    if (change.watermark) {
      ARROW_RETURN_NOT_OK(
          CheckPresence("a watermark", table_.watermark.has_value(), change.modify));
      table_.watermark = change.watermark;
    }
    if (change.primary_key) {
      ARROW_RETURN_NOT_OK(
          CheckPresence("a primary key", table_.primary_key.has_value(), change.modify));
      table_.primary_key = change.primary_key;
    }
    return Status::OK();
  }
  Status operator()(const DropColumns& drop) {
    for (const Identifier& name : drop.columns) {
      ARROW_ASSIGN_OR_RAISE(const auto column, Find(name));
      table_.columns.erase(column);
    }
    return Status::OK();
  }
  Status operator()(const DropPrimaryKey&) {
    ARROW_RETURN_NOT_OK(CheckPresence("a primary key", table_.primary_key.has_value(), true));
    table_.primary_key.reset();
    return Status::OK();
  }
  Status operator()(const DropWatermark&) {
    ARROW_RETURN_NOT_OK(CheckPresence("a watermark", table_.watermark.has_value(), true));
    table_.watermark.reset();
    return Status::OK();
  }
  template <class Other>
  Status operator()(const Other&) {
    return sql::NotPlanned("this form of ALTER TABLE", at_);
  }

 private:
  using Columns = std::vector<ColumnDefinition>;

  std::string Object() const { return "table '" + table_.name.ToString() + "'"; }

  Result<Columns::iterator> Find(const Identifier& name) {
    const auto it = std::ranges::find(table_.columns, name.name,
                                      [](const ColumnDefinition& c) { return c.name.name; });
    if (it != table_.columns.end()) return it;
    std::vector<std::string> known;
    for (const ColumnDefinition& column : table_.columns) known.push_back(column.name.name);
    return Error::User(Object() + " has no column '" + name.name + "'")
        .At(name.position)
        .Hint(Suggest(name.name, known));
  }

  static void Rename(std::vector<Identifier>* names, const RenameColumn& rename) {
    for (Identifier& name : *names) {
      if (name.name == rename.from.name) name.name = rename.to.name;
    }
  }

  Status CheckPresence(const std::string& what, bool present, bool expected) const {
    if (present == expected) return Status::OK();
    return Error::User(Object() + (present ? " already has " : " has not got ") + what).At(at_);
  }

  Status Insert(const ChangeSchema::ColumnChange& item) {
    auto before = table_.columns.end();
    if (item.first) before = table_.columns.begin();
    if (item.after) {
      ARROW_ASSIGN_OR_RAISE(before, Find(*item.after));
      ++before;
    }
    table_.columns.insert(before, item.column);
    return Status::OK();
  }

  Status Modify(const ChangeSchema::ColumnChange& item) {
    ARROW_ASSIGN_OR_RAISE(const auto column, Find(item.column.name));
    if (!item.first && !item.after) {
      *column = item.column;
      return Status::OK();
    }
    table_.columns.erase(column);
    return Insert(item);
  }

  CreateTable& table_;
  Position at_;
};

}  // namespace

Result<CreateTable> AlteredTable(const Table& table, const Alter& alter) {
  CreateTable create = DefinitionOf(table);
  create.name.parts.front().position = alter.name.position();
  ARROW_RETURN_NOT_OK(std::visit(TableChange(create, alter.name.position()), alter.action));
  return create;
}

Result<CreateModel> AlteredModel(const Model& model, const Alter& alter) {
  CreateModel create;
  create.temporary = model.temporary;
  create.name = NameOf(model.config.name);
  create.name.parts.front().position = alter.name.position();
  for (const SqlField& field : model.config.input.columns()) {
    create.inputs.push_back({.name = {field.name}, .type = field.type, .comment = field.comment});
  }
  for (const SqlField& field : model.config.output.columns()) {
    create.outputs.push_back({.name = {field.name}, .type = field.type, .comment = field.comment});
  }
  create.comment = model.comment;
  create.options = PropertiesOf(model.config.options, model.positions);
  if (const auto* set = std::get_if<SetOptions>(&alter.action)) {
    SetAll(&create.options, set->options);
  } else if (const auto* reset = std::get_if<ResetOptions>(&alter.action)) {
    ARROW_RETURN_NOT_OK(ResetAll(&create.options, reset->keys, "model '" + model.config.name + "'",
                                 alter.name.position()));
  } else {
    return sql::NotPlanned("this form of ALTER MODEL", alter.name.position());
  }
  return create;
}

}  // namespace millrace
