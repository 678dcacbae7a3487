#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "operators/operator_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

Schema Input() {
  return SchemaOf(
      {{"id", SqlType::Int()}, {"text", SqlType::String()}, {"keep", SqlType::Boolean()}});
}
ExpressionPtr Id() { return Expression::Column(0, SqlType::Int()); }
ExpressionPtr Number() {
  return Expression::Call("CAST", {Expression::Column(1, SqlType::String())}, SqlType::Int());
}

std::shared_ptr<CalcConfig> IdAndNumber() {
  auto calc = std::make_shared<CalcConfig>();
  calc->condition = Expression::Column(2, SqlType::Boolean());
  calc->projections = {Id(), Number()};
  calc->names = {"id", "n"};
  return calc;
}

const std::vector<PortPlan> kIdAndNumber = {
    {"main", SchemaOf({{"id", SqlType::Int()}, {"n", SqlType::Int()}})}};

TEST(Calc, FiltersProjectsAndKeepsKinds) {
  TestServices services;
  OperatorHarness harness(services, IdAndNumber(), kIdAndNumber, {Input()});
  harness.Open();
  harness.Push(BatchOf(Input(), R"([[1,"10",true],[2,"20",false],[3,"30",null],[4,null,true]])",
                       "[0,0,0,3]"));
  harness.PushTime(77);
  EXPECT_THAT(harness.Taken(), ElementsAre("+I(1, 10)", "-D(4, null)", "watermark 77"));
  ASSERT_TRUE(harness.status.ok()) << harness.status.ToString();
}

// Bad data never stops a job.
TEST(Calc, SendsRowsThatFailToTheDeadLetters) {
  TestServices services;
  OperatorHarness harness(services, IdAndNumber(), kIdAndNumber, {Input()});
  harness.Open();
  harness.Push(BatchOf(Input(), R"([[1,"10",true],[2,"x",true],[3,"y",false],[4,"40",true]])"));
  EXPECT_THAT(harness.Taken(), ElementsAre(StartsWith("dead 1: "), "+I(1, 10)", "+I(4, 40)"));
  ASSERT_TRUE(harness.status.ok()) << harness.status.ToString();
}

struct UnnestCase {
  const char* name;
  SqlType collection;
  std::vector<std::pair<std::string, SqlType>> added;
  bool outer, ordinality;
  const char* input;
  std::vector<std::string> expected;
};

class UnnestTest : public testing::TestWithParam<UnnestCase> {};

