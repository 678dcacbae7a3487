// Random trees, printed and read back: what a fuzzer of texts rarely reaches.

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "syntax/interval.h"
#include "syntax/parser.h"
#include "syntax/printer.h"

namespace millrace::syntax {
namespace {

template <class Node>
ExpressionPtr Make(Node node) {
  return MakePtr(Expression{std::move(node)});
}

/// Trees such as the parser makes, of a bounded depth. Every node kind may come anywhere it is
/// allowed.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  StatementPtr AnyStatement() {
    Statement statement;
    statement.node = Node();
    if (Chance(5)) statement.comments = {"-- a comment", "/* and\n another */"};
    return MakePtr(std::move(statement));
  }

  ExpressionPtr AnyExpression(int depth) {
    if (depth <= 0) return Leaf();
    using Maker = ExpressionPtr (Generator::*)(int);
    static constexpr Maker kMakers[] = {
        &Generator::AnyUnary,  &Generator::AnyBinary, &Generator::AnyBinary,
        &Generator::AnyBinary, &Generator::AnyIs,     &Generator::AnyBetween,
        &Generator::AnyIn,     &Generator::AnyLike,   &Generator::AnySubquery,
        &Generator::AnyCase,   &Generator::AnyCast,   &Generator::AnyCall,
        &Generator::AnyCall,   &Generator::AnyForm,   &Generator::AnyConstructor,
        &Generator::AnyAccess, &Generator::AnyZoned,
    };
    return (this->*kMakers[Below(std::size(kMakers))])(depth - 1);
  }

