#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Schema kTwo({{"a", SqlType::Int(), {}}, {"b", SqlType::String(), {}}});

ReadText ReadJson(std::string_view text, const OptionMap& options = {},
                  const Schema& schema = kTwo) {
  auto decoder = DecoderOf("json", schema, options);
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  auto read = Read(**decoder, text);
  EXPECT_TRUE(read.ok()) << read.status();
  return std::move(read).ValueOrDie();
}

TEST(JsonTest, Records) {
  const struct {
    const char* what;
    std::string_view text;
    std::vector<std::string> rows, rejected;
  } cases[] = {
      {"plain", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"a\":2}\n", {"1: 1|x", "2: 2|y"}, {}},
      {"no last line break", "{\"a\":1}", {"1: 1|null"}, {}},
      {"CRLF and blank lines",
       "\r\n {\"a\" : 1 } \r\n\n{\"a\":2}\r\n",
       {"2: 1|null", "4: 2|null"},
       {}},
      {"byte order mark", "\xEF\xBB\xBF{\"a\":1}\n", {"1: 1|null"}, {}},
      {"other members", "{\"z\":[1,{\"a\":5}],\"a\":1,\"y\":null}\n", {"1: 1|null"}, {}},
      {"the last of a name counts", "{\"a\":1,\"b\":\"x\",\"a\":2}\n", {"1: 2|x"}, {}},
      {"escapes", "{\"\\u0061\":1,\"b\":\"\\\"\\n\\u6c34\"}\n", {"1: 1|\"\n水"}, {}},
      {"null", "{\"a\":null,\"b\":null}\n", {"1: null|null"}, {}},
      {"numbers in strings", "{\"a\":\"7\"}\n", {"1: 7|null"}, {}},
      {"anything as a string",
       "{\"b\":1.50}\n{\"b\":true}\n{\"b\":[1, {\"x\":2}]}\n",
       {"1: null|1.50", "2: null|true", "3: null|[1, {\"x\":2}]"},
       {}},
      {"not an object",
       "[1]\n1\n{\"a\":1}\n",
       {"3: 1|null"},
       {"1! a record must be a JSON object [[1]]", "2! a record must be a JSON object [1]"}},
      {"text after",
       "{\"a\":1} {\"a\":2}\n{\"a\":3}\n",
       {"2: 3|null"},
       {"1! text after the JSON object [{\"a\":1} {\"a\":2}]"}},
      {"wrong type",
       "{\"a\":\"x\",\"b\":\"y\"}\n{\"a\":1.5}\n{\"a\":[1]}\n{\"a\":true}\n{\"a\":4}\n",
       {"5: 4|null"},
       {"1! `a`: \"x\" is not a INT [{\"a\":\"x\",\"b\":\"y\"}]",
        "2! `a`: 1.5 is not a INT [{\"a\":1.5}]", "3! `a`: [1] is not a INT [{\"a\":[1]}]",
        "4! `a`: true is not a INT [{\"a\":true}]"}},
      {"not UTF-8",
       "{\"b\":\"\xff\"}\n{\"a\":1}\n",
       {"2: 1|null"},
       {"1! the text is not UTF-8 [{\"b\":\"\xff\"}]"}},
  };
  for (const auto& test : cases) {
    const auto read = ReadJson(test.text);
    EXPECT_EQ(read.rows, test.rows) << test.what;
    EXPECT_EQ(read.rejected, test.rejected) << test.what;
    for (size_t chunk = 1; chunk <= 9; ++chunk) {
      for (const int64_t max_rows : {1, 2, 1000}) {
        const auto decoder = *DecoderOf("json", kTwo, {});
        const auto again = Read(*decoder, test.text, chunk, max_rows);
        ASSERT_TRUE(again.ok()) << test.what << again.status();
        EXPECT_EQ(again->rows, test.rows) << test.what << " in chunks of " << chunk;
        EXPECT_EQ(again->rejected, test.rejected) << test.what << " in chunks of " << chunk;
        EXPECT_EQ(again->lines, read.lines);
      }
    }
  }
}

