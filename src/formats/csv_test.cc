#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"
#include "types/column_buffer.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

const Schema kTwo({{"a", SqlType::Int(), {}}, {"b", SqlType::String(), {}}});

ReadText ReadCsv(std::string_view text, const OptionMap& options = {}, const Schema& schema = kTwo,
                 std::vector<int> projection = {}) {
  auto decoder = DecoderOf("csv", schema, options, std::move(projection));
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  auto read = Read(**decoder, text);
  EXPECT_TRUE(read.ok()) << read.status();
  return std::move(read).ValueOrDie();
}

TEST(CsvTest, RecordsAndQuotes) {
  const struct {
    const char* what;
    std::string_view text;
    std::vector<std::string> rows, rejected;
    OptionMap options;
  } cases[] = {
      {"plain", "1,x\n2,y\n", {"1: 1|x", "2: 2|y"}, {}, {}},
      {"no last line break", "1,x\n2,y", {"1: 1|x", "2: 2|y"}, {}, {}},
      {"CRLF", "1,x\r\n\r\n2,y\r\n", {"1: 1|x", "3: 2|y"}, {}, {}},
      {"blank lines", "\n1,x\n\n\n2,y\n\n", {"2: 1|x", "5: 2|y"}, {}, {}},
      {"quotes", "1,\"x,\"\"y\"\"\"\n2,\"\"\n", {"1: 1|x,\"y\"", "2: 2|"}, {}, {}},
      {"quoted number", "\"1\",x\n", {"1: 1|x"}, {}, {}},
      {"line breaks in quotes",
       "1,\"x\ny\"\n2,\"\r\n\"\r\n3,z\n",
       {"1: 1|x\ny", "3: 2|\r\n", "5: 3|z"},
       {},
       {}},
      {"quote within a field", "1,x\"y\n", {"1: 1|x\"y"}, {}, {}},
      {"byte order mark",
       "\xEF\xBB\xBF"
       "1,x\n",
       {"1: 1|x"},
       {},
       {}},
      {"spaces around a number", " 1 , x \n", {"1: 1| x "}, {}, {}},
      {"empty fields", ",\n1,\n", {"1: null|", "2: 1|"}, {}, {}},
      {"NUL bytes", std::string_view("1,x\0y\n", 6), {"1: 1|" + std::string("x\0y", 3)}, {}, {}},
      {"UTF-8", "1,水轮机\n", {"1: 1|水轮机"}, {}, {}},
      {"too few", "1\n2,y\n", {"2: 2|y"}, {"1! 1 fields, expected 2 [1]"}, {}},
      {"too many", "1,x,z\r\n2,y\n", {"2: 2|y"}, {"1! 3 fields, expected 2 [1,x,z]"}, {}},
      {"not a number",
       "1,x\nabc,y\n2,z\n",
       {"1: 1|x", "3: 2|z"},
       {"2! column 1 `a`: 'abc' is not a INT [abc,y]"},
       {}},
      {"text after a quote",
       "1,\"x\"y\n2,z\n",
       {"2: 2|z"},
       {"1! text after the closing quote of field 2 [1,\"x\"y]"},
       {}},
      {"quote never closed",
       "1,\"x\n2,y\n3,z\n",
       {"2: 2|y", "3: 3|z"},
       {"1! the quote is never closed [1,\"x]"},
       {}},
      {"not UTF-8",
       "1,x\n2,\xff\n3,z\n",
       {"1: 1|x", "3: 3|z"},
       {"2! the text is not UTF-8 [2,\xff]"},
       {}},
      {"delimiter", "1;\"a;b\"\n", {"1: 1|a;b"}, {}, {{"field-delimiter", ";"}}},
      {"tab", "1\tx\n", {"1: 1|x"}, {}, {{"field-delimiter", "\\t"}}},
      {"quote character", "1,'a,''b'\n", {"1: 1|a,'b"}, {}, {{"quote-character", "'"}}},
      {"no quotes", "1,\"x\n", {"1: 1|\"x"}, {}, {{"disable-quote-character", "true"}}},
      {"escape",
       "1,a\\,b\n2,\"c\\\"d\"\n3,e\\\nf\n4,g\n",
       {"1: 1|a,b", "2: 2|c\"d", "3: 3|e\nf", "5: 4|g"},
       {},
       {{"escape-character", "\\"}}},
      {"comments", "#1,x\n2,y\n# z", {"2: 2|y"}, {}, {{"allow-comments", "true"}}},
      {"no comments", "#1,x\n", {}, {"1! column 1 `a`: '#1' is not a INT [#1,x]"}, {}},
      {"null literal",
       "n/a,n/a\n1,\"n/a\"\n",
       {"1: null|null", "2: 1|n/a"},
       {},
       {{"null-literal", "n/a"}}},
      {"empty null literal", "1,\n2,\"\"\n", {"1: 1|null", "2: 2|"}, {}, {{"null-literal", ""}}},
      {"no line breaks in values",
       "1,\"x\ny\"\n2,y\n",
       {"3: 2|y"},
       {"1! a line break within quotes, but 'csv.line-breaks-in-values' is false [1,\"x]",
        "2! 1 fields, expected 2 [y\"]"},
       {{"line-breaks-in-values", "false"}}},
  };
  for (const auto& test : cases) {
    const auto read = ReadCsv(test.text, test.options);
    EXPECT_EQ(read.rows, test.rows) << test.what;
    EXPECT_EQ(read.rejected, test.rejected) << test.what;
    // However the bytes arrive, the rows are the same.
    for (size_t chunk = 1; chunk <= 9; ++chunk) {
      for (const int64_t max_rows : {1, 2, 1000}) {
        const auto decoder = *DecoderOf("csv", kTwo, test.options);
        const auto again = Read(*decoder, test.text, chunk, max_rows);
        ASSERT_TRUE(again.ok()) << test.what << again.status();
        EXPECT_EQ(again->rows, test.rows) << test.what << " in chunks of " << chunk;
        EXPECT_EQ(again->rejected, test.rejected) << test.what << " in chunks of " << chunk;
        EXPECT_EQ(again->lines, read.lines) << test.what;
      }
    }
  }
}

