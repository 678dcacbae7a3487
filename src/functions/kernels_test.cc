#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expr/cast.h"
#include "expr/evaluator.h"
#include "functions/register.h"
#include "spi/services.h"

namespace millrace {
namespace {

const Registries& Functions() {
  static const Registries* const kRegistries = [] {
    auto* registries = new Registries();
    RegisterFunctions(*registries);
    return registries;
  }();
  return *kRegistries;
}

ExpressionPtr Text(const std::string& value) {
  return Expression::Literal(value, SqlType::String().AsNotNull());
}
ExpressionPtr Int(int64_t value) { return Expression::Literal(value, SqlType::Int().AsNotNull()); }
ExpressionPtr Real(double value) {
  return Expression::Literal(value, SqlType::Double().AsNotNull());
}
ExpressionPtr Null(SqlType type) { return Expression::Literal({}, std::move(type)); }
ExpressionPtr Cast(ExpressionPtr value, const SqlType& type) {
  return Expression::Call("CAST", {std::move(value)}, type);
}
ExpressionPtr Of(const std::string& text, const SqlType& type) { return Cast(Text(text), type); }

/// A call bound as the planner does it: arguments cast to what the function takes.
Result<ExpressionPtr> Bind(const std::string& function, std::vector<ExpressionPtr> arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto* spec, Functions().functions.Get(function));
  std::vector<SqlType> types;
  std::vector<ExpressionPtr> literals;
  for (const auto& argument : arguments) {
    types.push_back(argument->type);
    literals.push_back(argument->IsLiteral() ? argument : nullptr);
  }
  ARROW_ASSIGN_OR_RAISE(const BoundFunction bound, spec->bind(types, literals));
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i]->type.EqualsIgnoringNullability(bound.argument_types[i])) continue;
    if (arguments[i]->type.is_string() && bound.argument_types[i].is_string()) continue;
    arguments[i] = Cast(arguments[i], bound.argument_types[i]);
  }
  return Expression::Call(spec->name, std::move(arguments), bound.type);
}

uint64_t Seven(void*) { return 7; }

/// The value as CAST(… AS STRING) prints it, or "error: …".
std::string Value(const Result<ExpressionPtr>& expression, const std::string& zone = "UTC") {
  if (!expression.ok()) return "error: " + expression.status().message();
  EvalContext context;
  context.time_zone = zone;
  context.now_us = 1'700'000'000'123'456;
  context.random = Seven;
  const auto value = EvaluateConstant(Cast(*expression, SqlType::String()), Functions(), context);
  if (!value.ok()) return "error: " + value.status().message();
  const auto& text = static_cast<const arrow::StringArray&>(*value->array);
  return text.IsNull(0) ? "NULL" : text.GetString(0);
}

std::string CallText(const std::string& function, std::vector<ExpressionPtr> arguments) {
  return Value(Bind(function, std::move(arguments)));
}

struct Case {
  std::string function;
  std::vector<ExpressionPtr> arguments;
  std::string expected;
};

class FunctionTest : public testing::TestWithParam<Case> {};
TEST_P(FunctionTest, Gives) {
  EXPECT_EQ(CallText(GetParam().function, GetParam().arguments), GetParam().expected);
}

