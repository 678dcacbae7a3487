#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "syntax/ast_base.h"
#include "types/sql_type.h"

namespace millrace::syntax {

enum class LiteralKind : uint8_t {
  kNull,
  kBoolean,      ///< text: TRUE, FALSE or UNKNOWN
  kInteger,      ///< text: digits; exact, may exceed BIGINT
  kDecimal,      ///< text: digits with a point; exact
  kApproximate,  ///< text: with an exponent, such as 1.5E3
  kString,       ///< text: the string itself, escapes resolved, UTF-8
  kBinary,       ///< text: the bytes themselves
  kDate,         ///< text: what stands between the quotes; well-formedness is the binder's to check
  kTime,
  kTimestamp,
  kTimestampLtz,
};

/// A sign is never part of a literal: `-1` is a unary minus over 1.
struct Literal {
  LiteralKind kind = LiteralKind::kNull;
  std::string text;

  bool operator==(const Literal&) const = default;
};

enum class IntervalUnit : uint8_t { kYear, kQuarter, kMonth, kWeek, kDay, kHour, kMinute, kSecond };

/// `INTERVAL -'1 2:03' DAY(3) TO MINUTE`. The text has been checked against its qualifier.
struct IntervalLiteral {
  bool negative = false;  ///< a minus before the quotes; one inside them is part of `text`
  std::string text;
  IntervalUnit from = IntervalUnit::kDay;
  std::optional<IntervalUnit> to;
  std::optional<int> precision;             ///< of `from`
  std::optional<int> fractional_precision;  ///< of seconds
  bool is_months = false;  ///< YEAR, QUARTER, MONTH: `amount` counts months, else microseconds
  int64_t amount = 0;      ///< the value, signs included

  bool operator==(const IntervalLiteral&) const = default;
};

/// `a`, `a.b`, `t.a.b`: which parts are catalog, table, column and fields is the binder's to find.
struct ColumnRef {
  std::vector<Identifier> path;

  bool operator==(const ColumnRef&) const = default;
};

/// `*` or `t.*`: only as an item of a select list and as the argument of COUNT(*).
struct Star {
  std::vector<Identifier> qualifier;

  bool operator==(const Star&) const = default;
};

enum class UnaryOp : uint8_t {
  kPlus,
  kMinus,
  kNot,
  kFinal,
  kRunning
};  ///< the last two: MATCH_RECOGNIZE

struct Unary {
  UnaryOp op = UnaryOp::kPlus;
  ExpressionPtr operand;

  bool operator==(const Unary&) const = default;
};

enum class BinaryOp : uint8_t {
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIsDistinctFrom,
  kIsNotDistinctFrom,
  kOverlaps,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kConcat,
};

struct Binary {
  BinaryOp op = BinaryOp::kAnd;
  ExpressionPtr left;
  ExpressionPtr right;

  bool operator==(const Binary&) const = default;
};

enum class IsTest : uint8_t {
  kNull,
  kTrue,
  kFalse,
  kUnknown,
  kJson,
  kJsonValue,
  kJsonObject,
  kJsonArray,
  kJsonScalar,
};

/// `x IS [NOT] NULL`, …
struct Is {
  ExpressionPtr operand;
  IsTest test = IsTest::kNull;
  bool negated = false;

  bool operator==(const Is&) const = default;
};

struct Between {
  ExpressionPtr operand;
  ExpressionPtr low;
  ExpressionPtr high;
  bool symmetric = false;
  bool negated = false;

  bool operator==(const Between&) const = default;
};

/// `x [NOT] IN (1, 2)` or `x [NOT] IN (SELECT …)`; several columns are a `RowConstructor`.
struct In {
  ExpressionPtr operand;
  std::vector<ExpressionPtr> list;  ///< empty where there is a query
  QueryPtr query;
  bool negated = false;

  bool operator==(const In&) const = default;
};

enum class LikeKind : uint8_t { kLike, kSimilarTo };

struct Like {
  ExpressionPtr operand;
  ExpressionPtr pattern;
  ExpressionPtr escape;  ///< may be null
  LikeKind kind = LikeKind::kLike;
  bool negated = false;

  bool operator==(const Like&) const = default;
};

struct Exists {
  QueryPtr query;

  bool operator==(const Exists&) const = default;
};

/// `(SELECT …)` as a value.
struct ScalarSubquery {
  QueryPtr query;

  bool operator==(const ScalarSubquery&) const = default;
};

struct Case {
  struct When {
    ExpressionPtr condition;  ///< or the value to compare the operand with
    ExpressionPtr result;

    bool operator==(const When&) const = default;
  };
  ExpressionPtr operand;  ///< null: each WHEN is a condition
  std::vector<When> whens;
  ExpressionPtr otherwise;  ///< may be null

  bool operator==(const Case&) const = default;
};

struct Cast {
  ExpressionPtr operand;
  SqlType type;
  bool is_try = false;  ///< TRY_CAST

  bool operator==(const Cast&) const = default;
};

struct OrderItem {
  ExpressionPtr expression;
  bool descending = false;
  std::optional<bool> nulls_first;

  bool operator==(const OrderItem&) const = default;
};

struct FrameBound {
  enum Kind : uint8_t {
    kUnboundedPreceding,
    kPreceding,
    kCurrentRow,
    kFollowing,
    kUnboundedFollowing
  };
  Kind kind = kCurrentRow;
  ExpressionPtr offset;  ///< of kPreceding and kFollowing

  bool operator==(const FrameBound&) const = default;
};

/// `ROWS|RANGE BETWEEN start AND end`; an end that was left out is CURRENT ROW.
struct Frame {
  bool is_rows = false;
  FrameBound start;
  FrameBound end;

