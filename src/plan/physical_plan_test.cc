#include "plan/physical_plan.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace millrace {
namespace {

using testing::HasSubstr;

ExpressionPtr Number(int64_t value) {
  return Expression::Literal(value, SqlType::BigInt(), {1, 2});
}

/// A scan of orders, split by country, counted and written.
PhysicalPlan Orders() {
  const Schema columns(
      {{"country", SqlType::String(), {}}, {"amount", SqlType::Decimal(10, 2).AsNotNull(), {}}});
  SourceConfig source;
  source.table = {
      "orders", "queue", {{"topic", "o"}, {"auth-token", "abc"}, {"key", "${SECRET:k}"}}, columns};
  source.projection = {0, 1};
  CalcConfig calc;
  const auto amount = Expression::Column(1, columns.column(1).type);
  calc.condition = Expression::Call(">", {amount, Number(10)}, SqlType::Boolean());
  calc.projections = {Expression::Column(0, SqlType::String())};
  calc.names = {"country"};
  AggregateConfig count;
  count.keys = {0};
  count.key_names = {"country"};
  count.aggregates = {{"COUNT", {}, nullptr, false, SqlType::BigInt(), "n"}};
  SinkConfig sink;
  const Schema counts({{"country", SqlType::String(), {}}, {"n", SqlType::BigInt(), {}}});
  sink.table = {"out", "print", {}, counts};
  const Schema keys({{"country", SqlType::String(), {}}});

  PhysicalPlan plan;
  plan.settings = {{"parallelism.default", "2"}};
  plan.stages.push_back(
      {StageId{0},
       {{"orders", std::make_shared<SourceConfig>(source), {{"main", columns}, {"rejected", keys}}},
        {"calc", std::make_shared<CalcConfig>(calc), {{"main", keys}}}},
       2});
  plan.stages.push_back({StageId{1},
                         {{"count",
                           std::make_shared<AggregateConfig>(count),
                           {{"main", counts, ChangelogMode::kRetract, {0}}}},
                          {"sink", std::make_shared<SinkConfig>(sink), {}}},
                         2});
  plan.exchanges.push_back(
      {ExchangeId{0}, StageId{0}, "calc", 0, StageId{1}, 0, Partitioning::kHash, {0}});
  return plan;
}

/// A node of every kind with every member set.
std::vector<NodeConfigPtr> EveryConfig() {
  SourceConfig source;
  source.table = {"t", "file", {{"path", "/x"}}, Schema({{"ts", SqlType::TimestampLtz(3), {}}})};
  source.projection = {0};
  source.metadata = {{"file", "f", SqlType::String().AsNotNull()}};
  source.computed = {Number(1)};
  source.computed_names = {"one"};
  source.watermark = WatermarkConfig{0, Expression::Column(0, SqlType::TimestampLtz(3)), 5000};
  source.limit = 3;
  ValuesConfig values;
  values.schema = Schema(
      {{"r",
        SqlType::Row({{"a", SqlType::Array(SqlType::Map(SqlType::String(), SqlType::Int())), {}}}),
        {}}});
  values.rows = {{Expression::Literal(std::string("\xFF\0z", 3), SqlType::Bytes())},
                 {Expression::Literal(std::monostate{}, SqlType::Null())},
                 {Expression::Literal(std::string("-12.50"), SqlType::Decimal(4, 2))},
                 {Expression::Literal(0.1, SqlType::Double())},
                 {Expression::Literal(true, SqlType::Boolean())}};
  CalcConfig calc;
  calc.locals = {Number(1)};
  calc.condition = Expression::Literal(true, SqlType::Boolean());
  calc.projections = {Expression::Column(2, SqlType::BigInt())};
  calc.names = {"x"};
  UnnestConfig unnest;
  unnest.collection = Expression::Column(0, SqlType::Array(SqlType::Int()));
  unnest.outer = unnest.ordinality = true;
  unnest.names = {"e", "o"};
  AggregateConfig aggregate;
  aggregate.keys = {1};
  aggregate.key_names = {"k"};
  aggregate.aggregates = {{"SUM",
                           {Number(2)},
                           Expression::Literal(true, SqlType::Boolean()),
                           true,
                           SqlType::BigInt(),
                           "s"}};
  aggregate.output = AggregateConfig::Output::kFinal;
  aggregate.phase = AggregatePhase::kGlobal;
  WindowSpec hop;
  hop.kind = WindowSpec::Kind::kHop;
  hop.size_us = 60'000'000;
  hop.step_us = 10'000'000;
  hop.offset_us = 500;
  hop.time_column = 2;
  WindowConfig window;
  window.window = hop;
  window.keys = {1};
  WindowAggregateConfig windows;
  windows.window = hop;
  windows.window.kind = WindowSpec::Kind::kAttached;
  windows.window.start_column = 3;
  windows.window.end_column = 4;
  windows.keys = {1};
  windows.key_names = {"k"};
  windows.aggregates = aggregate.aggregates;
  windows.phase = AggregatePhase::kLocal;
  windows.allowed_lateness_us = 7;
  ExpandConfig expand;
  expand.columns = {0, 1};
  expand.sets = {{0, 1}, {0}, {}};
  expand.id_name = "id";
  DeduplicateConfig first;
  first.keys = {1};
  first.time_column = 2;
  first.keep_last = true;
  first.window_end = 1;
  first.window_local = true;
  RankConfig rank;
  rank.keys = {1};
  rank.order = {{0, false, false}};
  rank.from = 2;
  rank.to = 5;
  rank.number_name = "n";
  rank.window_end = 1;
  rank.window_local = true;
  rank.final = true;
  LimitConfig limit;
  limit.offset = 2;
  limit.limit = 5;
  PredictConfig predict;
  predict.model = {"m",
                   "onnx",
                   {{"path", "m.onnx"}},
                   Schema({{"x", SqlType::Float(), {}}}),
                   Schema({{"y", SqlType::Float(), {}}})};
  predict.arguments = {Number(1)};
  predict.names = {"y"};
  predict.order = PredictOrder::kUnordered;
  predict.max_in_flight = 7;
  predict.linger_us = 8;
  predict.timeout_us = 9;
  predict.async = false;
  SinkConfig sink;
  sink.table = source.table;
  sink.primary_key = {0};
  CollectConfig collect;
  collect.receiver = "r1";
  return {std::make_shared<SourceConfig>(source),
          std::make_shared<ValuesConfig>(values),
          std::make_shared<CalcConfig>(calc),
          std::make_shared<UnnestConfig>(unnest),
          std::make_shared<AggregateConfig>(aggregate),
          std::make_shared<LimitConfig>(limit),
          std::make_shared<PredictConfig>(predict),
          std::make_shared<SinkConfig>(sink),
          std::make_shared<CollectConfig>(collect),
          std::make_shared<WindowConfig>(window),
          std::make_shared<WindowAggregateConfig>(windows),
          std::make_shared<ExpandConfig>(expand),
          std::make_shared<DeduplicateConfig>(first),
          std::make_shared<RankConfig>(rank)};
}

TEST(PlanJsonTest, EveryConfigReadsBack) {
  for (const NodeConfigPtr& config : EveryConfig()) {
    SCOPED_TRACE(config->op());
    const nlohmann::json json = config->ToJson();
    const auto again = NodeConfigFromJson(config->op(), config->version(), json);
    ASSERT_TRUE(again.ok()) << Describe(again.status());
    EXPECT_EQ((*again)->ToJson(), json);
    // No member is read by chance only: leaving the unknown in is refused.
    nlohmann::json strange = json;
    strange["colour"] = 1;
    EXPECT_THAT(NodeConfigFromJson(config->op(), config->version(), strange).status().message(),
                HasSubstr("colour"));
  }
}

TEST(PlanJsonTest, PlansReadBack) {
  const std::string json = ToJson(Orders());
  const auto again = PlanFromJson(json);
  ASSERT_TRUE(again.ok()) << Describe(again.status());
  EXPECT_EQ(ToJson(*again), json);
  EXPECT_EQ(ToText(*again), ToText(Orders()));
}

TEST(PlanJsonTest, ErrorsNameThePath) {
  using Json = nlohmann::json;
  const struct {
    std::function<void(Json&)> damage;
    const char* described;
  } cases[] = {
      {[](Json& j) { j["stages"][1]["chain"][0]["config"]["keys"] = "x"; },
       "stages[1].chain[0].config.keys"},
      {[](Json& j) { j["stages"][0]["chain"][1]["op"] = "clac"; }, "did you mean 'calc'?"},
      {[](Json& j) { j["stages"][0]["chain"][1]["version"] = 99; }, "'calc' in version 99"},
      {[](Json& j) { j["exchanges"][0]["colour"] = 1; }, "exchanges[0].colour"},
      {[](Json& j) { j["stages"][0].erase("parallelism"); }, "stages[0].parallelism"},
      {[](Json& j) { j["exchanges"][0]["partitioning"] = "hahs"; }, "exchanges[0].partitioning"},
      {[](Json& j) { j["millrace_plan"] = 2; }, "format 2"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.described);
    Json json = Json::parse(ToJson(Orders()));
    c.damage(json);
    const auto plan = PlanFromJson(json.dump());
    ASSERT_FALSE(plan.ok());
    EXPECT_THAT(Describe(plan.status()), HasSubstr(c.described));
  }
  EXPECT_FALSE(PlanFromJson("{").ok());
}

TEST(PlanTest, ValidateFindsBrokenStructure) {
  EXPECT_TRUE(Validate(Orders()).ok());
  const struct {
    std::function<void(PhysicalPlan&)> damage;
    const char* message;
  } cases[] = {
      {[](PhysicalPlan& p) { p.stages[1].chain[0].id = "calc"; }, "two nodes are named 'calc'"},
      {[](PhysicalPlan& p) { p.stages[1].id = StageId{0}; }, "stage 0 is there twice"},
      {[](PhysicalPlan& p) { p.exchanges[0].port = 4; }, "port 4, which is not there"},
      {[](PhysicalPlan& p) { p.exchanges[0].node = "orders"; }, "starts in the middle of a chain"},
      {[](PhysicalPlan& p) { p.exchanges[0].keys = {3}; }, "a key that is no column"},
      {[](PhysicalPlan& p) { p.exchanges[0].keys = {}; }, "needs keys"},
      {[](PhysicalPlan& p) { std::swap(p.exchanges[0].from, p.exchanges[0].to); },
       "goes backwards"},
      {[](PhysicalPlan& p) { p.stages[0].parallelism = 0; }, "parallelism 0"},
      {[](PhysicalPlan& p) { p.stages[0].chain.clear(); }, "stage 0 is empty"},
  };
  for (const auto& c : cases) {
    PhysicalPlan plan = Orders();
    c.damage(plan);
    EXPECT_THAT(Validate(plan).message(), HasSubstr(c.message));
  }
}

TEST(PlanTest, WindowsAreDescribedByTheirColumns) {
  const Schema input({{"k", SqlType::String(), {}},
                      {"v", SqlType::BigInt(), {}},
                      {"ts", SqlType::Timestamp(3), {}}});
  WindowAggregateConfig windows;
  windows.window = {WindowSpec::Kind::kHop, 60'000'000, 1'500'000, 0, 2, -1, -1};
  windows.keys = {0};
  windows.key_names = {"k"};
  windows.aggregates = {
      {"SUM", {Expression::Column(1, SqlType::BigInt())}, nullptr, false, SqlType::BigInt(), "s"}};
  windows.allowed_lateness_us = 3'600'000'000;
  EXPECT_EQ(windows.Describe({input}), "hop(ts, 1500 ms, 1 min) by k: SUM(v), late until 1 h");
  RankConfig rank;
  rank.keys = {0};
  rank.order = {{1, false, true}};
  rank.to = 3;
  rank.number_name = "n";
  EXPECT_EQ(rank.Describe({input}), "rows 1 to 3 by v desc of k AS n");
}

TEST(PlanTest, TextShowsStagesAndHidesSecrets) {
  const std::string text = ToText(Orders());
  EXPECT_THAT(text,
              HasSubstr("Stage 0  (parallelism 2)\n  source: orders[country, amount] from queue"));
  EXPECT_THAT(text, HasSubstr("'auth-token'='******'"));
  EXPECT_THAT(text, HasSubstr("'key'='${SECRET:k}'"));
  EXPECT_THAT(
      text,
      HasSubstr("  calc: where amount > 10; select country\n  -> stage 1 by hash(country)\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "  aggregate: by country: COUNT(*) (changelog)\n  sink: out[country, n] to print\n"));
}

}  // namespace
}  // namespace millrace