TEST(JsonTest, BrokenRecordsDoNotTakeOthersAlong) {
  for (const char* broken :
       {"{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{\"a\":nul}", "{\"a\":01}",
        "{\"a\":1e}", "{a:1}", "{\"b\":\"x}", "}", "x", "{\"a\":1]", "{\"b\":\"\\x\"}"}) {
    const auto read = ReadJson("{\"a\":1}\n" + std::string(broken) + "\n{\"a\":3}\n");
    EXPECT_THAT(read.rows, ElementsAre("1: 1|null", "3: 3|null")) << broken;
    EXPECT_THAT(read.rejected, ElementsAre(HasSubstr("2! "))) << broken;
  }
}

TEST(JsonTest, EveryType) {
  const auto row = SqlType::Row({{"x", SqlType::Int(), {}}, {"y", SqlType::String(), {}}});
  const struct {
    SqlType type;
    const char* text;
    const char* value;  ///< null: rejected
    const char* options = "SQL";
  } cases[] = {
      {SqlType::Boolean(), "true", "true"},
      {SqlType::Boolean(), "1", nullptr},
      {SqlType::TinyInt(), "-128", "-128"},
      {SqlType::TinyInt(), "128", nullptr},
      {SqlType::BigInt(), "9223372036854775807", "9223372036854775807"},
      {SqlType::BigInt(), "9223372036854775808", nullptr},
      {SqlType::Float(), "0.1", "0.1"},
      {SqlType::Double(), "-1.5E3", "-1500"},
      {SqlType::Double(), "\"NaN\"", "nan"},
      {SqlType::Decimal(38, 2), "123456789012345678901234567890123456.78",
       "123456789012345678901234567890123456.78"},
      {SqlType::Decimal(5, 2), "\"1.5\"", "1.50"},
      {SqlType::Decimal(5, 2), "1000", nullptr},
      {SqlType::Bytes(), "\"AQI=\"", "\x01\x02"},
      {SqlType::Date(), "\"2024-02-29\"", "2024-02-29"},
      {SqlType::Date(), "20240229", nullptr},
      {SqlType::Time(3), "\"12:30:00.5\"", "12:30:00.500"},
      {SqlType::Timestamp(3), "\"2024-02-29 12:30:00.123\"", "2024-02-29 12:30:00.123000"},
      {SqlType::Timestamp(3), "\"2024-02-29T12:30:00.123\"", nullptr},
      {SqlType::Timestamp(3), "\"2024-02-29T12:30:00.123\"", "2024-02-29 12:30:00.123000",
       "ISO-8601"},
      {SqlType::TimestampLtz(3), "\"2024-02-29T12:30:00+01:00\"", "2024-02-29 11:30:00.000000Z",
       "ISO-8601"},
      {SqlType::Array(SqlType::Int()), "[1,null,3]", "list<item: int32>[1, null, 3]"},
      {SqlType::Array(SqlType::Int()), "[]", "list<item: int32>[]"},
      {SqlType::Array(SqlType::Int()), "[1,\"x\"]", nullptr},
      {SqlType::Array(SqlType::Int()), "{}", nullptr},
      {row, "{\"y\":\"s\",\"x\":1}", "{x:int32 = 1, y:string = s}"},
      {row, "{}", "{x:int32 = null, y:string = null}"},
      {row, "{\"x\":{}}", nullptr},
      {SqlType::Array(row), "[{\"x\":1},null]",
       "list<item: struct<x: int32, y: string>>[{x:int32 = 1, y:string = null}, null]"},
  };
  for (const auto& test : cases) {
    const Schema schema({{"a", test.type, {}}, {"z", SqlType::Int(), {}}});
    const std::string text =
        "{\"a\":" + std::string(test.text) + ",\"z\":7}\n{\"z\":8,\"a\":null}\n";
    const auto read = ReadJson(text, {{"timestamp-format.standard", test.options}}, schema);
    const std::string what = test.type.ToString() + " " + test.text;
    if (test.value != nullptr) {
      EXPECT_THAT(read.rows, ElementsAre("1: " + std::string(test.value) + "|7", "2: null|8"))
          << what;
    } else {
      EXPECT_THAT(read.rows, ElementsAre("2: null|8")) << what;
      EXPECT_THAT(read.rejected, ElementsAre(HasSubstr("`a"))) << what;
    }
  }
}