TEST(CsvTest, IgnoredErrorsAreCounted) {
  const OptionMap ignore = {{"ignore-parse-errors", "true"}};
  const auto read = ReadCsv("x,a\n1\n2,b,c\n3,\"d\"e\n4,\xff\n5,f\n", ignore);
  EXPECT_THAT(read.rows, ElementsAre("1: null|a", "2: 1|null", "3: 2|b", "6: 5|f"));
  EXPECT_THAT(read.rejected, IsEmpty());
  EXPECT_EQ(read.ignored, 5);
  const Schema not_null({{"a", SqlType::Int().AsNotNull(), {}}});
  EXPECT_THAT(ReadCsv("x\n1\n", ignore, not_null).rows, ElementsAre("2: 1"));
}

TEST(CsvTest, EveryType) {
  const struct {
    SqlType type;
    const char* text;
    const char* value;  ///< null: rejected
  } cases[] = {
      {SqlType::Boolean(), "TRUE", "true"},
      {SqlType::Boolean(), "1", nullptr},
      {SqlType::TinyInt(), "-128", "-128"},
      {SqlType::TinyInt(), "128", nullptr},
      {SqlType::SmallInt(), "+32767", "32767"},
      {SqlType::Int(), "-2147483648", "-2147483648"},
      {SqlType::Int(), "2147483648", nullptr},
      {SqlType::Int(), "1.0", nullptr},
      {SqlType::BigInt(), "-9223372036854775808", "-9223372036854775808"},
      {SqlType::BigInt(), "9223372036854775808", nullptr},
      {SqlType::BigInt(), "+9223372036854775807", "9223372036854775807"},
      {SqlType::Float(), "1.5", "1.5"},
      {SqlType::Double(), "-1e-3", "-0.001"},
      {SqlType::Double(), "NaN", "nan"},
      {SqlType::Double(), "-Infinity", "-inf"},
      {SqlType::Double(), "1e999", "inf"},
      {SqlType::Double(), "1.5x", nullptr},
      {SqlType::Decimal(38, 2), "123456789012345678901234567890123456.78",
       "123456789012345678901234567890123456.78"},
      {SqlType::Decimal(5, 2), "1.005", "1.01"},
      {SqlType::Decimal(5, 2), "-1.5e2", "-150.00"},
      {SqlType::Decimal(5, 2), "999.995", nullptr},
      {SqlType::Decimal(5, 2), ".", nullptr},
      {SqlType::Bytes(), "AQI=", "\x01\x02"},
      {SqlType::Bytes(), "?", nullptr},
      {SqlType::Date(), "2024-02-29", "2024-02-29"},
      {SqlType::Date(), "2023-02-29", nullptr},
      {SqlType::Time(3), "23:59:59.5", "23:59:59.500"},
      {SqlType::Time(), "24:00:00", nullptr},
      {SqlType::Timestamp(3), "2024-02-29 12:30:00.123", "2024-02-29 12:30:00.123000"},
      {SqlType::Timestamp(3), "2024-02-29", "2024-02-29 00:00:00.000000"},
      {SqlType::Timestamp(3), "2024-02-29 12:30:00Z", nullptr},
      {SqlType::TimestampLtz(3), "2024-02-29T12:30:00+02:00", "2024-02-29 10:30:00.000000Z"},
      {SqlType::IntervalYearMonth(), "14", "14M"},
      {SqlType::IntervalDayTime(), "1500", "1500000"},
      {SqlType::Array(SqlType::Int()), "1;;3", "list<item: int32>[1, null, 3]"},
      {SqlType::Array(SqlType::Int()), "1;x", nullptr},
      {SqlType::Row({{"x", SqlType::Int(), {}}, {"y", SqlType::Int(), {}}}), "1;2",
       "{x:int32 = 1, y:int32 = 2}"},
      {SqlType::Row({{"x", SqlType::Int(), {}}, {"y", SqlType::Int(), {}}}), "1;2;3", nullptr},
  };
  for (const auto& test : cases) {
    const Schema schema({{"a", test.type, {}}, {"z", SqlType::Int(), {}}});
    const auto read = ReadCsv(std::string(test.text) + ",7\n,8\n", {}, schema);
    const std::string what = test.type.ToString() + " " + test.text;
    if (test.value != nullptr) {
      EXPECT_THAT(read.rows, ElementsAre("1: " + std::string(test.value) + "|7", "2: null|8"))
          << what;
    } else {
      EXPECT_THAT(read.rows, ElementsAre("2: null|8")) << what;
      EXPECT_THAT(read.rejected, ElementsAre(HasSubstr("column 1 `a`: '" + std::string(test.text) +
                                                       "' is not a " + test.type.ToString())));
    }
  }
}