const SqlType kTs = SqlType::Timestamp(3);
const SqlType kDay = SqlType::Date();
ExpressionPtr Months(int64_t n) {
  return Expression::Literal(n, SqlType::IntervalYearMonth().AsNotNull());
}
ExpressionPtr Micros(int64_t n) {
  return Expression::Literal(n, SqlType::IntervalDayTime().AsNotNull());
}
ExpressionPtr Dec(const std::string& digits, int p, int s) {
  return Expression::Literal(digits, SqlType::Decimal(p, s).AsNotNull());
}

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, FunctionTest,
    testing::Values(
        Case{"+", {Int(2147483647), Int(1)}, "-2147483648"}, Case{"/", {Int(7), Int(2)}, "3"},
        Case{"/", {Int(7), Int(0)}, "error: division by zero"}, Case{"%", {Int(-7), Int(4)}, "-3"},
        Case{"MOD", {Int(7), Int(4)}, "3"}, Case{"/", {Real(1), Real(0)}, "Infinity"},
        Case{"*", {Int(3), Real(0.5)}, "1.5"}, Case{"+", {Dec("1.50", 3, 2), Int(2)}, "3.50"},
        // Recorded from Python's decimal with ROUND_HALF_UP at the result's scale.
        Case{"/", {Dec("10.00", 4, 2), Dec("3", 1, 0)}, "3.333333"},
        Case{"/", {Dec("2.00", 3, 2), Dec("3.0", 2, 1)}, "0.666667"},
        Case{"*", {Dec("-12.345", 5, 3), Dec("6.7", 2, 1)}, "-82.7115"},
        Case{"%", {Dec("-7.50", 3, 2), Dec("2", 1, 0)}, "-1.50"},
        Case{"*",
             {Dec("99999999999999999999", 20, 0), Dec("9999999999999999999999", 22, 0)},
             "NULL"},
        Case{"ABS", {Dec("-1.5", 2, 1)}, "1.5"}, Case{"SIGN", {Real(-2)}, "-1.0"},
        Case{"FLOOR", {Dec("-1.5", 2, 1)}, "-2"}, Case{"CEIL", {Real(1.2)}, "2.0"},
        Case{"ROUND", {Dec("2.345", 4, 3), Int(2)}, "2.35"}, Case{"ROUND", {Real(2.5)}, "3.0"},
        Case{"ROUND", {Real(-1.005), Int(2)}, "-1.01"}, Case{"ROUND", {Int(155), Int(-1)}, "160"},
        Case{"TRUNCATE", {Real(42.345), Int(2)}, "42.34"},
        Case{"POWER", {Int(2), Int(10)}, "1024.0"}, Case{"LOG", {Int(2), Int(8)}, "3.0"},
        Case{"PI", {}, "3.141592653589793"}, Case{"RAND_INTEGER", {Int(10)}, "0"},
        Case{"GREATEST", {Int(1), Int(3), Int(2)}, "3"}, Case{"LEAST", {Text("b"), Text("a")}, "a"},
        Case{"NEGATE", {Int(5)}, "-5"}));

INSTANTIATE_TEST_SUITE_P(
    Comparison, FunctionTest,
    testing::Values(Case{"=", {Text("a"), Text("a")}, "TRUE"},
                    Case{"<", {Dec("1.5", 2, 1), Int(2)}, "TRUE"},
                    Case{">", {Of("2024-01-02", kDay), Text("2024-01-01")}, "TRUE"},
                    Case{"IN", {Int(2), Int(1), Int(2)}, "TRUE"},
                    Case{"IN", {Int(3), Int(1), Null(SqlType::Int())}, "NULL"},
                    Case{"IS DISTINCT FROM", {Text("a"), Null(SqlType::String())}, "TRUE"},
                    Case{"IS NOT NULL", {Text("a")}, "TRUE"},
                    Case{"IS NULL", {Null(SqlType::Int())}, "TRUE"},
                    Case{"AND",
                         {Null(SqlType::Boolean()), Expression::Literal(false, SqlType::Boolean())},
                         "FALSE"},
                    Case{"OR",
                         {Null(SqlType::Boolean()), Expression::Literal(false, SqlType::Boolean())},
                         "NULL"},
                    Case{"IS NOT TRUE", {Null(SqlType::Boolean())}, "TRUE"},
                    Case{"LIKE", {Text("Millrace"), Text("M_ll%e")}, "TRUE"},
                    Case{"LIKE", {Text("a%b"), Text("a!%b"), Text("!")}, "TRUE"},
                    Case{"LIKE", {Text("axb"), Text("a!%b"), Text("!")}, "FALSE"},
                    Case{"LIKE", {Text("äb"), Text("_b")}, "TRUE"},
                    Case{"SIMILAR TO", {Text("abc"), Text("a(b|x)%")}, "TRUE"},
                    Case{"REGEXP", {Text("abc"), Text("b.")}, "TRUE"}));

