#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/objects.h"

namespace millrace {

/// The objects of one database, `default_catalog`.`default_database`, in memory. Tables and views
/// share their names. Objects are immutable and shared: a plan keeps what it was made from.
/// Thread-safe.
class Catalog {
 public:
  static constexpr std::string_view kCatalogName = "default_catalog";
  static constexpr std::string_view kDatabaseName = "default_database";

  enum class OnExisting { kError, kKeep, kReplace };

  /// True: the object was added; false: it existed and was kept.
  Result<bool> Add(Table table, OnExisting on_existing, Position at = {});
  Result<bool> Add(View view, OnExisting on_existing, Position at = {});
  Result<bool> Add(Model model, OnExisting on_existing, Position at = {});

  std::shared_ptr<const Table> FindTable(std::string_view name) const;  ///< null where absent
  std::shared_ptr<const View> FindView(std::string_view name) const;
  std::shared_ptr<const Model> FindModel(std::string_view name) const;

  /// False where it does not exist and `if_exists`.
  Result<bool> Drop(syntax::ObjectKind kind, const std::string& name, bool if_exists,
                    Position at = {});
  Status Rename(syntax::ObjectKind kind, const std::string& from, const std::string& to,
                Position at = {});

  std::vector<std::string> TableNames() const;  ///< tables and views, sorted
  std::vector<std::string> ViewNames() const;
  std::vector<std::string> ModelNames() const;

 private:
  Status CheckNameFree(const std::string& name, Position at) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Table>, std::less<>> tables_;
  std::map<std::string, std::shared_ptr<const View>, std::less<>> views_;
  std::map<std::string, std::shared_ptr<const Model>, std::less<>> models_;
};

/// The object's own name: `t`, `default_database.t` or `default_catalog.default_database.t`;
/// another database is an error.
Result<std::string> ObjectName(const syntax::QualifiedName& name);

/// "no table 't'" with what may be meant.
Status UnknownObject(std::string_view kind, const std::string& name,
                     const std::vector<std::string>& known, Position at);

}  // namespace millrace
