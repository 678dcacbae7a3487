#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "syntax/ast_query.h"

namespace millrace::syntax {

enum class ObjectKind : uint8_t { kTable, kView, kModel, kFunction, kDatabase, kCatalog };

// ----------------------------------------------------------------------------------------------
// CREATE

struct ColumnDefinition {
  enum Kind : uint8_t {
    kPhysical,  ///< name type
    kComputed,  ///< name AS expression
    kMetadata,  ///< name type METADATA [FROM 'key'] [VIRTUAL]
  };
  Identifier name;
  Kind kind = kPhysical;
  SqlType type;                             ///< NULL for kComputed
  ExpressionPtr expression;                 ///< kComputed
  std::optional<std::string> metadata_key;  ///< kMetadata; none: the column's name
  bool is_virtual = false;                  ///< kMetadata
  std::string comment;
  Place type_position = {};

  bool operator==(const ColumnDefinition&) const = default;
};

/// `WATERMARK FOR column AS expression`.
struct WatermarkDefinition {
  QualifiedName column;  ///< or a path into a ROW
  ExpressionPtr expression;
  Place position = {};

  bool operator==(const WatermarkDefinition&) const = default;
};

/// `[CONSTRAINT name] PRIMARY KEY (columns) NOT ENFORCED`; the form at a column is read as this
/// one.
struct PrimaryKey {
  std::optional<Identifier> name;
  std::vector<Identifier> columns;
  Place position = {};

  bool operator==(const PrimaryKey&) const = default;
};

/// `LIKE table (INCLUDING ALL …)`.
struct LikeClause {
  enum Merge : uint8_t { kIncluding, kExcluding, kOverwriting };
  enum Feature : uint8_t {
    kAll,
    kConstraints,
    kDistribution,
    kGenerated,
    kMetadata,
    kOptions,
    kPartitions,
    kWatermarks,
  };
  struct Rule {
    Merge merge = kIncluding;
    Feature feature = kAll;

    bool operator==(const Rule&) const = default;
  };
  QualifiedName table;
  std::vector<Rule> rules;

  bool operator==(const LikeClause&) const = default;
};

/// `DISTRIBUTED BY [HASH|RANGE] (columns) [INTO n BUCKETS]`, `DISTRIBUTED INTO n BUCKETS`.
struct Distribution {
  enum Kind : uint8_t { kUnspecified, kHash, kRange };
  Kind kind = kUnspecified;
  std::vector<Identifier> columns;
  std::optional<int> buckets;

  bool operator==(const Distribution&) const = default;
};

struct CreateTable {
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::vector<ColumnDefinition> columns;
  std::optional<WatermarkDefinition> watermark;
  std::optional<PrimaryKey> primary_key;
  std::string comment;
  std::optional<Distribution> distribution;
  std::vector<Identifier> partitioned_by;
  std::vector<Property> options;
  std::optional<LikeClause> like;
  QueryPtr query;  ///< CREATE TABLE … AS query; may be null

  bool operator==(const CreateTable&) const = default;
};

struct ViewColumn {
  Identifier name;
  std::string comment;

  bool operator==(const ViewColumn&) const = default;
};

struct CreateView {
  bool or_replace = false;
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::vector<ViewColumn> columns;
  std::string comment;
  QueryPtr query;

  bool operator==(const CreateView&) const = default;
};

/// A column of a model's INPUT or OUTPUT.
struct ModelColumn {
  Identifier name;
  SqlType type;
  std::string comment;
  Place type_position = {};

  bool operator==(const ModelColumn&) const = default;
};

struct CreateModel {
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::vector<ModelColumn> inputs;   ///< empty: left out
  std::vector<ModelColumn> outputs;  ///< empty: left out
  std::string comment;
  std::vector<Property> options;
  QueryPtr query;  ///< AS query; may be null

  bool operator==(const CreateModel&) const = default;
};

enum class FunctionLanguage : uint8_t { kUnspecified, kPython, kCpp, kJava, kScala, kSql };

struct CreateFunction {
  bool temporary = false;
  bool system = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::string identifier;  ///< AS 'module.function': class, symbol or script
  FunctionLanguage language = FunctionLanguage::kUnspecified;
  std::vector<std::string> jars;  ///< USING JAR '…', …
  std::vector<Property> options;

  bool operator==(const CreateFunction&) const = default;
};

// ----------------------------------------------------------------------------------------------
// DROP, ALTER

struct Drop {
  ObjectKind kind = ObjectKind::kTable;  ///< table, view, model or function
  bool temporary = false;
  bool system = false;  ///< function
  bool if_exists = false;
  QualifiedName name;

  bool operator==(const Drop&) const = default;
};

struct SetOptions {
  std::vector<Property> options;
  bool operator==(const SetOptions&) const = default;
};
struct ResetOptions {
  std::vector<std::string> keys;
  bool operator==(const ResetOptions&) const = default;
};
struct RenameTo {
  QualifiedName name;
  bool operator==(const RenameTo&) const = default;
};
struct RenameColumn {
  Identifier from;
  Identifier to;
  bool operator==(const RenameColumn&) const = default;
};

/// `ADD (…)` or `MODIFY (…)`: columns with their places, a watermark, a primary key.
struct ChangeSchema {
  struct ColumnChange {
    ColumnDefinition column;
    bool first = false;               ///< FIRST
    std::optional<Identifier> after;  ///< AFTER column

