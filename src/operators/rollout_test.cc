#include "operators/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;
using Kind = Verdict::Kind;

RolloutConfig Canary() {
  RolloutConfig config;
  config.kind = RolloutKind::kCanary;
  config.share = 0.1;
  config.check_rows = 100;
  return config;
}

Rollout After(int64_t rows, int64_t failed = 0) {
  Rollout rollout;
  rollout.tried.rows = rows;
  rollout.tried.failed = failed;
  return rollout;
}

TEST(Rollout, AShareOfTheRowsIsTriedAndAGreaterShareKeepsThem) {  // M9
  RolloutConfig tenth = Canary(), half = Canary();
  half.share = 0.5;
  int tried = 0, of_half = 0, of_other = 0;
  for (uint64_t hash = 0; hash < 10'000; ++hash) {
    const bool in_tenth = IsTried(tenth, hash, SaltOf("m"));
    const bool in_half = IsTried(half, hash, SaltOf("m"));
    EXPECT_TRUE(in_half || !in_tenth);
    tried += in_tenth;
    of_half += in_half;
    of_other += in_tenth && IsTried(tenth, hash, SaltOf("n"));
  }
  EXPECT_NEAR(tried, 1000, 100);
  EXPECT_NEAR(of_half, 5000, 200);
  EXPECT_NEAR(of_other, 100, 40);  // another model chooses other rows
  tenth.share = 0;
  EXPECT_FALSE(IsTried(tenth, 0, 0));
  tenth.share = 1;
  EXPECT_TRUE(IsTried(tenth, ~uint64_t{0}, 0));
}

/// Changing this changes who scores what after an update of Millrace.
TEST(Rollout, TheChoiceOfRowsNeverChanges) {  // M9
  std::string chosen;
  for (uint64_t hash = 0; hash < 32; ++hash) {
    RolloutConfig half = Canary();
    half.share = 0.5;
    chosen += IsTried(half, hash, SaltOf("m")) ? '1' : '0';
  }
  EXPECT_EQ(chosen, "00110111000001111111011111010001");
}

TEST(Rollout, EndsAfterRowsTimeOrBoth) {  // M9
  RolloutConfig config = Canary();
  EXPECT_EQ(RowsUntilJudged(config, After(7)), 0);
  EXPECT_EQ(Judge(config, After(1'000'000), 1'000'000).kind, Kind::kGoOn);  // an A/B test
  config.rows = 10;
  EXPECT_EQ(RowsUntilJudged(config, After(7)), 3);
  EXPECT_EQ(Judge(config, After(9), 0).kind, Kind::kGoOn);
  EXPECT_EQ(Judge(config, After(10), 0).kind, Kind::kPromote);
  config.duration_us = 5;
  EXPECT_EQ(Judge(config, After(10), 4).kind, Kind::kGoOn);
  EXPECT_EQ(Judge(config, After(10), 5).kind, Kind::kPromote);
  config.rows = -1;
  EXPECT_EQ(Judge(config, After(0), 5).kind, Kind::kPromote);
}

TEST(Rollout, RulesAreLookedAtAtFixedRowsAndBeforeThePromotion) {  // M9
  RolloutConfig config = Canary();
  config.max_failed = 0.05;
  EXPECT_EQ(RowsUntilJudged(config, After(130)), 70);
  EXPECT_EQ(Judge(config, After(99, 99), 0).kind, Kind::kGoOn);
  EXPECT_EQ(Judge(config, After(100, 5), 0).kind, Kind::kGoOn);
  const Verdict verdict = Judge(config, After(100, 6), 0);
  EXPECT_EQ(verdict.kind, Kind::kRollBack);
  EXPECT_EQ(verdict.reason, "rolled back: 6 of 100 rows have failed, and 5 % may");
  config.rows = 150;
  EXPECT_EQ(RowsUntilJudged(config, After(130)), 20);
  EXPECT_EQ(Judge(config, After(150, 8), 0).kind, Kind::kRollBack);
  EXPECT_EQ(Judge(config, After(150, 7), 0).kind, Kind::kPromote);
}

TEST(Rollout, SlowVersionsAndShiftedScoresAreRolledBack) {  // M9
  RolloutConfig config = Canary();
  config.max_latency_us = 20;
  Rollout rollout = After(100);
  rollout.tried.scoring_us = 2100;
  EXPECT_THAT(Judge(config, rollout, 0).reason, HasSubstr("a row takes 21 us"));
  config.max_latency_us = 21;
  EXPECT_EQ(Judge(config, rollout, 0).kind, Kind::kGoOn);

  config.max_shift = 0.2;
  rollout.serving.scores.resize(1);
  rollout.tried.scores.resize(1);
  for (int i = 0; i < 1000; ++i) rollout.serving.scores[0].Add(i);
  for (int i = 0; i < 100; ++i) rollout.tried.scores[0].Add(10 * i);
  EXPECT_EQ(Judge(config, rollout, 0).kind, Kind::kGoOn);
  for (int i = 0; i < 100; ++i) rollout.tried.scores[0].Add(10);
  EXPECT_THAT(Judge(config, rollout, 0).reason, HasSubstr("its scores are shifted by"));
}

TEST(Rollout, SurvivesItsText) {  // M5
  Rollout rollout = After(7, 3);
  rollout.candidate = -2;
  rollout.since_us = 5;
  rollout.tried.scoring_us = 11;
  rollout.serving.scores.resize(2);
  rollout.serving.scores[1].Add(-2.5);
  const auto again = RolloutOf(TextOf(rollout));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(TextOf(*again), TextOf(rollout));
  EXPECT_EQ(again->serving.scores[1].count(), 1);
  EXPECT_FALSE(RolloutOf("{}").ok());
}

}  // namespace
}  // namespace millrace
