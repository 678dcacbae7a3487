#include "base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const std::vector<OptionSpec> kSpecs = {
    {"topic", OptionType::kString, "", "The topic to read.", true},
    {"rows-per-second", OptionType::kInt, "10000", "Rows a second.", false, {}, 0, 1e9},
    {"ratio", OptionType::kDouble, "0.5", "A share.", false, {}, 0, 1},
    {"linger", OptionType::kDuration, "5 ms", "How long to wait."},
    {"segment", OptionType::kBytes, "64 mb", "Size of a segment.", false, {}, {}, 2147483647},
    {"mode", OptionType::kEnum, "earliest", "Where to start.", false, {"earliest", "latest"}},
    {"verify", OptionType::kBool, "true", "Whether to check."},
    {"tags", OptionType::kMap, "", "Labels."},
    {"sasl", OptionType::kString, "", "The login.", false, {}, {}, {}, true},
    {"fields.", OptionType::kString, "", "Per field.", false, {}, {}, {}, false, true}};

Result<Options> Make(std::map<std::string, std::string> values,
                     const OptionPositions& positions = {}) {
  return Options::Make("connector 'queue'", kSpecs, std::move(values), positions);
}

TEST(OptionsTest, GivesWhatIsWrittenElseTheDefault) {
  const Options options = Make({{"topic", "t"},
                                {"linger", "2 s"},
                                {"tags", "a:1,b:x:y"},
                                {"fields.id.kind", "sequence"}})
                              .ValueOrDie();
  EXPECT_EQ(options.String("topic"), "t");
  EXPECT_EQ(options.Int("rows-per-second"), 10000);
  EXPECT_EQ(options.Double("ratio"), 0.5);
  EXPECT_EQ(options.DurationMicros("linger"), 2'000'000);
  EXPECT_EQ(options.Bytes("segment"), 64 << 20);
  EXPECT_TRUE(options.Bool("verify"));
  EXPECT_THAT(options.Map("tags"), ElementsAre(Pair("a", "1"), Pair("b", "x:y")));
  EXPECT_THAT(options.Under("fields."), ElementsAre(Pair("id.kind", "sequence")));
  EXPECT_TRUE(options.Has("linger"));
  EXPECT_FALSE(options.Has("segment"));
}

TEST(OptionsTest, ErrorsSayWhatWhereAndWhatToDo) {
  const struct {
    const char *key, *value, *message, *hint;
  } cases[] = {
      {"topc", "x", "connector 'queue' has no option 'topc'", "did you mean 'topic'?"},
      {"fields.", "x", "connector 'queue' has no option 'fields.'", "fields."},
      {"mode", "newest", "the option 'mode' is 'newest': there is no such choice",
       "one of: earliest, latest"},
      {"mode", "latst", "the option 'mode' is 'latst': there is no such choice",
       "did you mean 'latest'?"},
      {"rows-per-second", "many", "is 'many': it is not a whole number", "Rows a second."},
      {"rows-per-second", "1.5", "is '1.5': it is not a whole number", "Rows a second."},
      {"rows-per-second", "-1", "is '-1': it must be at least 0", "Rows a second."},
      {"ratio", "1.5", "is '1.5': it must be at most 1", "A share."},
      {"ratio", "nan", "is 'nan': it is not a number", "A share."},
      {"linger", "5 parsecs", "'5 parsecs' is not a duration: there is no unit 'parsecs'",
       "'30 s'"},
      {"segment", "64 xb", "'64 xb' is not a size: there is no unit 'xb'", "'64 mb'"},
      {"segment", "2 gb", "is '2 gb': it must be at most 2147483647", "Size of a segment."},
      {"verify", "yes", "'yes' is neither true nor false", "write 'true' or 'false'"},
      {"tags", "a", "'a' is not a map: 'a' has no ':' and value", "'key:value,key2:value2'"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.key) + " = " + c.value);
    const Status status = Make({{"topic", "t"}, {c.key, c.value}}, {{c.key, {3, 7}}}).status();
    EXPECT_THAT(status.message(), HasSubstr(c.message));
    EXPECT_THAT(InfoOf(status).hint, HasSubstr(c.hint));
    EXPECT_EQ(InfoOf(status).position, (Position{3, 7}));
    EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kUser);
  }
  const Status missing = Make({{"linger", "1"}}).status();
  EXPECT_EQ(missing.message(), "connector 'queue' needs the option 'topic'");
  EXPECT_THAT(InfoOf(missing).hint, HasSubstr("The topic to read."));
  const Status none = Options::Make("connector 'print'", {}, {{"x", "1"}}).status();
  EXPECT_EQ(InfoOf(none).hint, "it takes no options");
}