    bool operator==(const ColumnChange&) const = default;
  };
  bool modify = false;
  std::vector<ColumnChange> columns;
  std::optional<WatermarkDefinition> watermark;
  std::optional<PrimaryKey> primary_key;

  bool operator==(const ChangeSchema&) const = default;
};
struct DropColumns {
  std::vector<Identifier> columns;
  bool operator==(const DropColumns&) const = default;
};
struct DropPrimaryKey {
  std::optional<Identifier> constraint;  ///< DROP CONSTRAINT name
  bool operator==(const DropPrimaryKey&) const = default;
};
struct DropWatermark {
  bool operator==(const DropWatermark&) const = default;
};
/// `ALTER VIEW v AS query`.
struct SetQuery {
  QueryPtr query;
  bool operator==(const SetQuery&) const = default;
};
/// `ALTER MODEL m SET VERSION 7`, also `'7'`.
struct SetVersion {
  std::string version;
  bool operator==(const SetVersion&) const = default;
};
/// `ALTER FUNCTION f AS 'x' LANGUAGE …`.
struct SetFunction {
  std::string identifier;
  FunctionLanguage language = FunctionLanguage::kUnspecified;
  bool operator==(const SetFunction&) const = default;
};

using AlterAction =
    std::variant<SetOptions, ResetOptions, RenameTo, RenameColumn, ChangeSchema, DropColumns,
                 DropPrimaryKey, DropWatermark, SetQuery, SetVersion, SetFunction>;

struct Alter {
  ObjectKind kind = ObjectKind::kTable;  ///< table, view, model or function
  bool temporary = false;                ///< function
  bool system = false;                   ///< function
  bool if_exists = false;
  QualifiedName name;
  AlterAction action;

  bool operator==(const Alter&) const = default;
};

// ----------------------------------------------------------------------------------------------
// SHOW, DESCRIBE

enum class ShowKind : uint8_t {
  kTables,
  kViews,
  kModels,
  kFunctions,
  kUserFunctions,
  kDatabases,
  kCatalogs,
  kColumns,
  kJobs,
  kCurrentCatalog,
  kCurrentDatabase,
};

struct Show {
  ShowKind kind = ShowKind::kTables;
  std::optional<QualifiedName> scope;  ///< FROM or IN: a database, for kColumns a table
  std::optional<std::string> pattern;  ///< LIKE, ILIKE
  bool ignore_case = false;            ///< ILIKE
  bool negated = false;

  bool operator==(const Show&) const = default;
};

struct ShowCreate {
  ObjectKind kind = ObjectKind::kTable;  ///< table, view or model
  QualifiedName name;

  bool operator==(const ShowCreate&) const = default;
};

/// `DESCRIBE [MODEL|FUNCTION|…] [EXTENDED] name`; no word: kTable, which also finds views.
struct Describe {
  ObjectKind kind = ObjectKind::kTable;
  bool extended = false;
  QualifiedName name;

  bool operator==(const Describe&) const = default;
};

// ----------------------------------------------------------------------------------------------
// jobs and queries

struct Insert {
  bool overwrite = false;
  QualifiedName table;
  std::vector<Hint> hints;
  std::vector<NamedExpression> partition;  ///< PARTITION (k = literal, …)
  std::vector<Identifier> columns;
  QueryPtr query;

  bool operator==(const Insert&) const = default;
};

/// `EXECUTE STATEMENT SET BEGIN … END`: one job. The older `BEGIN STATEMENT SET; … END` is the
/// same.
struct StatementSet {
  std::vector<StatementPtr> inserts;  ///< each an Insert

  bool operator==(const StatementSet&) const = default;
};

/// A query on its own.
struct Selection {
  QueryPtr query;

  bool operator==(const Selection&) const = default;
};

struct Explain {
  enum Detail : uint8_t { kEstimatedCost, kChangelogMode, kJsonExecutionPlan, kPlanAdvice };
  std::vector<Detail> details;
  bool json = false;
  StatementPtr statement;  ///< Selection, Insert or StatementSet

  bool operator==(const Explain&) const = default;
};

/// `SET 'k' = 'v'`; without a key: list everything.
struct SetOption {
  std::optional<std::string> key;
  std::string value;

  bool operator==(const SetOption&) const = default;
};

/// `RESET 'k'`; without a key: reset everything.
struct ResetOption {
  std::optional<std::string> key;

  bool operator==(const ResetOption&) const = default;
};

struct Use {
  ObjectKind kind = ObjectKind::kDatabase;  ///< catalog or database
  QualifiedName name;

  bool operator==(const Use&) const = default;
};

struct StopJob {
  std::string job;
  bool with_savepoint = false;
  bool with_drain = false;

  bool operator==(const StopJob&) const = default;
};

using StatementNode = std::variant<CreateTable, CreateView, CreateModel, CreateFunction, Drop,
                                   Alter, Show, ShowCreate, Describe, Insert, StatementSet,
                                   Selection, Explain, SetOption, ResetOption, Use, StopJob>;

struct Statement {
  StatementNode node;
  std::vector<std::string> comments = {};  ///< before it, each with its marks; printed again
  std::string trailing_comment = {};       ///< behind its ';', on the same line
  Place position = {};                     ///< of its first word
  size_t begin = 0;                        ///< its text in the script, from the first word …
  size_t end = 0;                          ///< … to behind the last; the ';' is not in it

  template <class T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

/// `begin` and `end` are places and do not count.
bool operator==(const Statement& a, const Statement& b);

}  // namespace millrace::syntax