TEST(JsonTest, NestedErrorsNameThePath) {
  const Schema schema({{"o", SqlType::Row({{"l", SqlType::Array(SqlType::Int()), {}}}), {}}});
  const auto read = ReadJson("{\"o\":{\"l\":[1,\"x\"]}}\n", {}, schema);
  EXPECT_THAT(read.rejected, ElementsAre(HasSubstr("`o.l")));
}

TEST(JsonTest, MissingFields) {
  EXPECT_THAT(ReadJson("{\"a\":1}\n", {{"fail-on-missing-field", "true"}}).rejected,
              ElementsAre("1! `b`: the member is missing [{\"a\":1}]"));
  const Schema not_null({{"a", SqlType::Int().AsNotNull(), {}}});
  EXPECT_THAT(ReadJson("{}\n{\"a\":null}\n{\"a\":3}\n", {}, not_null).rows, ElementsAre("3: 3"));
}

TEST(JsonTest, IgnoredErrorsAreCounted) {
  const auto read =
      ReadJson("{\"a\":\"x\",\"b\":\"y\"}\nnope\n{\"a\":2}\n", {{"ignore-parse-errors", "true"}});
  EXPECT_THAT(read.rows, ElementsAre("1: null|y", "3: 2|null"));
  EXPECT_THAT(read.rejected, IsEmpty());
  EXPECT_EQ(read.ignored, 2);
}

TEST(JsonTest, Messages) {
  const auto decoder = *DecoderOf("json", kTwo, {});
  const std::vector<std::string_view> messages = {"{\"a\":1}", "{\n\"a\":\n2}\n", "x", ""};
  const std::vector<int64_t> positions = {10, 11, 12, 13};
  const auto decoded = *decoder->DecodeMessages(messages, positions, "topic/0");
  EXPECT_EQ(decoded.rows->num_rows(), 2);
  ASSERT_EQ(decoded.rejected.size(), 1u);
  EXPECT_EQ(decoded.rejected[0].position, 12);
  EXPECT_EQ(decoded.rejected[0].source, "topic/0");
}

TEST(JsonTest, WrittenRowsReadBack) {
  const Schema schema({{"i", SqlType::BigInt(), {}},
                       {"s", SqlType::String(), {}},
                       {"d", SqlType::Double(), {}},
                       {"n", SqlType::Decimal(10, 2), {}},
                       {"t", SqlType::Timestamp(3), {}},
                       {"z", SqlType::TimestampLtz(3), {}},
                       {"y", SqlType::Bytes(), {}},
                       {"l", SqlType::Array(SqlType::Int()), {}},
                       {"m", SqlType::Map(SqlType::String(), SqlType::Int()), {}},
                       {"r", SqlType::Row({{"x", SqlType::Boolean(), {}}}), {}}});
  const std::string text =
      "{\"i\":1,\"s\":\"a\\\"\\n\\u0001\",\"d\":1.5,\"n\":-0.05,\"t\":\"2024-02-29T12:30:00.123\","
      "\"z\":\"2024-02-29T12:30:00.000Z\",\"y\":\"AQI=\",\"l\":[1,null],\"m\":{\"k\":1,\"j\":null},"
      "\"r\":{\"x\":true}}\n"
      "{\"i\":null,\"s\":null,\"d\":null,\"n\":null,\"t\":null,\"z\":null,\"y\":null,\"l\":null,"
      "\"m\":null,\"r\":null}\n";
  const OptionMap written_options = {{"timestamp-format.standard", "ISO-8601"}};
  const auto decoder = *DecoderOf("json", schema, written_options);
  const auto decoded = *decoder->Decode(text, true, 100, {"f", 1});
  ASSERT_EQ(decoded.rows->num_rows(), 2);
  const auto& spec = FormatNamed("json");
  const auto encoder =
      *spec.make_encoder(schema, *Options::Make("format", spec.options, written_options));
  std::string written;
  ASSERT_TRUE(encoder->Encode(*decoded.rows, &written).ok());
  EXPECT_EQ(written, text);
  auto leave_out = written_options;
  leave_out["encode.ignore-null-fields"] = "true";
  const auto short_encoder =
      *spec.make_encoder(schema, *Options::Make("format", spec.options, leave_out));
  std::vector<std::string> messages;
  ASSERT_TRUE(short_encoder->EncodeMessages(*decoded.rows, &messages).ok());
  EXPECT_EQ(messages[1], "{}");
}

}  // namespace
}  // namespace millrace