INSTANTIATE_TEST_SUITE_P(
    Texts, FunctionTest,
    testing::Values(
        Case{"CHAR_LENGTH", {Text("Wärme")}, "5"}, Case{"UPPER", {Text("abc")}, "ABC"},
        Case{"INITCAP", {Text("hello world")}, "Hello World"}, Case{"TRIM", {Text("  a ")}, "a"},
        Case{"BTRIM", {Text("xax"), Text("x")}, "a"}, Case{"LTRIM", {Text("  a ")}, "a "},
        Case{"LPAD", {Text("7"), Int(3), Text("0")}, "007"},
        Case{"RPAD", {Text("abc"), Int(2), Text("0")}, "ab"},
        Case{"REPEAT", {Text("ab"), Int(2)}, "abab"},
        Case{"REPLACE", {Text("abcb"), Text("b"), Text("x")}, "axcx"},
        Case{"REVERSE", {Text("aäb")}, "bäa"},
        Case{"SUBSTRING", {Text("Millrace"), Int(5)}, "race"},
        Case{"SUBSTRING", {Text("Millrace"), Int(-4), Int(2)}, "ra"},
        Case{"LEFT", {Text("abc"), Int(2)}, "ab"}, Case{"RIGHT", {Text("abc"), Int(2)}, "bc"},
        Case{"POSITION", {Text("b"), Text("abc")}, "2"},
        Case{"LOCATE", {Text("b"), Text("bab"), Int(2)}, "3"},
        Case{"INSTR", {Text("abc"), Text("x")}, "0"},
        Case{"OVERLAY", {Text("xxxxxtest"), Text("yyyy"), Int(6)}, "xxxxxyyyy"},
        Case{"OVERLAY", {Text("xxxxxtest"), Text("yyyy"), Int(6), Int(2)}, "xxxxxyyyyst"},
        Case{"CONCAT", {Text("a"), Text("b"), Text("c")}, "abc"},
        Case{"||", {Text("a"), Null(SqlType::String())}, "NULL"},
        Case{"CONCAT_WS", {Text("-"), Text("a"), Null(SqlType::String()), Text("b")}, "a-b"},
        Case{"SPLIT_INDEX", {Text("a,b,c"), Text(","), Int(1)}, "b"},
        Case{"SPLIT_INDEX", {Text("a"), Text(","), Int(1)}, "NULL"},
        Case{"REGEXP_EXTRACT", {Text("foothebar"), Text("foo(.*?)(bar)"), Int(2)}, "bar"},
        Case{"REGEXP_EXTRACT", {Text("x"), Text("y")}, "NULL"},
        Case{"REGEXP_REPLACE", {Text("foobar"), Text("oo|ar"), Text("")}, "fb"},
        Case{"REGEXP_REPLACE", {Text("ab"), Text("(a)(b)"), Text("$2$1")}, "ba"},
        Case{"TRANSLATE", {Text("abc"), Text("ab"), Text("x")}, "xc"},
        Case{"ASCII", {Text("abc")}, "97"}, Case{"CHR", {Int(97)}, "a"},
        Case{"MD5", {Text("")}, "d41d8cd98f00b204e9800998ecf8427e"},
        Case{"SHA1", {Text("abc")}, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        Case{"TO_BASE64", {Text("hello world")}, "aGVsbG8gd29ybGQ="},
        Case{"FROM_BASE64", {Text("aGVsbG8gd29ybGQ=")}, "hello world"},
        Case{"HEX", {Text("hello")}, "68656C6C6F"}, Case{"HEX", {Int(255)}, "FF"},
        Case{"UNHEX", {Text("466C696E6B")}, "Flink"},
        Case{"STARTSWITH", {Text("abc"), Text("ab")}, "TRUE"},
        Case{"IS_DECIMAL", {Text("-1.5")}, "TRUE"}, Case{"IS_DIGIT", {Text("1a")}, "FALSE"}));

INSTANTIATE_TEST_SUITE_P(
    Times, FunctionTest,
    testing::Values(
        Case{"EXTRACT", {Text("DAY"), Of("2006-06-05", kDay)}, "5"},
        Case{"EXTRACT", {Text("EPOCH"), Of("1970-01-02", kDay)}, "86400"},
        Case{"WEEK", {Of("2021-01-03", kDay)}, "53"},
        Case{"DAYOFWEEK", {Of("1994-09-27", kDay)}, "3"},
        Case{"QUARTER", {Of("1994-09-27", kDay)}, "3"},
        Case{"FLOOR", {Of("2018-03-25 10:31:12", kTs), Text("MINUTE")}, "2018-03-25 10:31:00.000"},
        Case{"CEIL", {Of("2018-03-25 10:31:12", kTs), Text("MONTH")}, "2018-04-01 00:00:00.000"},
        Case{"TIMESTAMPADD", {Text("WEEK"), Int(1), Of("2003-01-02", kDay)}, "2003-01-09"},
        Case{"TIMESTAMPADD", {Text("MONTH"), Int(1), Of("2024-01-31", kDay)}, "2024-02-29"},
        Case{"TIMESTAMPDIFF",
             {Text("DAY"), Of("2003-01-02 10:00:00", kTs), Of("2003-01-03 10:00:00", kTs)},
             "1"},
        Case{"TIMESTAMPDIFF", {Text("MONTH"), Of("2003-01-31", kDay), Of("2003-02-27", kDay)}, "0"},
        Case{"TIMESTAMPDIFF",
             {Text("MONTH"), Of("2024-12-28 00:00:00", kTs), Of("2024-02-28 23:06:13", kTs)},
             "-10"},
        Case{"+", {Of("2024-01-31", kDay), Months(1)}, "2024-02-29"},
        Case{"-", {Of("2024-01-01 00:00:00", kTs), Micros(1'000'000)}, "2023-12-31 23:59:59.000"},
        Case{"+", {Micros(1'000'000), Micros(500'000)}, "+0 00:00:01.500"},
        Case{"*", {Months(7), Int(2)}, "+1-02"},
        Case{"DATE_FORMAT",
             {Of("2024-03-01 10:20:30", kTs), Text("yyyyMMdd HH:mm")},
             "20240301 10:20"},
        Case{"TO_DATE", {Text("2024-03-01")}, "2024-03-01"},
        Case{"TO_DATE", {Text("01.03.2024"), Text("dd.MM.yyyy")}, "2024-03-01"},
        Case{"TO_TIMESTAMP", {Text("2024-03-01 10:20:30")}, "2024-03-01 10:20:30.000"},
        Case{"TO_TIMESTAMP", {Text("no")}, "NULL"},
        Case{"TO_TIMESTAMP_LTZ", {Int(1000), Int(3)}, "1970-01-01 00:00:01.000"},
        Case{"FROM_UNIXTIME", {Int(44)}, "1970-01-01 00:00:44"},
        Case{"UNIX_TIMESTAMP", {Text("1970-01-01 00:00:44")}, "44"},
        Case{"UNIX_TIMESTAMP", {}, "1700000000"},
        Case{"CONVERT_TZ",
             {Text("1970-01-01 00:00:00"), Text("UTC"), Text("America/Los_Angeles")},
             "1969-12-31 16:00:00"},
        Case{"CURRENT_TIMESTAMP", {}, "2023-11-14 22:13:20.123"},
        Case{"CURRENT_DATE", {}, "2023-11-14"}, Case{"CURRENT_WATERMARK", {}, "NULL"}));

ExpressionPtr Call(const std::string& function, std::vector<ExpressionPtr> arguments) {
  return Bind(function, std::move(arguments)).ValueOrDie();
}
ExpressionPtr Ints(std::vector<int64_t> values) {
  std::vector<ExpressionPtr> literals;
  for (const int64_t value : values) literals.push_back(Int(value));
  return Call("ARRAY", std::move(literals));
}

struct Lazy {
  std::string function;
  std::function<std::vector<ExpressionPtr>()> arguments;
  std::string expected;
};
class CollectionTest : public testing::TestWithParam<Lazy> {};
TEST_P(CollectionTest, Gives) {
  EXPECT_EQ(CallText(GetParam().function, GetParam().arguments()), GetParam().expected);
}

ExpressionPtr SampleMap() { return Call("MAP", {Text("a"), Int(1), Text("b"), Int(2)}); }
INSTANTIATE_TEST_SUITE_P(
    Collections, CollectionTest,
    testing::Values(
        Lazy{"ROW", [] { return std::vector{Int(1), Text("a")}; }, "(1, a)"},
        Lazy{"ARRAY", [] { return std::vector{Int(1), Int(2)}; }, "[1, 2]"},
        Lazy{"MAP", [] { return std::vector{Text("a"), Int(1)}; }, "{a=1}"},
        Lazy{"ITEM", [] { return std::vector{Ints({10, 20}), Int(2)}; }, "20"},
        Lazy{"ITEM", [] { return std::vector{Ints({10}), Int(2)}; }, "NULL"},
        Lazy{"ITEM", [] { return std::vector{SampleMap(), Text("b")}; }, "2"},
        Lazy{"CARDINALITY", [] { return std::vector{Ints({1, 2, 3})}; }, "3"},
        Lazy{"FIELD", [] { return std::vector{Call("ROW", {Int(1), Text("a")}), Int(1)}; }, "a"},
        Lazy{"ELEMENT", [] { return std::vector{Ints({7})}; }, "7"},
        Lazy{"ARRAY_CONTAINS", [] { return std::vector{Ints({1, 2}), Int(2)}; }, "TRUE"},
        Lazy{"ARRAY_POSITION", [] { return std::vector{Ints({5, 7}), Int(9)}; }, "0"},
        Lazy{"ARRAY_DISTINCT", [] { return std::vector{Ints({1, 2, 1})}; }, "[1, 2]"},
        Lazy{"ARRAY_REVERSE", [] { return std::vector{Ints({1, 2})}; }, "[2, 1]"},
        Lazy{"ARRAY_SLICE", [] { return std::vector{Ints({1, 2, 3}), Int(-2)}; }, "[2, 3]"},
        Lazy{"MAP_KEYS", [] { return std::vector{SampleMap()}; }, "[a, b]"},
        Lazy{"MAP_VALUES", [] { return std::vector{SampleMap()}; }, "[1, 2]"},
        Lazy{"MAP_ENTRIES", [] { return std::vector{SampleMap()}; }, "[(a, 1), (b, 2)]"}));

TEST(Casts, Matrix) {
  struct Row {
    ExpressionPtr value;
    SqlType type;
    std::string expected;
  };
  const std::vector<Row> rows{
      {Real(1e7), SqlType::String(), "1.0E7"},
      {Real(0.001), SqlType::String(), "0.001"},
      {Real(123456.5), SqlType::String(), "123456.5"},
      {Real(1e10), SqlType::Int(), "2147483647"},
      {Real(-1.9), SqlType::Int(), "-1"},
      {Int(300), SqlType::TinyInt(), "44"},
      {Text(" 42 "), SqlType::Int(), "42"},
      {Text("42.9"), SqlType::Int(), "42"},
      {Text("x"), SqlType::Int(), "error: cannot cast 'x' to INT"},
      {Text("3000000000"), SqlType::Int(), "error: cannot cast '3000000000' to INT"},
      {Text("1e3"), SqlType::Double(), "1000.0"},
      {Text("yes"), SqlType::Boolean(), "TRUE"},
      {Text("1.005"), SqlType::Decimal(5, 2), "1.01"},
      {Text("12345"), SqlType::Decimal(4, 0), "NULL"},
      {Int(5), SqlType::Decimal(5, 2), "5.00"},
      {Dec("-1.50", 3, 2), SqlType::Int(), "-1"},
      {Dec("1.55", 3, 2), SqlType::Decimal(3, 1), "1.6"},
      {Real(0.125), SqlType::Decimal(5, 2), "0.13"},
      {Int(1), SqlType::Boolean(), "TRUE"},
      {Text("abc"), SqlType::VarChar(2), "ab"},
      {Text("a"), SqlType::Char(3), "a  "},
      {Text("2024-02-30"), kDay, "error: cannot cast '2024-02-30' to DATE"},
      {Text("2024-01-01"), kTs, "2024-01-01 00:00:00.000"},
      {Of("2024-01-01 12:30:00.125", kTs), SqlType::Time(0), "12:30:00"},
      {Of("2024-01-01 12:30:00", kTs), kDay, "2024-01-01"},
      {Text("1969-12-31 23:59:59.5"), kTs, "1969-12-31 23:59:59.500"},
      {Int(14), SqlType::IntervalYearMonth(), "+1-02"}};
  for (const Row& row : rows) {
    EXPECT_EQ(Value(Cast(row.value, row.type)), row.expected) << row.type.ToString();
  }
  EXPECT_EQ(Value(Expression::Call("TRY_CAST", {Text("x")}, SqlType::Int())), "NULL");
  // The session's zone: Berlin left winter time at 02:00, so 02:30 does not exist and moves on.
  const SqlType ltz = SqlType::TimestampLtz(0);
  EXPECT_EQ(Value(Cast(Of("2024-03-31 02:30:00", ltz), SqlType::String()), "Europe/Berlin"),
            "2024-03-31 03:30:00");
  EXPECT_EQ(Value(Cast(Of("2024-07-01T12:00:00Z", ltz), SqlType::String()), "Europe/Berlin"),
            "2024-07-01 14:00:00");
}

TEST(Binding, ErrorsNameArgumentTypeAndCast) {
  const auto status = Bind("SUBSTRING", {Text("a"), Text("1")}).status();
  EXPECT_EQ(status.message(), "argument 2 (start) of SUBSTRING must be INT, but is STRING");
  EXPECT_EQ(InfoOf(status).hint, "write CAST(… AS INT)");
  EXPECT_EQ(Bind("ABS", {}).status().message(), "ABS takes 1 argument, but has 0");
}

TEST(Register, EveryFunctionIsDocumented) {
  const auto specs = Functions().functions.All();
  EXPECT_GE(specs.size(), 110U);
  for (const auto* spec : specs)
    EXPECT_FALSE(spec->doc.empty() || spec->syntax.empty()) << spec->name;
}

}  // namespace
}  // namespace millrace