  QueryPtr AnyQuery(int depth) {
    Query query;
    if (Chance(5)) {
      query.with = Some<CommonTable>(1, 2, [&] {
        return CommonTable{Name(), Some<Identifier>(0, 2, [&] { return Name(); }),
                           AnyQuery(depth - 1)};
      });
    }
    if (depth > 0 && Chance(5)) {
      query.body =
          SetOperation{Pick<SetOperator>(3), Chance(2), AnyQuery(depth - 1), AnyQuery(depth - 1)};
    } else if (Chance(8)) {
      const size_t width = 1 + Below(3);
      query.body = Values{Some<std::vector<ExpressionPtr>>(1, 3, [&] {
        return Some<ExpressionPtr>(width, width, [&] { return AnyExpression(depth - 1); });
      })};
    } else {
      query.body = AnySelect(depth - 1);
    }
    if (Chance(5)) query.order_by = Order(depth - 1);
    if (Chance(5)) query.limit = Below(100);
    if (Chance(8)) query.offset = Below(100);
    return MakePtr(std::move(query));
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(uint64_t in) { return Below(in) == 0; }

  template <class Enum>
  Enum Pick(uint64_t count) {
    return static_cast<Enum>(Below(count));
  }

  template <class Item, class MakeItem>
  std::vector<Item> Some(size_t min, size_t max, MakeItem make) {
    std::vector<Item> items;
    for (size_t count = min + Below(max - min + 1); count > 0; --count) items.push_back(make());
    return items;
  }

  Identifier Name() {
    static constexpr const char* kNames[] = {
        "a",         "b",      "price",    "Value",   "t1",        "order",     "select",
        "a b",       "x`y",    "温度",     "9lives",  "map",       "array",     "row",
        "both",      "model",  "key",      "value",   "date",      "timestamp", "interval",
        "partition", "rows",   "final",    "table",   "symmetric", "at",        "unbounded",
        "first",     "last",   "permute",  "absent",  "t$late",    "watermark", "placing",
        "end",       "escape", "extended", "catalog", "comment",   "trim",      "running",
        "left",      "to"};
    return {kNames[Below(std::size(kNames))]};
  }

  QualifiedName Path() {
    return {Some<Identifier>(1, 3, [&] { return Name(); })};
  }

  std::string Text() {
    static constexpr const char* kTexts[] = {"",        "a", "it's", "two\nlines", "--",
                                             "/* x */", "é", "'",    "`"};
    return kTexts[Below(std::size(kTexts))];
  }

  SqlType Type(int depth) {
    const uint64_t kind = Below(depth > 0 ? 22 : 19);
    SqlType type;
    switch (kind) {
      case 0:
        type = SqlType::Boolean();
        break;
      case 1:
        type = SqlType::TinyInt();
        break;
      case 2:
        type = SqlType::SmallInt();
        break;
      case 3:
        type = SqlType::Int();
        break;
      case 4:
        type = SqlType::BigInt();
        break;
      case 5:
        type = SqlType::Float();
        break;
      case 6:
        type = SqlType::Double();
        break;
      case 7:
        type = SqlType::Decimal(10, static_cast<int>(Below(5)));
        break;
      case 8:
        type = SqlType::Char(3);
        break;
      case 9:
        type = SqlType::VarChar(20);
        break;
      case 10:
        type = SqlType::String();
        break;
      case 11:
        type = SqlType::Binary(2);
        break;
      case 12:
        type = SqlType::Bytes();
        break;
      case 13:
        type = SqlType::Date();
        break;
      case 14:
        type = SqlType::Time(static_cast<int>(Below(4)));
        break;
      case 15:
        type = SqlType::Timestamp(static_cast<int>(Below(7)));
        break;
      case 16:
        type = SqlType::TimestampLtz(3);
        break;
      case 17:
        type = SqlType::IntervalYearMonth();
        break;
      case 18:
        type = SqlType::IntervalDayTime();
        break;
      case 19:
        type = SqlType::Array(Type(depth - 1));
        break;
      case 20:
        type = SqlType::Map(Type(depth - 1), Type(depth - 1));
        break;
      default:
        type = SqlType::Row(Some<SqlField>(
            0, 3, [&] { return SqlField{Name().name, Type(depth - 1), Chance(3) ? Text() : ""}; }));
    }
    return Chance(4) ? type.AsNotNull() : type;
  }

  ExpressionPtr AnyInterval() {
    struct Sample {
      const char* text;
      IntervalUnit from;
      std::optional<IntervalUnit> to;
    };
    static const Sample kSamples[] = {
        {"1", IntervalUnit::kDay, {}},
        {"-3", IntervalUnit::kWeek, {}},
        {"1-2", IntervalUnit::kYear, IntervalUnit::kMonth},
        {"1 02:03:04.5", IntervalUnit::kDay, IntervalUnit::kSecond},
        {"10:30", IntervalUnit::kHour, IntervalUnit::kMinute},
        {"2.25", IntervalUnit::kSecond, {}},
    };
    const Sample& sample = kSamples[Below(std::size(kSamples))];
    IntervalLiteral literal;
    literal.text = sample.text;
    literal.from = sample.from;
    literal.to = sample.to;
    literal.negative = Chance(3);
    if (Chance(3)) literal.precision = 4;
    const bool seconds = literal.to.value_or(literal.from) == IntervalUnit::kSecond;
    if (seconds && (literal.to || literal.precision) && Chance(2)) literal.fractional_precision = 3;
    EXPECT_TRUE(Resolve(&literal).ok());
    return Make(std::move(literal));
  }

  ExpressionPtr Leaf() {
    switch (Below(14)) {
      case 0:
        return Make(Literal{});
      case 1:
        return Make(Literal{LiteralKind::kBoolean, Chance(2) ? "TRUE" : "UNKNOWN"});
      case 2:
        return Make(Literal{LiteralKind::kInteger, "42"});
      case 3:
        return Make(Literal{LiteralKind::kDecimal, Chance(2) ? "1.50" : ".5"});
      case 4:
        return Make(Literal{LiteralKind::kApproximate, "1e3"});
      case 5:
        return Make(Literal{LiteralKind::kString, Text()});
      case 6:
        return Make(Literal{LiteralKind::kBinary, Text()});
      case 7:
        return Make(Literal{LiteralKind::kDate, "2024-01-01"});
      case 8:
        return Make(Literal{LiteralKind::kTime, "10:00:00"});
      case 9:
        return Make(Literal{Pick<LiteralKind>(2) == LiteralKind::kNull ? LiteralKind::kTimestamp
                                                                       : LiteralKind::kTimestampLtz,
                            "2024-01-01 00:00:00"});
      case 10:
        return AnyInterval();
      case 11:
        return Make(FunctionCall{{{{"CURRENT_DATE"}}}});
      default:
        return Make(ColumnRef{Path().parts});
    }
  }

  ExpressionPtr AnyUnary(int depth) {
    const auto op = Pick<UnaryOp>(5);
    if (op < UnaryOp::kFinal) return Make(Unary{op, AnyExpression(depth)});
    FunctionCall call;
    call.name.parts = {{"LAST"}};
    call.arguments = Some<Argument>(1, 2, [&] { return Argument{{}, AnyExpression(depth)}; });
    return Make(Unary{op, Make(std::move(call))});
  }

  ExpressionPtr AnyBinary(int depth) {
    return Make(Binary{Pick<BinaryOp>(17), AnyExpression(depth), AnyExpression(depth)});
  }

  ExpressionPtr AnyIs(int depth) {
    return Make(Is{AnyExpression(depth), Pick<IsTest>(9), Chance(2)});
  }

  ExpressionPtr AnyBetween(int depth) {
    return Make(Between{AnyExpression(depth), AnyExpression(depth), AnyExpression(depth), Chance(3),
                        Chance(2)});
  }

  ExpressionPtr AnyIn(int depth) {
    In in;
    in.operand = AnyExpression(depth);
    in.negated = Chance(2);
    if (Chance(3)) {
      in.query = AnyQuery(depth);
    } else {
      in.list = Expressions(1, 3, depth);
    }
    return Make(std::move(in));
  }

  ExpressionPtr AnyLike(int depth) {
    return Make(Like{AnyExpression(depth), AnyExpression(depth),
                     Chance(2) ? AnyExpression(depth) : nullptr, Pick<LikeKind>(2), Chance(2)});
  }

  ExpressionPtr AnySubquery(int depth) {
    if (Chance(2)) return Make(Exists{AnyQuery(depth)});
    return Make(ScalarSubquery{AnyQuery(depth)});
  }

  ExpressionPtr AnyCase(int depth) {
    Case result;
    if (Chance(2)) result.operand = AnyExpression(depth);
    result.whens = Some<Case::When>(
        1, 3, [&] { return Case::When{AnyExpression(depth), AnyExpression(depth)}; });
    if (Chance(2)) result.otherwise = AnyExpression(depth);
    return Make(std::move(result));
  }

  ExpressionPtr AnyCast(int depth) { return Make(Cast{AnyExpression(depth), Type(2), Chance(2)}); }

  std::vector<ExpressionPtr> Expressions(size_t min, size_t max, int depth) {
    return Some<ExpressionPtr>(min, max, [&] { return AnyExpression(depth); });
  }

  std::vector<OrderItem> Order(int depth) {
    return Some<OrderItem>(1, 2, [&] {
      OrderItem item{AnyExpression(depth), Chance(2), {}};
      if (Chance(2)) item.nulls_first = Chance(2);
      return item;
    });
  }

  FrameBound Bound(int depth) {
    FrameBound bound{Pick<FrameBound::Kind>(5), nullptr};
    if (bound.kind == FrameBound::kPreceding || bound.kind == FrameBound::kFollowing) {
      bound.offset = AnyExpression(depth);
    }
    return bound;
  }

  WindowSpec Window(int depth) {
    WindowSpec spec;
    if (Chance(4)) spec.base = Name();
    if (Chance(2)) spec.partition_by = Expressions(1, 2, depth);
    if (Chance(2)) spec.order_by = Order(depth);
    if (Chance(2)) spec.frame = Frame{Chance(2), Bound(depth), Bound(depth)};
    return spec;
  }

  ExpressionPtr TableValue(int depth) {
    TableArgument table;
    Relation relation;
    if (Chance(3)) {
      relation.node = DerivedTable{AnyQuery(depth), false};
    } else if (Chance(4)) {
      relation.node = TableFunction{PlainCall(depth), false};
    } else {
      relation.node = TableName{Path(), Hints(), nullptr};
    }
    table.relation = MakePtr(std::move(relation));
    if (Chance(2)) table.partition_by = Expressions(1, 2, depth);
    if (Chance(2)) table.order_by = Order(depth);
    return Make(std::move(table));
  }

  ExpressionPtr ArgumentValue(int depth) {
    switch (Below(8)) {
      case 0:
        return TableValue(depth);
      case 1:
        return Make(ModelArgument{Path()});
      case 2:
        return Make(Descriptor{Some<Identifier>(1, 3, [&] { return Name(); })});
      default:
        return AnyExpression(depth);
    }
  }

  /// A call without suffixes.
  ExpressionPtr PlainCall(int depth) {
    FunctionCall call;
    call.name = Chance(3) ? QualifiedName{{{"LAG"}}} : Path();
    if (call.name.parts.size() == 1 && call.name.parts[0].name == "trim")
      call.name.parts[0].name = "TRIM";
    call.arguments = Some<Argument>(0, 3, [&] {
      Argument argument{{}, ArgumentValue(depth)};
      if (Chance(4)) argument.name = Name();
      return argument;
    });
    return Make(std::move(call));
  }

  ExpressionPtr AnyCall(int depth) {
    FunctionCall call = *PlainCall(depth)->As<FunctionCall>();
    if (Chance(6)) call.arguments = {{{}, Make(Star{})}};
    call.distinct = !call.arguments.empty() && Chance(5);
    call.nulls = Pick<NullTreatment>(3);
    if (Chance(5)) call.within_group = Order(depth);
    if (Chance(4)) call.filter = AnyExpression(depth);
    if (Chance(3)) call.over = MakePtr(Chance(3) ? Over(Name()) : Over(Window(depth)));
    return Make(std::move(call));
  }

  /// A function with a syntax of its own.
  ExpressionPtr AnyForm(int depth) {
    FunctionCall call;
    const auto named = [&](const char* name) { call.name.parts = {{name}}; };
    const auto add = [&](ExpressionPtr value) { call.arguments.push_back({{}, std::move(value)}); };
    const auto add_values = [&](size_t min, size_t max) {
      for (const ExpressionPtr& value : Expressions(min, max, depth)) add(value);
    };
    switch (Below(10)) {
      case 0:
        named("EXTRACT"), add(Make(Keyword{"DOW"})), add_values(1, 1);
        break;
      case 1:
        named("TIMESTAMPADD"), add(Make(Keyword{"DAY"})), add_values(2, 2);
        break;
      case 2:
        named("FLOOR"), add_values(1, 1), add(Make(Keyword{"HOUR"}));
        break;
      case 3:
        named("CEIL"), add_values(0, 2);
        break;
      case 4:
        named("TRIM"), add(Make(Keyword{"LEADING"})), add_values(2, 2);
        break;
      case 5:
        named(Chance(2) ? "TRIM" : "SUBSTRING"), add_values(1, 3);
        break;
      case 6:
        named("OVERLAY"), add_values(2, 4);
        break;
      case 7:
        named("POSITION"), add_values(1, 3);
        break;
      case 8:
        named(Chance(2) ? "JSON_OBJECT" : "JSON_ARRAY"), add_values(2, 2);
        if (Chance(2)) call.clauses = {{"ON NULL", Make(Keyword{"ABSENT"})}};
        break;
      default:
        named("JSON_VALUE"), add_values(2, 2);
        if (Chance(2)) call.clauses.push_back({"RETURNING", Make(TypeName{Type(1)})});
        if (Chance(2)) call.clauses.push_back({"ON EMPTY", AnyExpression(depth)});
        if (Chance(2)) call.clauses.push_back({"ON ERROR", Make(Keyword{"NULL"})});
    }
    return Make(std::move(call));
  }

  ExpressionPtr AnyConstructor(int depth) {
    if (Chance(3)) return Make(RowConstructor{Expressions(0, 3, depth)});
    if (Chance(2)) return Make(ArrayConstructor{Expressions(0, 3, depth)});
    MapConstructor map;
    for (uint64_t i = Below(3); i > 0; --i) {
      map.entries.emplace_back(AnyExpression(depth), AnyExpression(depth));
    }
    return Make(std::move(map));
  }

  ExpressionPtr AnyAccess(int depth) {
    if (Chance(2)) return Make(ElementAccess{AnyExpression(depth), AnyExpression(depth)});
    return Make(FieldAccess{AnyExpression(depth), Name()});
  }

  ExpressionPtr AnyZoned(int depth) {
    return Make(AtTimeZone{AnyExpression(depth), Chance(2) ? AnyExpression(depth) : nullptr});
  }

  Property Option(const std::string& key) {
    Property property{key, Text()};
    if (Chance(4)) {
      property.value.clear();
      property.is_map = true;
      property.entries = {Property{"x", Text()}};
    }
    return property;
  }

  std::vector<Property> OptionList() { return {Option("a.b"), Option("it's")}; }

  std::vector<Hint> Hints() {
    if (!Chance(4)) return {};
    return {Hint{Name(), {Option("k")}, {"x", "1"}}, Hint{{"STATE_ID"}, {}, {"it's"}},
            Hint{Name(), {}, {}}};
  }

  Grouping AnyGrouping(int depth, bool nested) {
    Grouping grouping;
    grouping.kind = nested ? Grouping::kExpressions : Pick<Grouping::Kind>(4);
    if (grouping.kind == Grouping::kExpressions) {
      grouping.expressions = Expressions(0, 2, depth);
    } else {
      grouping.elements = Some<Grouping>(
          1, 3, [&] { return AnyGrouping(depth, grouping.kind != Grouping::kSets || Chance(2)); });
    }
    return grouping;
  }

  Select AnySelect(int depth) {
    Select select;
    select.hints = Hints();
    select.distinct = Chance(4);
    select.items = Some<SelectItem>(1, 3, [&] {
      if (Chance(6))
        return SelectItem{Make(Star{Some<Identifier>(0, 2, [&] { return Name(); })}), {}};
      SelectItem item{AnyExpression(depth), {}};
      if (Chance(2)) item.alias = Name();
      return item;
    });
    if (!Chance(6)) select.from = Some<RelationPtr>(1, 2, [&] { return AnyRelation(depth); });
    if (Chance(2)) select.where = AnyExpression(depth);
    if (Chance(4))
      select.group_by = Some<Grouping>(1, 2, [&] { return AnyGrouping(depth, false); });
    if (Chance(5)) select.having = AnyExpression(depth);
    if (Chance(6)) select.windows = {NamedWindow{Name(), Window(depth)}};
    if (Chance(6)) select.qualify = AnyExpression(depth);
    return select;
  }

  RelationPtr AnyRelation(int depth) {
    if (depth > 0 && Chance(3)) return AnyJoin(depth - 1);
    if (depth > 0 && Chance(8)) return AnyMatch(depth - 1);
    return AnyOperand(depth);
  }

  RelationPtr AnyOperand(int depth) {
    Relation relation;
    switch (depth > 0 ? Below(8) : 0) {
      case 1:
        relation.node = DerivedTable{AnyQuery(depth - 1), Chance(3)};
        break;
      case 2:
        relation.node = TableFunction{PlainCall(depth - 1), Chance(2)};
        break;
      case 3:
        relation.node = Unnest{Expressions(1, 2, depth - 1), Chance(2)};
        break;
      case 4:
        relation.node = TableName{Path(), Hints(), AnyExpression(depth - 1)};
        break;
      default:
        relation.node = TableName{Path(), Hints(), nullptr};
    }
    return WithAlias(std::move(relation));
  }

  RelationPtr WithAlias(Relation relation) {
    if (Chance(2)) {
      relation.alias = TableAlias{Name(), Some<Identifier>(0, 2, [&] { return Name(); })};
    }
    return MakePtr(std::move(relation));
  }

  RelationPtr AnyJoin(int depth) {
    Join join;
    join.kind = Pick<JoinKind>(5);
    join.left = AnyRelation(depth);
    join.right = AnyRelation(depth);
    if (join.kind != JoinKind::kCross) {
      join.natural = Chance(5);
      if (!join.natural && Chance(3)) {
        join.using_columns = {Name()};
      } else if (!join.natural) {
        join.condition = AnyExpression(depth);
      }
    }
    Relation relation;
    relation.node = std::move(join);
    return MakePtr(std::move(relation));
  }

  Ptr<Pattern> AnyPattern(int depth) {
    Pattern pattern;
    pattern.kind = depth > 0 ? Pick<PatternKind>(9) : PatternKind::kVariable;
    const auto children = [&](size_t min, size_t max) {
      pattern.children = Some<Ptr<Pattern>>(min, max, [&] { return AnyPattern(depth - 1); });
    };
    switch (pattern.kind) {
      case PatternKind::kVariable:
        pattern.variable = Name();
        break;
      case PatternKind::kSequence:
      case PatternKind::kAlternation:
        children(2, 3);
        break;
      case PatternKind::kPermute:
        children(1, 3);
        break;
      case PatternKind::kExclusion:
        children(1, 1);
        break;
      case PatternKind::kQuantified:
        children(1, 1);
        pattern.min = static_cast<int>(Below(3));
        if (Chance(2)) pattern.max = pattern.min + static_cast<int>(Below(3));
        pattern.reluctant = Chance(2);
        break;
      default:
        break;
    }
    return MakePtr(std::move(pattern));
  }

  RelationPtr AnyMatch(int depth) {
    MatchRecognize match;
    match.input = AnyOperand(depth);
    const auto named = [&] { return NamedExpression{Name(), AnyExpression(depth)}; };
    if (Chance(2)) match.partition_by = Expressions(1, 2, depth);
    if (Chance(2)) match.order_by = Order(depth);
    if (Chance(2)) match.measures = Some<NamedExpression>(1, 2, named);
    match.rows = Pick<MatchRecognize::Rows>(5);
    match.skip = Pick<MatchRecognize::Skip>(4);
    if (match.skip >= MatchRecognize::kToFirst) match.skip_to = Name();
    match.pattern = AnyPattern(3);
    if (Chance(2)) match.within = AnyExpression(depth);
    if (Chance(3)) match.subsets = {{Name(), {Name(), Name()}}};
    match.definitions = Some<NamedExpression>(1, 2, named);
    Relation relation;
    relation.node = std::move(match);
    return WithAlias(std::move(relation));
  }

  ColumnDefinition Column() {
    ColumnDefinition column;
    column.name = Name();
    column.kind = Pick<ColumnDefinition::Kind>(3);
    if (Chance(3)) column.comment = Text();
    if (column.kind == ColumnDefinition::kComputed) {
      column.expression = AnyExpression(2);
      return column;
    }
    column.type = Type(2);
    if (column.kind == ColumnDefinition::kMetadata) {
      if (Chance(2)) column.metadata_key = Text();
      column.is_virtual = Chance(2);
    }
    return column;
  }

  CreateTable Table() {
    CreateTable table;
    table.temporary = Chance(3);
    table.if_not_exists = Chance(3);
    table.name = Path();
    table.columns = Some<ColumnDefinition>(1, 4, [&] { return Column(); });
    if (Chance(2)) table.watermark = WatermarkDefinition{Path(), AnyExpression(2)};
    if (Chance(2)) {
      table.primary_key = PrimaryKey{{}, {Name(), Name()}};
      if (Chance(2)) table.primary_key->name = Name();
    }
    if (Chance(3)) table.comment = Text();
    if (Chance(4)) table.distribution = Distribution{Distribution::kHash, {Name()}, 4};
    if (Chance(3)) table.partitioned_by = {Name()};
    if (Chance(2)) table.options = OptionList();
    if (Chance(4)) {
      table.like = LikeClause{Path(), {{LikeClause::kExcluding, LikeClause::kOptions}}};
    } else if (Chance(4)) {
      table.query = AnyQuery(2);
    }
    return table;
  }

  CreateModel Model() {
    CreateModel model;
    model.temporary = Chance(3);
    model.if_not_exists = Chance(3);
    model.name = Path();
    const auto column = [&] { return ModelColumn{Name(), Type(2), Text()}; };
    if (Chance(2)) model.inputs = Some<ModelColumn>(1, 3, column);
    if (Chance(2)) model.outputs = Some<ModelColumn>(1, 3, column);
    if (Chance(3)) model.comment = Text();
    model.options = OptionList();
    if (Chance(4)) model.query = AnyQuery(2);
    return model;
  }

  Insert AnyInsert() {
    Insert insert;
    insert.overwrite = Chance(3);
    insert.table = Path();
    insert.hints = Hints();
    if (Chance(3)) insert.partition = {{Name(), Leaf()}};
    insert.columns = Some<Identifier>(0, 2, [&] { return Name(); });
    insert.query = AnyQuery(3);
    return insert;
  }

  AlterAction Action() {
    switch (Below(8)) {
      case 0:
        return SetOptions{OptionList()};
      case 1:
        return ResetOptions{{"a", "it's"}};
      case 2:
        return RenameTo{Path()};
      case 3:
        return RenameColumn{Name(), Name()};
      case 4:
        return DropColumns{{Name(), Name()}};
      case 5:
        return DropPrimaryKey{Name()};
      case 6:
        return DropWatermark{};
      default: {
        ChangeSchema change;
        change.modify = Chance(2);
        change.columns = Some<ChangeSchema::ColumnChange>(1, 3, [&] {
          ChangeSchema::ColumnChange column{Column(), Chance(3), {}};
          if (!column.first && Chance(2)) column.after = Name();
          return column;
        });
        if (Chance(2)) change.watermark = WatermarkDefinition{Path(), AnyExpression(2)};
        return change;
      }
    }
  }

  StatementNode Node() {
    switch (Below(16)) {
      case 0:
        return Table();
      case 1:
        return Model();
      case 2:
        return CreateView{Chance(2),
                          Chance(2),
                          Chance(2),
                          Path(),
                          Some<ViewColumn>(0, 2, [&] { return ViewColumn{Name(), Text()}; }),
                          Text(),
                          AnyQuery(3)};
      case 3:
        return CreateFunction{false,
                              false,
                              Chance(2),
                              Path(),
                              Text(),
                              Pick<FunctionLanguage>(6),
                              Some<std::string>(0, 2, [&] { return Text(); }),
                              OptionList()};
      case 4:
        return Drop{Pick<ObjectKind>(4), Chance(2), false, Chance(2), Path()};
      case 5:
        return Alter{ObjectKind::kTable, false, false, Chance(2), Path(), Action()};
      case 6:
        return AnyInsert();
      case 7: {
        StatementSet set;
        set.inserts = Some<StatementPtr>(1, 3, [&] {
          Statement insert;
          insert.node = AnyInsert();
          if (Chance(3)) insert.trailing_comment = "-- behind";
          return MakePtr(std::move(insert));
        });
        return set;
      }
      case 8: {
        Explain explain{{Explain::kChangelogMode, Explain::kPlanAdvice}, Chance(2), nullptr};
        Statement inner;
        inner.node = Selection{AnyQuery(2)};
        explain.statement = MakePtr(std::move(inner));
        return explain;
      }
      case 9:
        return Describe{Pick<ObjectKind>(6), Chance(2), Path()};
      case 10:
        return Show{ShowKind::kTables, Path(), Text(), Chance(2), Chance(2)};
      case 11:
        return SetOption{Text(), Text()};
      default:
        return Selection{AnyQuery(4)};
    }
  }

  std::mt19937_64 random_;
};

TEST(RandomTree, ExpressionsAreReadBackAsTheyWere) {
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    const ExpressionPtr tree = Generator(seed).AnyExpression(1 + static_cast<int>(seed % 5));
    const std::string sql = Print(*tree);
    const Result<ExpressionPtr> parsed = ParseExpression(sql);
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << "\n" << DescribeIn(parsed.status(), sql);
    ASSERT_TRUE(*tree == **parsed) << "seed " << seed << "\n" << sql << "\n" << Print(**parsed);
    ASSERT_EQ(Print(**parsed), sql) << "seed " << seed;
  }
}

TEST(RandomTree, StatementsAreReadBackAsTheyWere) {
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    const std::vector<StatementPtr> tree = {Generator(seed).AnyStatement()};
    const std::string sql = PrintScript(tree);
    const auto parsed = ParseScript(sql);
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << "\n" << sql << DescribeIn(parsed.status(), sql);
    ASSERT_TRUE(tree == *parsed) << "seed " << seed << "\n" << sql << "\n" << PrintScript(*parsed);
    ASSERT_EQ(PrintScript(*parsed), sql) << "seed " << seed;
  }
}

}  // namespace
}  // namespace millrace::syntax
