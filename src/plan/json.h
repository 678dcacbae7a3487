#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "plan/expression.h"
#include "types/schema.h"

/// The JSON form of the plan's parts. Reading reports the place in the document.
namespace millrace::plan_json {

using Json = nlohmann::json;

/// Reads the members of one object. After the first fault every read gives an empty value; `Done`
/// tells it, and that a member was left unread.
class ObjectReader {
 public:
  ObjectReader(const Json& json, std::string path);

  bool Bool(const char* key, bool fallback);
  int64_t Int(const char* key);
  int64_t Int(const char* key, int64_t fallback);
  double Double(const char* key, double fallback);
  std::string String(const char* key);
  std::string String(const char* key, const std::string& fallback);
  std::vector<int> Ints(const char* key);
  std::vector<std::string> Strings(const char* key);
  std::map<std::string, std::string> StringMap(const char* key);
  Schema Columns(const char* key);
  SqlType Type(const char* key);
  ExpressionPtr Expr(const char* key);  ///< null where absent
  std::vector<ExpressionPtr> Exprs(const char* key);
  /// The member itself, or null (a JSON null) where it is absent; marks it as read.
  const Json& Member(const char* key);
  bool Has(const char* key) const { return json_.is_object() && json_.contains(key); }
  std::string PathOf(const std::string& key) const { return path_ + '.' + key; }

  void Fail(const std::string& key, const std::string& message);
  /// Takes over the fault of a part.
  void Absorb(const Status& status) {
    if (status_.ok()) status_ = status;
  }
  Status Done();

 private:
  const Json* Find(const char* key, bool required);

  const Json& json_;
  std::string path_;
  std::vector<std::string> read_;
  Status status_;
};

/// "INT", "STRING" …: nullable and without parameters as text; else {"type": "DECIMAL", "p": 10,
/// "s": 2, "null": false}.
Json TypeToJson(const SqlType& type);
Result<SqlType> TypeFromJson(const Json& json, const std::string& path);

/// {"col": 3, "type": …}, {"lit": 5, "type": …}, {"call": "+", "args": […], "type": …}; "at":
/// [line, column].
Json ExpressionToJson(const ExpressionPtr& expression);
Json ExpressionsToJson(const std::vector<ExpressionPtr>& expressions);
Result<ExpressionPtr> ExpressionFromJson(const Json& json, const std::string& path, int depth = 0);

Json SchemaToJson(const Schema& schema);
Result<Schema> SchemaFromJson(const Json& json, const std::string& path);

}  // namespace millrace::plan_json
