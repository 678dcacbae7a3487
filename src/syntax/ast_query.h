#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "syntax/ast_expression.h"

namespace millrace::syntax {

/// `[AS] name [(columns)]`.
struct TableAlias {
  Identifier name;
  std::vector<Identifier> columns;

  bool operator==(const TableAlias&) const = default;
};

/// A table, a view or a CTE by its name.
struct TableName {
  QualifiedName name;
  std::vector<Hint> hints;
  ExpressionPtr system_time;  ///< FOR SYSTEM_TIME AS OF …; may be null

  bool operator==(const TableName&) const = default;
};

/// `[LATERAL] (SELECT …)`.
struct DerivedTable {
  QueryPtr query;
  bool lateral = false;

  bool operator==(const DerivedTable&) const = default;
};

/// `f(…)`, `TABLE(f(…))`, `LATERAL TABLE(f(…))`.
struct TableFunction {
  ExpressionPtr call;  ///< always a `FunctionCall`
  bool lateral = false;

  bool operator==(const TableFunction&) const = default;
};

/// `UNNEST(a, …) [WITH ORDINALITY]`; may always refer to the relations before it.
struct Unnest {
  std::vector<ExpressionPtr> collections;
  bool with_ordinality = false;

  bool operator==(const Unnest&) const = default;
};

enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kCross };

/// A condition, USING or NATURAL; none of them only for kCross and before a LATERAL or UNNEST
/// relation.
struct Join {
  JoinKind kind = JoinKind::kInner;
  RelationPtr left;
  RelationPtr right;
  ExpressionPtr condition;                ///< ON …; may be null
  std::vector<Identifier> using_columns;  ///< USING (…)
  bool natural = false;

  bool operator==(const Join&) const = default;
};

enum class PatternKind : uint8_t {
  kVariable,
  kSequence,     ///< A B
  kAlternation,  ///< A | B
  kPermute,      ///< PERMUTE(A, B)
  kExclusion,    ///< {- A -}
  kQuantified,   ///< A{min,max}; *, + and ? are written so, too
  kStart,        ///< ^
  kEnd,          ///< $
  kEmpty,        ///< ()
};

/// A node of a row pattern.
struct Pattern {
  PatternKind kind = PatternKind::kEmpty;
  Identifier variable;                 ///< kVariable
  std::vector<Ptr<Pattern>> children;  ///< kSequence … kQuantified
  int min = 1;                         ///< kQuantified
  std::optional<int> max;              ///< kQuantified; none: unbounded
  bool reluctant = false;              ///< kQuantified: as few rows as possible
  Place position = {};

  bool operator==(const Pattern&) const = default;
};

/// An expression under a name: a measure, a definition.
struct NamedExpression {
  Identifier name;
  ExpressionPtr expression;

  bool operator==(const NamedExpression&) const = default;
};

struct MatchRecognize {
  enum Rows : uint8_t {
    kOneRow,
    kAllRows,
    kAllRowsShowEmpty,
    kAllRowsOmitEmpty,
    kAllRowsWithUnmatched
  };
  enum Skip : uint8_t { kPastLastRow, kToNextRow, kToFirst, kToLast };
  struct Subset {
    Identifier name;
    std::vector<Identifier> variables;

    bool operator==(const Subset&) const = default;
  };

  RelationPtr input;
  std::vector<ExpressionPtr> partition_by;
  std::vector<OrderItem> order_by;
  std::vector<NamedExpression> measures;
  Rows rows = kOneRow;
  Skip skip = kPastLastRow;
  Identifier skip_to;  ///< kToFirst, kToLast
  Ptr<Pattern> pattern;
  ExpressionPtr within;  ///< may be null
  std::vector<Subset> subsets;
  std::vector<NamedExpression> definitions;

  bool operator==(const MatchRecognize&) const = default;
};

using RelationNode =
    std::variant<TableName, DerivedTable, TableFunction, Unnest, Join, MatchRecognize>;

/// What may stand in FROM.
struct Relation {
  RelationNode node;
  std::optional<TableAlias> alias;  ///< never of a Join
  Place position = {};              ///< of its first token; of the JOIN keyword for Join

  template <class T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

bool operator==(const Relation& a, const Relation& b);

struct SelectItem {
  ExpressionPtr expression;  ///< a `Star` where everything is selected
  std::optional<Identifier> alias;

  bool operator==(const SelectItem&) const = default;
};

/// One element of GROUP BY.
struct Grouping {
  enum Kind : uint8_t {
    kExpressions,  ///< `a`, `(a, b)`, `()`
    kRollup,       ///< of `elements`
    kCube,         ///< of `elements`
    kSets,         ///< GROUPING SETS (elements)
  };
  Kind kind = kExpressions;
  std::vector<ExpressionPtr> expressions;
  std::vector<Grouping> elements;  ///< under kRollup and kCube: only kExpressions
  Place position = {};

  bool operator==(const Grouping&) const = default;
};

/// `WINDOW name AS (…)`.
struct NamedWindow {
  Identifier name;
  WindowSpec spec;

  bool operator==(const NamedWindow&) const = default;
};

struct Select {
  std::vector<Hint> hints;
  bool distinct = false;
  std::vector<SelectItem> items;
  std::vector<RelationPtr>
      from;             ///< comma-separated: a cross join from left to right; empty: one row
  ExpressionPtr where;  ///< may be null, as having and qualify
  std::vector<Grouping> group_by;
  ExpressionPtr having;
  std::vector<NamedWindow> windows;
  ExpressionPtr qualify;

  bool operator==(const Select&) const = default;
};

enum class SetOperator : uint8_t { kUnion, kIntersect, kExcept };

struct SetOperation {
  SetOperator op = SetOperator::kUnion;
  bool all = false;
  QueryPtr left;
  QueryPtr right;

  bool operator==(const SetOperation&) const = default;
};

/// `VALUES (1, 'a'), (2, 'b')`.
struct Values {
  std::vector<std::vector<ExpressionPtr>> rows;

  bool operator==(const Values&) const = default;
};

/// `name [(columns)] AS (query)` of a WITH.
struct CommonTable {
  Identifier name;
  std::vector<Identifier> columns;
  QueryPtr query;

  bool operator==(const CommonTable&) const = default;
};

using QueryBody = std::variant<Select, SetOperation, Values>;

struct Query {
  std::vector<CommonTable> with;
  QueryBody body;
  std::vector<OrderItem> order_by;
  std::optional<int64_t> limit;  ///< LIMIT n, FETCH FIRST n ROWS ONLY
  std::optional<int64_t> offset;
  Place position = {};

  template <class T>
  const T* As() const {
    return std::get_if<T>(&body);
  }
};

bool operator==(const Query& a, const Query& b);

}  // namespace millrace::syntax
