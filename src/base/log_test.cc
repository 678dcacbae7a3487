#include "base/log.h"

#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  LogTest() { SetLogStream(&stream_); }
  ~LogTest() override {
    SetLogStream(nullptr);
    SetLogLevel("tree", LogLevel::kInfo);
  }
  std::ostringstream stream_;
};

TEST_F(LogTest, WritesOneLine) {
  Log(LogLevel::kWarn, "log_test", "slow model",
      {{"model", "fraud"}, {"why", "no answer"}, {"q", "a\"b"}});
  const std::regex line(
      R"re(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARN  log_test: slow model model=fraud why="no answer" q="a\\"b")re"
      "\n");
  EXPECT_TRUE(std::regex_match(stream_.str(), line)) << stream_.str();
}

TEST_F(LogTest, ARecordCannotForgeALine) {
  Log(LogLevel::kInfo, "log_test", "bad\nINFO faked", {{"raw", "x\ny\x01"}});
  EXPECT_EQ(std::count(stream_.view().begin(), stream_.view().end(), '\n'), 1);
  EXPECT_THAT(stream_.str(), HasSubstr(R"(bad\nINFO faked raw="x\ny?")"));
}

TEST_F(LogTest, ComponentsInheritFromTheirPrefix) {
  EXPECT_FALSE(LogEnabled(LogLevel::kDebug, "tree.deep.er"));
  SetLogLevel("tree", LogLevel::kDebug);
  EXPECT_TRUE(LogEnabled(LogLevel::kDebug, "tree.deep.er"));
  EXPECT_FALSE(LogEnabled(LogLevel::kDebug, "treeer"));
  SetLogLevel("tree.deep", LogLevel::kOff);
  EXPECT_FALSE(LogEnabled(LogLevel::kError, "tree.deep.er"));
  EXPECT_TRUE(LogEnabled(LogLevel::kDebug, "tree"));
  Log(LogLevel::kError, "tree.deep", "unheard");
  EXPECT_EQ(stream_.str(), "");
}

TEST(LogLevelTest, IsReadFromText) {
  EXPECT_EQ(ParseLogLevel("WARN").ValueOrDie(), LogLevel::kWarn);
  EXPECT_THAT(Describe(ParseLogLevel("wran").status()), HasSubstr("did you mean 'warn'?"));
}

}  // namespace
}  // namespace millrace