  bool operator==(const Frame&) const = default;
};

/// What stands in `OVER (…)` and `WINDOW w AS (…)`.
struct WindowSpec {
  std::optional<Identifier> base;  ///< the named window that this one refines
  std::vector<ExpressionPtr> partition_by;
  std::vector<OrderItem> order_by;
  std::optional<Frame> frame;

  bool operator==(const WindowSpec&) const = default;
};

using Over = std::variant<Identifier, WindowSpec>;  ///< `OVER w` or `OVER (…)`

/// `value`, or `name => value`.
struct Argument {
  std::optional<Identifier> name;
  ExpressionPtr value;

  bool operator==(const Argument&) const = default;
};

/// A keyword clause inside the parentheses of a JSON function.
/// RETURNING (a `TypeName`), WRAPPER (a `Keyword` such as "WITH CONDITIONAL ARRAY"),
/// ON EMPTY and ON ERROR (a `Keyword`, or the expression after DEFAULT), ON NULL (`Keyword` NULL or
/// ABSENT).
struct CallClause {
  std::string name;
  ExpressionPtr value;

  bool operator==(const CallClause&) const = default;
};

enum class NullTreatment : uint8_t { kUnspecified, kRespect, kIgnore };

/// A call of a function, an aggregate, a model or a table function.
///
/// Forms with keywords between the arguments become plain calls, with the upper-case name of the
/// function:
///
/// | SQL                                     | arguments                                          |
/// |-----------------------------------------|----------------------------------------------------|
/// | EXTRACT(unit FROM x)                    | Keyword unit, x                                    |
/// | FLOOR, CEIL(x TO unit)                  | x, Keyword unit                                    |
/// | TIMESTAMPADD, TIMESTAMPDIFF(unit, a, b) | Keyword unit, a, b                                 |
/// | TRIM([BOTH] [c] FROM x)                 | Keyword BOTH, LEADING or TRAILING, c or ' ', x;    |
/// |                                         | TRIM(x) stays as it is                             |
/// | SUBSTRING(x FROM a [FOR b])             | x, a [, b]                                         |
/// | OVERLAY(x PLACING y FROM a [FOR b])     | x, y, a [, b]                                      |
/// | POSITION(a IN x [FROM n])               | a, x [, n]                                         |
/// | JSON_OBJECT(KEY k VALUE v, …)           | k, v, …; JSON_OBJECTAGG alike                      |
/// | CURRENT_DATE and the like               | none                                               |
struct FunctionCall {
  QualifiedName name;
  std::vector<Argument> arguments = {};
  std::vector<CallClause> clauses = {};
  bool distinct = false;
  NullTreatment nulls = NullTreatment::kUnspecified;
  std::vector<OrderItem> within_group = {};
  ExpressionPtr filter = {};  ///< FILTER (WHERE …); may be null
  Ptr<Over> over = {};        ///< may be null

  bool operator==(const FunctionCall&) const = default;
};

/// A word that stands as an argument: a time unit ("YEAR", "ISODOW"), BOTH, NULL …; upper case.
struct Keyword {
  std::string word;

  bool operator==(const Keyword&) const = default;
};

/// A type that stands as an argument.
struct TypeName {
  SqlType type;

  bool operator==(const TypeName&) const = default;
};

/// `DESCRIPTOR(a, b)`.
struct Descriptor {
  std::vector<Identifier> columns;

  bool operator==(const Descriptor&) const = default;
};

/// `TABLE t [PARTITION BY …] [ORDER BY …]` or `TABLE (SELECT …) …` as an argument.
struct TableArgument {
  RelationPtr relation;  ///< a `TableName`, `DerivedTable` or `TableFunction`, without alias
  std::vector<ExpressionPtr> partition_by;
  std::vector<OrderItem> order_by;

  bool operator==(const TableArgument&) const = default;
};

/// `MODEL m` as an argument.
struct ModelArgument {
  QualifiedName name;

  bool operator==(const ModelArgument&) const = default;
};

/// `ROW(a, b)` or `(a, b)`.
struct RowConstructor {
  std::vector<ExpressionPtr> values;

  bool operator==(const RowConstructor&) const = default;
};

struct ArrayConstructor {
  std::vector<ExpressionPtr> elements;

  bool operator==(const ArrayConstructor&) const = default;
};

struct MapConstructor {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;

  bool operator==(const MapConstructor&) const = default;
};

/// `a[i]`: an element of an array (from 1), a value of a map.
struct ElementAccess {
  ExpressionPtr collection;
  ExpressionPtr index;

  bool operator==(const ElementAccess&) const = default;
};

/// `f(x).score`, `a[1].b`, `(t).b`; a path of plain names is a `ColumnRef`.
struct FieldAccess {
  ExpressionPtr row;
  Identifier field;

  bool operator==(const FieldAccess&) const = default;
};

/// `x AT TIME ZONE 'UTC'`, `x AT LOCAL`.
struct AtTimeZone {
  ExpressionPtr operand;
  ExpressionPtr zone;  ///< null: LOCAL

  bool operator==(const AtTimeZone&) const = default;
};

using ExpressionNode =
    std::variant<Literal, IntervalLiteral, ColumnRef, Star, Unary, Binary, Is, Between, In, Like,
                 Exists, ScalarSubquery, Case, Cast, FunctionCall, Keyword, TypeName, Descriptor,
                 TableArgument, ModelArgument, RowConstructor, ArrayConstructor, MapConstructor,
                 ElementAccess, FieldAccess, AtTimeZone>;

struct Expression {
  ExpressionNode node;
  Place position = {};  ///< of its first token; of the operator for Binary, Is, Between, In, Like

  /// The node, where it is a T; else null.
  template <class T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

bool operator==(const Expression& a, const Expression& b);

}  // namespace millrace::syntax