TEST(CsvTest, NotNullColumns) {
  const Schema schema({{"a", SqlType::Int().AsNotNull(), {}}, {"b", SqlType::Int(), {}}});
  const auto read = ReadCsv(",1\n2,\n", {}, schema);
  EXPECT_THAT(read.rows, ElementsAre("2: 2|null"));
  EXPECT_THAT(read.rejected, ElementsAre("1! column 1 `a`: NULL in a NOT NULL column [,1]"));
}

TEST(CsvTest, UnwantedColumnsAreNotConverted) {
  EXPECT_THAT(ReadCsv("x,1\ny,2\n", {}, kTwo, {1}).rows, ElementsAre("1: 1", "2: 2"));
}

TEST(CsvTest, HeaderNamesTheColumns) {
  const OptionMap header = {{"header", "true"}};
  EXPECT_THAT(ReadCsv("b,\"c,d\",a\r\nx,y,1\n", header).rows, ElementsAre("2: 1|x"));
  EXPECT_THAT(ReadCsv("\xEF\xBB\xBF"
                      "a,b\n1,x\n",
                      header)
                  .rows,
              ElementsAre("2: 1|x"));
  EXPECT_THAT(ReadCsv("", header).rows, IsEmpty());
  EXPECT_THAT(ReadCsv("b,a\ny,x\n", header).rejected,
              ElementsAre("2! column 2 `a`: 'x' is not a INT [y,x]"));
  const auto decoder = *DecoderOf("csv", Schema({{"amount", SqlType::Int(), {}}}), header);
  const auto status = Read(*decoder, "id,amonut\n1,2\n").status();
  EXPECT_THAT(Describe(status), HasSubstr("the header line has no column 'amount'"));
  EXPECT_THAT(Describe(status), HasSubstr("did you mean 'amonut'?"));
}

