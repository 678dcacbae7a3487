#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Value {
  SqlType type;
  OptionMap options;
  std::string bytes;
  std::string shown;
};

Schema One(const SqlType& type) { return Schema({{"v", type, {}}}); }

TEST(RawTest, ReadsAndWritesMessages) {
  const std::vector<Value> values = {
      {SqlType::String(), {}, "a\nb", "a\nb"},
      {SqlType::String(), {{"charset", "ISO-8859-1"}}, "gr\xFC\xDF", "grüß"},
      {SqlType::Bytes(), {}, std::string("\0\1", 2), std::string("\0\1", 2)},
      {SqlType::Boolean(), {}, "\1", "true"},
      {SqlType::TinyInt(), {}, "\xFF", "-1"},
      {SqlType::SmallInt(), {}, "\1\2", "258"},
      {SqlType::SmallInt(), {{"endianness", "little-endian"}}, "\1\2", "513"},
      {SqlType::Int(), {}, std::string("\0\0\0\7", 4), "7"},
      {SqlType::BigInt(), {}, std::string("\0\0\0\0\0\0\1\0", 8), "256"},
      {SqlType::Double(), {}, std::string("\x3F\xF8\0\0\0\0\0\0", 8), "1.5"},
  };
  for (const auto& value : values) {
    SCOPED_TRACE(value.type.ToString());
    auto decoder = DecoderOf("raw", One(value.type), value.options);
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    const std::vector<std::string_view> messages = {value.bytes};
    const std::vector<int64_t> positions = {5};
    auto decoded = (*decoder)->DecodeMessages(messages, positions, "t/0");
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_EQ(decoded->rows->num_rows(), 1);
    EXPECT_EQ((*decoded->rows->column(0)->GetScalar(0))->ToString(), value.shown);

    const auto& spec = FormatNamed("raw");
    auto encoder =
        spec.make_encoder(One(value.type), *Options::Make("raw", spec.options, value.options));
    std::vector<std::string> written;
    ASSERT_TRUE((*encoder)->EncodeMessages(*decoded->rows, &written).ok());
    EXPECT_THAT(written, ElementsAre(value.bytes));
  }
}

TEST(RawTest, RejectsWhatIsNoSuchValue) {
  for (const auto& [type, bytes, reason] :
       std::vector<std::tuple<SqlType, std::string, std::string>>{
           {SqlType::Int(), "abc", "a INT has 4 bytes, not 3"},
           {SqlType::String(), "\xFF", "the text is not UTF-8"}}) {
    auto decoder = DecoderOf("raw", One(type), {});
    const std::vector<std::string_view> messages = {bytes};
    const std::vector<int64_t> positions = {5};
    const auto decoded = (*decoder)->DecodeMessages(messages, positions, "t/0");
    ASSERT_EQ(decoded->rejected.size(), 1u);
    EXPECT_EQ(decoded->rejected[0].reason, reason);
    EXPECT_EQ(decoded->rejected[0].position, 5);
    EXPECT_EQ(decoded->rejected[0].source, "t/0");
    EXPECT_EQ(decoded->rows->num_rows(), 0);
  }
}

TEST(RawTest, ReadsAFileByLines) {
  auto decoder = DecoderOf("raw", One(SqlType::String()), {});
  const auto read = Read(**decoder, "a\r\n\nb", 2, 1);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->rows, ElementsAre("1: a", "2: ", "3: b"));
}

TEST(RawTest, TakesOneColumnOfAPlainType) {
  const Schema two({{"a", SqlType::Int(), {}}, {"b", SqlType::Int(), {}}});
  EXPECT_THAT(DecoderOf("raw", two, {}).status().message(), HasSubstr("one column, not 2"));
  EXPECT_THAT(DecoderOf("raw", One(SqlType::Date()), {}).status().message(), HasSubstr("DATE"));
}

}  // namespace
}  // namespace millrace
