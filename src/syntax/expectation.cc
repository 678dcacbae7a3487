#include "syntax/expectation.h"

#include <algorithm>
#include <array>

namespace millrace::syntax {
namespace {

using Word = std::string_view;

constexpr auto kTables = std::to_array<Word>({"<table>"});
constexpr auto kViews = std::to_array<Word>({"<view>"});
constexpr auto kModels = std::to_array<Word>({"<model>"});
constexpr auto kFunctions = std::to_array<Word>({"<function>"});
constexpr auto kDatabases = std::to_array<Word>({"<database>"});
constexpr auto kCatalogs = std::to_array<Word>({"<catalog>"});
constexpr auto kColumns = std::to_array<Word>({"<column>"});
constexpr auto kJobs = std::to_array<Word>({"<job>"});
constexpr auto kOptions = std::to_array<Word>({"<option>"});
constexpr auto kRelations =
    std::to_array<Word>({"<table>", "<function>", "LATERAL", "TABLE", "UNNEST"});
constexpr auto kExpressions = std::to_array<Word>(
    {"<column>",     "<function>",   "<model>",           "ARRAY",         "CASE",   "CAST",
     "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "DATE",          "EXISTS", "FALSE",
     "INTERVAL",     "LOCALTIME",    "LOCALTIMESTAMP",    "MAP",           "NOT",    "NULL",
     "ROW",          "TIME",         "TIMESTAMP",         "TIMESTAMP_LTZ", "TRUE",   "TRY_CAST",
     "UNKNOWN"});
constexpr auto kOperators = std::to_array<Word>(
    {"AND", "AT TIME ZONE", "BETWEEN", "IN", "IS", "IS NOT", "LIKE", "NOT", "OR", "SIMILAR TO"});
constexpr auto kArguments = std::to_array<Word>({"DESCRIPTOR", "DISTINCT", "MODEL", "TABLE"});
constexpr auto kTypes =
    std::to_array<Word>({"ARRAY",         "BIGINT",  "BINARY",    "BOOLEAN", "BYTES", "CHAR",
                         "DATE",          "DECIMAL", "DOUBLE",    "FLOAT",   "INT",   "INTERVAL",
                         "MAP",           "ROW",     "SMALLINT",  "STRING",  "TIME",  "TIMESTAMP",
                         "TIMESTAMP_LTZ", "TINYINT", "VARBINARY", "VARCHAR"});
constexpr auto kUnits =
    std::to_array<Word>({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"});

}  // namespace

const Category kAnyName{"a name", {}, true};
const Category kTableName{"a table name", kTables, true};
const Category kViewName{"a view name", kViews, true};
const Category kModelName{"a model name", kModels, true};
const Category kFunctionName{"a function name", kFunctions, true};
const Category kDatabaseName{"a database name", kDatabases, true};
const Category kCatalogName{"a catalog name", kCatalogs, true};
const Category kColumnName{"a column name", kColumns, true};
const Category kAliasName{"an alias", {}, true};
const Category kJobName{"a job id in single quotes", kJobs};
const Category kExpression{"an expression", kExpressions};
const Category kOperator{"", kOperators};
const Category kArgument{"", kArguments};
const Category kType{"a type", kTypes};
const Category kString{"a string in single quotes"};
const Category kOptionKey{"an option key in single quotes", kOptions};
const Category kOptionValue{"an option value in single quotes"};
const Category kWholeNumber{"a whole number"};
const Category kIntervalUnit{"a unit such as DAY or SECOND", kUnits};
const Category kRelation{"a table", kRelations, true};
const Category kPatternVariable{"a pattern variable", {}, true};

bool Expectation::is_word() const {
  return category_ == nullptr && !phrase_.empty() && phrase_.front() >= 'A' &&
         phrase_.front() <= 'Z';
}

std::string Expectation::Description() const {
  if (category_ != nullptr) return std::string(category_->description);
  return is_word() ? std::string(phrase_) : "'" + std::string(phrase_) + "'";
}

void Expectation::AppendWords(std::vector<std::string>* out) const {
  const auto add = [&](std::string_view word) {
    if (std::find(out->begin(), out->end(), word) == out->end()) out->emplace_back(word);
  };
  if (category_ != nullptr) {
    std::for_each(category_->words.begin(), category_->words.end(), add);
  } else if (is_word()) {
    add(phrase_);
  }
}

}  // namespace millrace::syntax
