#include "catalog/catalog.h"

#include <algorithm>
#include <iterator>

#include "base/suggest.h"

namespace millrace {
namespace {

using syntax::ObjectKind;

const char* KindName(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kTable:
      return "table";
    case ObjectKind::kView:
      return "view";
    case ObjectKind::kModel:
      return "model";
    case ObjectKind::kFunction:
      return "function";
    case ObjectKind::kDatabase:
      return "database";
    case ObjectKind::kCatalog:
      return "catalog";
  }
  return "object";
}

template <class Map>
std::vector<std::string> Names(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, object] : map) names.push_back(name);
  return names;
}

template <class Map>
typename Map::mapped_type Lookup(const Map& map, std::string_view name) {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : it->second;
}

template <class Object>
std::shared_ptr<const Object> Share(Object object) {
  return std::make_shared<const Object>(std::move(object));
}

template <class Map>
Status MoveEntry(Map& map, const std::string& from, typename Map::mapped_type renamed,
                 const std::string& to) {
  map.erase(from);
  map[to] = std::move(renamed);
  return Status::OK();
}

Status Exists(const char* kind, const std::string& name, Position at) {
  return Error::User(std::string("there already is a ") + kind + " '" + name + "'")
      .At(at)
      .Hint("drop it first, choose another name, or write IF NOT EXISTS");
}

}  // namespace

Status Catalog::CheckNameFree(const std::string& name, Position at) const {
  if (tables_.contains(name)) return Exists("table", name, at);
  if (views_.contains(name)) return Exists("view", name, at);
  return Status::OK();
}

Result<bool> Catalog::Add(Table table, OnExisting on_existing, Position at) {
  std::lock_guard lock(mutex_);
  if (tables_.contains(table.name) && on_existing == OnExisting::kKeep) return false;
  if (!(tables_.contains(table.name) && on_existing == OnExisting::kReplace)) {
    ARROW_RETURN_NOT_OK(CheckNameFree(table.name, at));
  }
  std::string name = table.name;
  tables_[std::move(name)] = Share(std::move(table));
  return true;
}

Result<bool> Catalog::Add(View view, OnExisting on_existing, Position at) {
  std::lock_guard lock(mutex_);
  if (views_.contains(view.name) && on_existing == OnExisting::kKeep) return false;
  if (!(views_.contains(view.name) && on_existing == OnExisting::kReplace)) {
    ARROW_RETURN_NOT_OK(CheckNameFree(view.name, at));
  }
  std::string name = view.name;
  views_[std::move(name)] = Share(std::move(view));
  return true;
}

Result<bool> Catalog::Add(Model model, OnExisting on_existing, Position at) {
  std::lock_guard lock(mutex_);
  std::string name = model.config.name;
  if (models_.contains(name)) {
    if (on_existing == OnExisting::kKeep) return false;
    if (on_existing == OnExisting::kError) return Exists("model", name, at);
  }
  models_[std::move(name)] = Share(std::move(model));
  return true;
}

std::shared_ptr<const Table> Catalog::FindTable(std::string_view name) const {
  std::lock_guard lock(mutex_);
  return Lookup(tables_, name);
}

std::shared_ptr<const View> Catalog::FindView(std::string_view name) const {
  std::lock_guard lock(mutex_);
  return Lookup(views_, name);
}

std::shared_ptr<const Model> Catalog::FindModel(std::string_view name) const {
  std::lock_guard lock(mutex_);
  return Lookup(models_, name);
}

Result<bool> Catalog::Drop(ObjectKind kind, const std::string& name, bool if_exists, Position at) {
  std::lock_guard lock(mutex_);
  const auto drop = [&](auto& map) -> Result<bool> {
    if (map.erase(name) > 0) return true;
    if (if_exists) return false;
    return UnknownObject(KindName(kind), name, Names(map), at);
  };
  switch (kind) {
    case ObjectKind::kTable:
      if (views_.contains(name)) {
        return Error::User("'" + name + "' is a view").At(at).Hint("use DROP VIEW " + name);
      }
      return drop(tables_);
    case ObjectKind::kView:
      if (tables_.contains(name)) {
        return Error::User("'" + name + "' is a table").At(at).Hint("use DROP TABLE " + name);
      }
      return drop(views_);
    case ObjectKind::kModel:
      return drop(models_);
    default:
      return Error::User(std::string("a ") + KindName(kind) + " cannot be dropped").At(at);
  }
}

Status Catalog::Rename(ObjectKind kind, const std::string& from, const std::string& to,
                       Position at) {
  std::lock_guard lock(mutex_);
  if (kind == ObjectKind::kModel) {
    const auto model = Lookup(models_, from);
    if (model == nullptr) return UnknownObject("model", from, Names(models_), at);
    if (models_.contains(to)) return Exists("model", to, at);
    Model renamed = *model;
    renamed.config.name = to;
    return MoveEntry(models_, from, Share(std::move(renamed)), to);
  }
  ARROW_RETURN_NOT_OK(CheckNameFree(to, at));
  if (kind == ObjectKind::kView) {
    const auto view = Lookup(views_, from);
    if (view == nullptr) return UnknownObject("view", from, Names(views_), at);
    View renamed = *view;
    renamed.name = to;
    return MoveEntry(views_, from, Share(std::move(renamed)), to);
  }
  const auto table = Lookup(tables_, from);
  if (table == nullptr) return UnknownObject("table", from, Names(tables_), at);
  Table renamed = *table;
  renamed.name = to;
  return MoveEntry(tables_, from, Share(std::move(renamed)), to);
}

std::vector<std::string> Catalog::TableNames() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  const auto tables = Names(tables_), views = Names(views_);
  std::merge(tables.begin(), tables.end(), views.begin(), views.end(), std::back_inserter(names));
  return names;
}

std::vector<std::string> Catalog::ViewNames() const {
  std::lock_guard lock(mutex_);
  return Names(views_);
}

std::vector<std::string> Catalog::ModelNames() const {
  std::lock_guard lock(mutex_);
  return Names(models_);
}

Result<std::string> ObjectName(const syntax::QualifiedName& name) {
  const auto& parts = name.parts;
  const size_t n = parts.size();
  const bool known = (n < 2 || parts[n - 2].name == Catalog::kDatabaseName) &&
                     (n < 3 || parts[n - 3].name == Catalog::kCatalogName) && n <= 3;
  if (known && n > 0) return parts.back().name;
  return Error::User("no database for '" + name.ToString() + "'")
      .At(name.position())
      .Hint("the only database is " + std::string(Catalog::kCatalogName) + "." +
            std::string(Catalog::kDatabaseName) + "; leave the qualifier out");
}

Status UnknownObject(std::string_view kind, const std::string& name,
                     const std::vector<std::string>& known, Position at) {
  std::string hint = Suggest(name, known);
  if (hint.empty()) hint = "there is none yet: CREATE one first";
  return Error::User("no " + std::string(kind) + " '" + name + "'").At(at).Hint(std::move(hint));
}

}  // namespace millrace