TEST(CsvTest, WrongOptionsAreTold) {
  const struct {
    OptionMap options;
    const char* error;
  } cases[] = {
      {{{"field-delimiter", "ab"}}, "must be one ASCII character"},
      {{{"field-delimiter", "\""}}, "are the same"},
      {{{"quote-character", "'"}, {"disable-quote-character", "true"}}, "exclude each other"},
      {{{"array-element-delimiter", ""}}, "is empty"},
      {{{"null-litral", "x"}}, "did you mean 'null-literal'?"},
  };
  for (const auto& test : cases) {
    EXPECT_THAT(Describe(DecoderOf("csv", kTwo, test.options).status()), HasSubstr(test.error));
  }
  const Schema map({{"m", SqlType::Map(SqlType::Int(), SqlType::Int()), {}}});
  EXPECT_THAT(Describe(DecoderOf("csv", map, {}).status()), HasSubstr("use 'json' for more"));
}

TEST(CsvTest, Messages) {
  const auto decoder = *DecoderOf("csv", kTwo, {});
  const std::vector<std::string_view> messages = {"1,x",      "2,\"a\nb\"\n", "y,z", "",
                                                  "3,c\n4,d", "5,\"e",        "6,f"};
  const std::vector<int64_t> positions = {10, 11, 12, 13, 14, 15, 16};
  const auto decoded = *decoder->DecodeMessages(messages, positions, "topic/0");
  EXPECT_EQ(decoded.rows->num_rows(), 3);
  EXPECT_THAT(decoded.line_of_row, ElementsAre(0, 1, 6));
  std::vector<std::string> rejected;
  for (const auto& record : decoded.rejected) {
    rejected.push_back(std::to_string(record.position) + "! " + record.reason);
  }
  EXPECT_THAT(rejected, ElementsAre("12! column 1 `a`: 'y' is not a INT",
                                    "14! a message holds more than one record",
                                    "15! the quote is never closed"));
}

TEST(CsvTest, SplittableWhereNoRecordHoldsALineBreak) {
  EXPECT_FALSE((*DecoderOf("csv", kTwo, {}))->splittable());
  EXPECT_TRUE((*DecoderOf("csv", kTwo, {{"line-breaks-in-values", "false"}}))->splittable());
  EXPECT_TRUE((*DecoderOf("csv", kTwo, {{"disable-quote-character", "true"}}))->splittable());
}

TEST(CsvTest, WrittenRowsReadBack) {
  const Schema schema({{"i", SqlType::BigInt(), {}},
                       {"s", SqlType::String(), {}},
                       {"d", SqlType::Double(), {}},
                       {"n", SqlType::Decimal(10, 2), {}},
                       {"t", SqlType::Timestamp(3), {}},
                       {"z", SqlType::TimestampLtz(3), {}},
                       {"y", SqlType::Bytes(), {}},
                       {"l", SqlType::Array(SqlType::Int()), {}},
                       {"f", SqlType::Boolean(), {}}});
  const std::string text =
      "i,s,d,n,t,z,y,l,f\n"
      "1,\"a,\"\"b\"\"\",1.5,-0.05,2024-02-29 12:30:00.123,2024-02-29 12:30:00.000Z,AQI=,1;2,true\n"
      "NULL,\"NULL\",NULL,NULL,NULL,NULL,NULL,NULL,NULL\n"
      "2,\"x\ny\",1.0E10,0.00,1969-12-31 23:59:59.999,1970-01-01 00:00:00.000Z,NULL,3,false\n";
  for (const OptionMap& options :
       {OptionMap{{"header", "true"}, {"null-literal", "NULL"}},
        OptionMap{{"header", "true"}, {"null-literal", "NULL"}, {"escape-character", "\\"}}}) {
    const auto decoder = *DecoderOf("csv", schema, options);
    const auto header = *decoder->Header(text, true, {"f", 1});
    const auto decoded = *decoder->Decode(
        std::string_view(text).substr(static_cast<size_t>(header.bytes)), true, 100, {"f", 2});
    ASSERT_EQ(decoded.rows->num_rows(), 3);
    const auto& spec = FormatNamed("csv");
    const auto encoder =
        *spec.make_encoder(schema, *Options::Make("format", spec.options, options));
    std::string written = encoder->Header();
    ASSERT_TRUE(encoder->Encode(*decoded.rows, &written).ok());
    EXPECT_EQ(written, text);
    std::vector<std::string> messages;
    ASSERT_TRUE(encoder->EncodeMessages(*decoded.rows, &messages).ok());
    EXPECT_EQ(messages.size(), 3u);
  }
}

}  // namespace
}  // namespace millrace
