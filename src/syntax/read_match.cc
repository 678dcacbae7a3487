#include <limits>
#include <utility>

#include "syntax/read_expression.h"
#include "syntax/read_query.h"

namespace millrace::syntax {
namespace {

constexpr int64_t kMaxRepeats = std::numeric_limits<int>::max();

Ptr<Pattern> MakePattern(PatternKind kind, std::vector<Ptr<Pattern>> children, const Position& at) {
  Pattern pattern;
  pattern.kind = kind;
  pattern.children = std::move(children);
  pattern.position = at;
  return MakePtr(std::move(pattern));
}

Ptr<Pattern> ReadPatternOperand(Cursor& cursor) {
  const Position at = cursor.place();
  if (cursor.Accept("^")) return MakePattern(PatternKind::kStart, {}, at);
  if (cursor.Accept("$")) return MakePattern(PatternKind::kEnd, {}, at);
  if (cursor.Accept("{ -")) {
    Ptr<Pattern> excluded = ReadPattern(cursor);
    cursor.Expect("- }");
    return MakePattern(PatternKind::kExclusion, {std::move(excluded)}, at);
  }
  if (cursor.Is("PERMUTE (")) {
    cursor.Take();
    return MakePattern(PatternKind::kPermute, ReadParenthesized(cursor, ReadPattern), at);
  }
  if (cursor.Accept("(")) {
    if (cursor.Accept(")")) return MakePattern(PatternKind::kEmpty, {}, at);
    Ptr<Pattern> inner = ReadPattern(cursor);
    cursor.Expect(")");
    return inner;
  }
  Pattern variable;
  variable.kind = PatternKind::kVariable;
  variable.position = at;
  variable.variable = cursor.ReadName(kPatternVariable);
  return MakePtr(std::move(variable));
}

/// `{n}`, `{n,}`, `{,m}`, `{n,m}`, behind the opening brace.
void ReadRepeats(Cursor& cursor, Pattern* quantified) {
  const Position at = cursor.place();
  const bool no_min = cursor.Accept(",");
  quantified->min = no_min ? 0 : static_cast<int>(cursor.ReadWholeNumber(kMaxRepeats));
  const bool range = no_min || cursor.Accept(",");
  if (!range) quantified->max = quantified->min;
  if (range && (no_min || !cursor.Is("}"))) {
    quantified->max = static_cast<int>(cursor.ReadWholeNumber(kMaxRepeats));
  }
  if (quantified->max && *quantified->max < quantified->min) {
    cursor.FailAt(at, "the pattern repeats at most " + std::to_string(*quantified->max) +
                          " times and at least " + std::to_string(quantified->min) + " times");
  }
  cursor.Expect("}");
}

Ptr<Pattern> ReadQuantified(Cursor& cursor) {
  Ptr<Pattern> operand = ReadPatternOperand(cursor);
  Pattern quantified;
  quantified.kind = PatternKind::kQuantified;
  quantified.position = cursor.place();
  if (cursor.Accept("*")) {
    quantified.min = 0;
  } else if (cursor.Accept("+")) {
    quantified.min = 1;
  } else if (cursor.Accept("?")) {
    quantified.min = 0;
    quantified.max = 1;
  } else if (!cursor.Is("{ -") && cursor.Accept("{")) {
    ReadRepeats(cursor, &quantified);
  } else {
    return operand;
  }
  quantified.reluctant = cursor.Accept("?");
  quantified.children.push_back(std::move(operand));
  return MakePtr(std::move(quantified));
}

Ptr<Pattern> ReadSequence(Cursor& cursor) {
  const Position at = cursor.place();
  std::vector<Ptr<Pattern>> items;
  do {
    items.push_back(ReadQuantified(cursor));
  } while (cursor.IsName() || cursor.Is("(") || cursor.Is("{ -") || cursor.Is("^") ||
           cursor.Is("$"));
  if (items.size() == 1) return items.front();
  return MakePattern(PatternKind::kSequence, std::move(items), at);
}

void ReadRowsPerMatch(Cursor& cursor, MatchRecognize* match) {
  if (cursor.Accept("ONE ROW PER MATCH") || !cursor.Accept("ALL ROWS PER MATCH")) return;
  match->rows = MatchRecognize::kAllRows;
  if (cursor.Accept("SHOW EMPTY MATCHES")) match->rows = MatchRecognize::kAllRowsShowEmpty;
  if (cursor.Accept("OMIT EMPTY MATCHES")) match->rows = MatchRecognize::kAllRowsOmitEmpty;
  if (cursor.Accept("WITH UNMATCHED ROWS")) match->rows = MatchRecognize::kAllRowsWithUnmatched;
}

void ReadSkip(Cursor& cursor, MatchRecognize* match) {
  if (!cursor.Accept("AFTER MATCH SKIP")) return;
  if (cursor.Accept("PAST LAST ROW")) return;
  if (cursor.Accept("TO NEXT ROW")) {
    match->skip = MatchRecognize::kToNextRow;
    return;
  }
  cursor.Expect("TO");
  match->skip = MatchRecognize::kToLast;
  // A variable may be called FIRST or LAST.
  const bool is_name_next = cursor.IsName(1) && !cursor.Is("PATTERN (", 1);
  if (is_name_next && cursor.Accept("FIRST")) {
    match->skip = MatchRecognize::kToFirst;
  } else if (is_name_next) {
    cursor.Accept("LAST");
  }
  match->skip_to = cursor.ReadName(kPatternVariable);
}

NamedExpression ReadMeasure(Cursor& cursor) {
  NamedExpression measure;
  measure.expression = ReadExpression(cursor);
  cursor.Expect("AS");
  measure.name = cursor.ReadName(kAliasName);
  return measure;
}

NamedExpression ReadDefinition(Cursor& cursor) {
  NamedExpression definition;
  definition.name = cursor.ReadName(kPatternVariable);
  cursor.Expect("AS");
  definition.expression = ReadExpression(cursor);
  return definition;
}

MatchRecognize::Subset ReadSubset(Cursor& cursor) {
  MatchRecognize::Subset subset;
  subset.name = cursor.ReadName(kPatternVariable);
  cursor.Expect("=");
  subset.variables = cursor.ReadNames(kPatternVariable);
  return subset;
}

}  // namespace

Ptr<Pattern> ReadPattern(Cursor& cursor) {
  const Cursor::Level level(cursor);
  const Position at = cursor.place();
  std::vector<Ptr<Pattern>> choices;
  do {
    choices.push_back(ReadSequence(cursor));
  } while (cursor.Accept("|"));
  if (choices.size() == 1) return choices.front();
  return MakePattern(PatternKind::kAlternation, std::move(choices), at);
}

RelationPtr ReadMatchRecognize(Cursor& cursor, RelationPtr input) {
  const Position at = cursor.place();
  cursor.Expect("MATCH_RECOGNIZE");
  cursor.Expect("(");
  MatchRecognize match;
  match.input = std::move(input);
  if (cursor.Accept("PARTITION BY")) match.partition_by = ReadExpressions(cursor);
  if (cursor.Accept("ORDER BY")) match.order_by = ReadList(cursor, ReadOrderItem);
  if (cursor.Accept("MEASURES")) match.measures = ReadList(cursor, ReadMeasure);
  ReadRowsPerMatch(cursor, &match);
  ReadSkip(cursor, &match);
  cursor.Expect("PATTERN");
  cursor.Expect("(");
  match.pattern = ReadPattern(cursor);
  cursor.Expect(")");
  if (cursor.Accept("WITHIN")) match.within = ReadExpression(cursor);
  if (cursor.Accept("SUBSET")) match.subsets = ReadList(cursor, ReadSubset);
  cursor.Expect("DEFINE");
  match.definitions = ReadList(cursor, ReadDefinition);
  cursor.Expect(")");
  Relation relation;
  relation.node = std::move(match);
  relation.position = at;
  return MakePtr(std::move(relation));
}

}  // namespace millrace::syntax
