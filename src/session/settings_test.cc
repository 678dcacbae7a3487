#include "session/settings.h"

namespace millrace {
namespace {

TEST(Settings, DefaultsHoldUntilSet) {
  Settings settings;
  EXPECT_EQ(settings.Get("parallelism.default"), "1");
  ASSERT_TRUE(settings.Set("parallelism.default", "4").ok());
  EXPECT_EQ(settings.Get("parallelism.default"), "4");
  EXPECT_EQ(settings.Written(), (std::map<std::string, std::string>{{"parallelism.default", "4"}}));
  ASSERT_TRUE(settings.Reset("parallelism.default").ok());
  EXPECT_EQ(settings.Get("parallelism.default"), "1");
}

TEST(Settings, EverySpecIsValidAsItsOwnDefault) {
  for (const OptionSpec& spec : SettingSpecs()) {
    EXPECT_FALSE(spec.doc.empty()) << spec.key;
    if (spec.default_value.empty()) continue;
    EXPECT_TRUE(Settings().Set(spec.key, spec.default_value).ok()) << spec.key;
  }
}

TEST(Settings, BadValuesAndNamesAreErrorsAtTheirPlace) {
  const Position at{3, 5};
  const struct {
    const char* key;
    const char* value;
    const char* told;  ///< in the message or the hint
  } cases[] = {
      {"parallelism.default", "many", "parallelism.default"},
      {"parallelism.default", "0", "parallelism.default"},
      {"execution.runtime-mode", "fast", "streaming"},
      {"paralelism.default", "4", "parallelism.default"},
      {"table.local-timezone", "UTC", "table.local-time-zone"},
      {"no.such.thing", "1", "no.such.thing"},
      {"table.local-time-zone", "Europe/Berlim", "Europe/Berlin"},
  };
  for (const auto& c : cases) {
    Settings settings;
    const auto result = settings.Set(c.key, c.value, at);
    ASSERT_FALSE(result.ok()) << c.key;
    EXPECT_EQ(InfoOf(result.status()).position, at) << c.key;
    EXPECT_THAT(Describe(result.status()), testing::HasSubstr(c.told)) << c.key;
    EXPECT_TRUE(settings.Written().empty()) << c.key;
  }
}

TEST(Settings, OlderNamesOfFlinkMeanTheCurrentOnes) {
  Settings settings;
  ASSERT_TRUE(settings.Set("execution.savepoint.path", "/saved").ok());
  EXPECT_EQ(settings.Get("execution.state-recovery.path"), "/saved");
  ASSERT_TRUE(settings.Reset("execution.savepoint.path").ok());
  EXPECT_TRUE(settings.Written().empty());
  EXPECT_FALSE(settings.Set("restart-strategy", "sometimes").ok());
}

TEST(Settings, SettingsOfFlinkWithoutEffectAreKeptAndSaidSo) {
  Settings settings;
  const auto warning = settings.Set("taskmanager.memory.process.size", "4g");
  ASSERT_TRUE(warning.ok());
  EXPECT_THAT(*warning, testing::HasSubstr("no effect"));
  EXPECT_EQ(settings.Get("taskmanager.memory.process.size"), "4g");
  EXPECT_TRUE(settings.Reset("taskmanager.memory.process.size").ok());
}

}  // namespace
}  // namespace millrace