TEST_P(UnnestTest, GivesARowPerElement) {
  const UnnestCase& c = GetParam();
  const Schema input = SchemaOf({{"id", SqlType::Int()}, {"c", c.collection}});
  auto config = std::make_shared<UnnestConfig>();
  config->collection = Expression::Column(1, c.collection);
  config->outer = c.outer;
  config->ordinality = c.ordinality;
  Schema output = input;
  for (const auto& [name, type] : c.added) {
    output.Add(name, type);
    config->names.push_back(name);
  }
  TestServices services;
  OperatorHarness harness(services, config, {{"main", output}}, {input});
  harness.Open();
  // A slice: offsets count from the middle of the buffers.
  Batch batch = BatchOf(input, c.input);
  harness.Push(batch.Slice(1, batch.num_rows() - 1));
  ASSERT_TRUE(harness.status.ok()) << harness.status.ToString();
  std::vector<std::string> added;
  for (const std::string& row : harness.Taken()) {
    // The collection itself is printed at length: keep the id and what was added.
    added.push_back(row.substr(3, 1) + row.substr(row.rfind(']') == std::string::npos
                                                      ? row.find("null") + 4
                                                      : row.rfind(']') + 1));
  }
  EXPECT_EQ(added, c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, UnnestTest,
    testing::Values(UnnestCase{"array",
                               SqlType::Array(SqlType::Int()),
                               {{"e", SqlType::Int()}},
                               false,
                               false,
                               "[[0,[9]],[1,[7,null]],[2,[]],[3,null],[4,[8]]]",
                               {"1, 7)", "1, null)", "4, 8)"}},
                    UnnestCase{"outer_ordinality",
                               SqlType::Array(SqlType::Int()),
                               {{"e", SqlType::Int()}, {"o", SqlType::Int()}},
                               true,
                               true,
                               "[[0,[9]],[1,[7,6]],[2,[]]]",
                               {"1, 7, 1)", "1, 6, 2)", "2, null, null)"}},
                    UnnestCase{"rows",
                               SqlType::Array(SqlType::Row({{"a", SqlType::Int(), {}},
                                                            {"b", SqlType::Int(), {}}})),
                               {{"a", SqlType::Int()}, {"b", SqlType::Int()}},
                               false,
                               false,
                               "[[0,[[9,9]]],[1,[[7,6],null,[5,null]]]]",
                               {"1, 7, 6)", "1, null, null)", "1, 5, null)"}},
                    UnnestCase{"map",
                               SqlType::Map(SqlType::Int(), SqlType::Int()),
                               {{"k", SqlType::Int()}, {"v", SqlType::Int()}},
                               false,
                               false,
                               "[[0,[[9,9]]],[1,[[7,6],[5,null]]]]",
                               {"1, 7, 6)", "1, 5, null)"}}),
    [](const auto& info) { return info.param.name; });

std::shared_ptr<ValuesConfig> ThreeThousand() {
  auto config = std::make_shared<ValuesConfig>();
  config->schema = SchemaOf({{"n", SqlType::BigInt()}});
  for (int64_t i = 0; i < 3000; ++i) {
    config->rows.push_back({Expression::Literal(i, SqlType::BigInt())});
  }
  return config;
}

TEST(Values, GoesOnAfterARestoreWhereItStopped) {
  TestServices services;
  const auto config = ThreeThousand();
  OperatorHarness first(services, config, {{"main", config->schema}});
  first.Open();
  first.room = false;
  EXPECT_EQ(first.RunAll(), Step::kMore);
  EXPECT_THAT(first.Taken(), IsEmpty());
  first.room = true;
  EXPECT_EQ(first.RunAll(), Step::kFinished);
  EXPECT_EQ(first.Taken().size(), 3000u);

  OperatorHarness second(services, config, {{"main", config->schema}});
  second.Open(first.Snapshot());
  EXPECT_EQ(second.RunAll(), Step::kFinished);
  EXPECT_THAT(second.Taken(), IsEmpty());
  ASSERT_TRUE(second.status.ok()) << second.status.ToString();
}

TEST(Limit, SkipsTakesAndWantsNoMore) {
  TestServices services;
  const Schema schema = SchemaOf({{"n", SqlType::Int()}});
  auto config = std::make_shared<LimitConfig>();
  config->offset = 2;
  config->limit = 3;
  OperatorHarness first(services, config, {{"main", schema}}, {schema});
  first.Open();
  first.Push(BatchOf(schema, "[[1],[2],[3]]"));
  EXPECT_EQ(first.Run(), Step::kIdle);
  EXPECT_THAT(first.Taken(), ElementsAre("+I(3)"));

  OperatorHarness second(services, config, {{"main", schema}}, {schema});
  second.Open(first.Snapshot());
  second.Push(BatchOf(schema, "[[4],[5],[6]]"));
  EXPECT_EQ(second.Run(), Step::kFinished);
  second.Push(BatchOf(schema, "[[7]]"));
  EXPECT_THAT(second.Taken(), ElementsAre("+I(4)", "+I(5)"));
  ASSERT_TRUE(second.status.ok()) << second.status.ToString();
}

class FullReceiver final : public RowReceiver {
 public:
  bool HasRoom() const override { return room; }
  void OnReady(std::function<void()> f) override { ready = std::move(f); }
  Status Receive(Batch batch) override {
    rows += batch.num_rows();
    return Status::OK();
  }
  bool room = true;
  int64_t rows = 0;
  std::function<void()> ready;
};

TEST(Collect, WaitsForItsReceiver) {
  TestServices services;
  const auto receiver = std::make_shared<FullReceiver>();
  services.receiver_ = receiver;
  auto config = std::make_shared<CollectConfig>();
  config->receiver = "query";
  const Schema schema = SchemaOf({{"n", SqlType::Int()}});
  OperatorHarness harness(services, config, {}, {schema});
  harness.Open();
  EXPECT_TRUE(harness.op().Accepts(0));
  harness.Push(BatchOf(schema, "[[1],[2]]"));
  EXPECT_EQ(receiver->rows, 2);
  receiver->room = false;
  EXPECT_FALSE(harness.op().Accepts(0));
  receiver->room = true;
  receiver->ready();
  harness.Complete();
  EXPECT_TRUE(harness.op().Accepts(0));
  ASSERT_TRUE(harness.status.ok()) << harness.status.ToString();
}

TEST(Registry, NamesWhatItDoesNotKnow) {
  struct Strange final : NodeConfig {
    std::string_view op() const override { return "calk"; }
    nlohmann::json ToJson() const override { return {}; }
    std::string Describe(const std::vector<Schema>&) const override { return ""; }
  };
  TestServices services;
  const PlanNode node{"n", std::make_shared<Strange>(), {}};
  const auto made = MakeOperator({node, {}, services, 0, 1});
  EXPECT_THAT(Describe(made.status()), testing::HasSubstr("did you mean 'calc'"));
}

TEST(Window, GivesARowForEachOfItsWindows) {
  const Schema input = SchemaOf({{"id", SqlType::Int()}, {"ts", SqlType::Timestamp(3)}});
  auto config = std::make_shared<WindowConfig>();
  config->window.kind = WindowSpec::Kind::kHop;
  config->window.size_us = 10'000'000;
  config->window.step_us = 5'000'000;
  config->window.time_column = 1;
  Schema output = input;
  for (const char* name : {"window_start", "window_end", "window_time"}) {
    output.Add(name, SqlType::Timestamp(3).AsNotNull());
  }
  TestServices services;
  OperatorHarness harness(services, config, {{"main", output}}, {input});
  harness.Open();
  harness.PushTime(60'000'000);
  harness.Push(BatchOf(input, "[[1,12000000],[2,null]]", "[3,0]"));  // behind the watermark
  const std::string at = "1970-01-01 00:00:";
  EXPECT_THAT(harness.Taken(),
              ElementsAre("watermark 60000000", StartsWith("dead 1: the row's time is NULL"),
                          "-D(1, " + at + "12.000000, " + at + "05.000000, " + at + "15.000000, " +
                              at + "14.999000)",
                          "-D(1, " + at + "12.000000, " + at + "10.000000, " + at + "20.000000, " +
                              at + "19.999000)"));
  ASSERT_TRUE(harness.status.ok()) << harness.status.ToString();
}

}  // namespace
}  // namespace millrace