TEST(OptionsTest, SecretsAreNotShown) {  // T10
  const Options options =
      Make({{"topic", "t"}, {"sasl", "hunter2"}, {"fields.password", "abc"}}).ValueOrDie();
  EXPECT_THAT(options.Redacted(), ElementsAre(Pair("fields.password", "******"),
                                              Pair("sasl", "******"), Pair("topic", "t")));
  EXPECT_EQ(options.String("sasl"), "hunter2");

  const struct {
    const char *key, *value, *shown;
  } cases[] = {
      {"auth-token", "abc", "******"},
      {"auth-token", "${SECRET:triton}", "${SECRET:triton}"},
      {"auth-token", "Bearer ${SECRET:triton}", "******"},
      {"s3.access_key", "abc", "******"},
      {"custom-headers", "Authorization:abc", "******"},
      {"url", "redis://me:pw@host:6379/0", "redis://me:******@host:6379/0"},
      {"url", "redis://me:${SECRET:pw}@host", "redis://me:${SECRET:pw}@host"},
      {"url", "http://host:80/a@b:c", "http://host:80/a@b:c"},
      {"topic", "abc", "abc"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(RedactedValue(c.key, c.value), c.shown) << c.key << '=' << c.value;
}

TEST(OptionsTest, ReadsDurations) {
  const struct {
    const char* text;
    int64_t us;
  } cases[] = {
      {"500", 500'000},         {"500 ms", 500'000},     {"30s", 30'000'000}, {"1 MIN", 60'000'000},
      {" 2 h ", 7'200'000'000}, {"1 d", 86'400'000'000}, {"7 us", 7},         {"0", 0},
      {"3 seconds", 3'000'000}};
  for (const auto& c : cases) EXPECT_EQ(ParseDurationMicros(c.text).ValueOr(-1), c.us) << c.text;
  for (const char* text :
       {"", "s", "1.5 s", "-1 s", "1 s 2", "9223372036854775807 d", "99999999999999999999"}) {
    EXPECT_FALSE(ParseDurationMicros(text).ok()) << text;
  }
}

TEST(OptionsTest, ReadsSizes) {
  EXPECT_EQ(ParseBytes("512").ValueOrDie(), 512);
  EXPECT_EQ(ParseBytes("64 mb").ValueOrDie(), 64 << 20);
  EXPECT_EQ(ParseBytes("1G").ValueOrDie(), 1 << 30);
  EXPECT_EQ(ParseBytes("2 kibibytes").ValueOrDie(), 2048);
  EXPECT_FALSE(ParseBytes("9000000000 gb").ok());
}

TEST(OptionsTest, NamesOfAList) {
  EXPECT_THAT(ParseNames(" a, b c,,d "), ElementsAre("a", "bc", "d"));
  EXPECT_THAT(ParseNames(""), IsEmpty());
}

TEST(OptionsTest, MapsReadBackWhatTheyWrite) {
  const std::map<std::string, std::string> maps[] = {
      {},
      {{"a", "1"}, {"b", "2"}},
      {{"Referer", "http://host:80/x"}, {"Accept", "a,b"}},
      {{"a:b", "it's"}, {" space ", ""}, {"'q'", " x "}},
  };
  for (const auto& map : maps)
    EXPECT_EQ(ParseMap(FormatMap(map)).ValueOrDie(), map) << FormatMap(map);
  EXPECT_THAT(ParseMap(" a : 1 , b : 'x, y' ").ValueOrDie(),
              ElementsAre(Pair("a", "1"), Pair("b", "x, y")));
  EXPECT_THAT(ParseMap("").ValueOrDie(), IsEmpty());
  for (const char* text : {"a", ":1", "a:1,a:2", "a:'x", "'a", "a:'x'y", "a:1,,b:2"}) {
    EXPECT_FALSE(ParseMap(text).ok()) << text;
  }
}

}  // namespace
}  // namespace millrace
