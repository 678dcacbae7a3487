#include <gmock/gmock.h>

#include "operators/operator_harness.h"
#include "operators/test_aggregates.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

Schema Input() {
  return SchemaOf({{"k", SqlType::String()},
                   {"v", SqlType::BigInt()},
                   {"big", SqlType::Boolean()},
                   {"text", SqlType::String()}});
}

class AggregateTest : public testing::Test {
 protected:
  AggregateTest() { AddTestAggregates(services_.registries_); }

  std::unique_ptr<OperatorHarness> Make(
      bool keyed, std::vector<AggregateCall> calls,
      AggregateConfig::Output output = AggregateConfig::Output::kChangelog,
      ChangelogMode mode = ChangelogMode::kRetract) {
    auto config = std::make_shared<AggregateConfig>();
    Schema schema;
    if (keyed) {
      config->keys = {0};
      config->key_names = {"k"};
      schema.Add("k", SqlType::String());
    }
    for (const AggregateCall& call : calls) schema.Add(call.name, call.type);
    config->aggregates = std::move(calls);
    config->output = output;
    PortPlan port{"main", schema, mode};
    return std::make_unique<OperatorHarness>(services_, config, std::vector<PortPlan>{port},
                                             std::vector<Schema>{Input()});
  }

  static AggregateCall Sum(bool distinct = false) {
    AggregateCall call{
        "SUM", {Expression::Column(1, SqlType::BigInt())}, nullptr, distinct, SqlType::BigInt(),
        "s"};
    return call;
  }
  static AggregateCall Count() { return {"COUNT", {}, nullptr, false, SqlType::BigInt(), "n"}; }

  static Batch Rows(const std::string& json, const std::string& kinds = {}) {
    return BatchOf(Input(), json, kinds);
  }

  TestServices services_;
};

TEST_F(AggregateTest, SaysOncePerBatchHowEachKeyChanged) {
  auto h = Make(true, {Sum(), Count()});
  h->Open();
  h->Push(Rows(R"([["a",1,true,""],["b",2,true,""],["a",3,true,""]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 4, 2)", "+I(b, 2, 1)"));
  h->Push(Rows(R"([["b",5,true,""],[null,7,true,""]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("-U(b, 2, 1)", "+U(b, 7, 2)", "+I(null, 7, 1)"));
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(AggregateTest, SaysNothingWhereNothingChanged) {
  auto h = Make(true, {Sum()});
  h->Open();
  h->Push(Rows(R"([["a",1,true,""]])"));
  h->Taken();
  h->Push(Rows(R"([["a",0,true,""],["z",1,true,""],["z",1,true,""]])", "[0,0,3]"));
  EXPECT_THAT(h->Taken(), IsEmpty());
}

TEST_F(AggregateTest, TakesBackWhatItsInputTakesBack) {
  auto h = Make(true, {Sum(), Count()});
  h->Open();
  h->Push(Rows(R"([["a",1,true,""],["a",2,true,""],["b",9,true,""]])"));
  h->Taken();
  h->Push(Rows(R"([["a",2,true,""],["a",5,true,""],["b",9,true,""]])", "[1,2,3]"));
  EXPECT_THAT(h->Taken(), ElementsAre("-U(a, 3, 2)", "+U(a, 6, 2)", "-D(b, 9, 1)"));
  h->Push(Rows(R"([["b",4,true,""]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(b, 4, 1)")) << "the erased key starts anew";
}

TEST_F(AggregateTest, AnUpsertStreamHasNoUpdateBefore) {
  auto h = Make(true, {Sum()}, AggregateConfig::Output::kChangelog, ChangelogMode::kUpsert);
  h->Open();
  h->Push(Rows(R"([["a",1,true,""]])"));
  h->Push(Rows(R"([["a",1,true,""]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 1)", "+U(a, 2)"));
}

TEST_F(AggregateTest, CountsDistinctValuesThroughRetractions) {
  auto h = Make(true, {Sum(true)});
  h->Open();
  h->Push(Rows(
      R"([["a",5,true,""],["a",5,true,""],["a",2,true,""],["b",5,true,""],["a",null,true,""]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 7)", "+I(b, 5)"));
  h->Push(Rows(R"([["a",5,true,""]])", "[3]"));
  EXPECT_THAT(h->Taken(), IsEmpty()) << "a copy is left";
  h->Push(Rows(R"([["a",5,true,""]])", "[3]"));
  EXPECT_THAT(h->Taken(), ElementsAre("-U(a, 7)", "+U(a, 2)"));
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(AggregateTest, FiltersPerCall) {
  AggregateCall filtered = Sum();
  filtered.filter = Expression::Column(2, SqlType::Boolean());
  filtered.name = "f";
  auto h = Make(true, {Sum(), filtered});
  h->Open();
  h->Push(Rows(R"([["a",1,true,""],["a",2,false,""],["a",4,null,""]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 7, 1)"));
}

TEST_F(AggregateTest, LeavesOutRowsThatFail) {
  AggregateCall cast = Sum();
  cast.arguments = {
      Expression::Call("CAST", {Expression::Column(3, SqlType::String())}, SqlType::BigInt())};
  auto h = Make(true, {cast, Count()});
  h->Open();
  h->Push(Rows(R"([["a",1,true,"1"],["a",1,true,"x"],["b",1,true,"y"],["a",1,true,"2"]])"));
  EXPECT_THAT(h->Taken(),
              ElementsAre(StartsWith("dead 1: "), StartsWith("dead 2: "), "+I(a, 3, 2)"));
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(AggregateTest, FinalRowsComeAtTheEndAndWaitForRoom) {
  auto h = Make(true, {Sum()}, AggregateConfig::Output::kFinal);
  h->Open();
  h->Push(Rows(R"([["a",1,true,""],["b",2,true,""]])"));
  h->Push(Rows(R"([["a",3,true,""]])"));
  EXPECT_THAT(h->Taken(), IsEmpty());
  h->room = false;
  ASSERT_TRUE(h->op().Finish(0, *h).ok());
  EXPECT_EQ(h->Run(), Step::kMore);
  EXPECT_THAT(h->Taken(), IsEmpty());
  h->room = true;
  EXPECT_EQ(h->RunAll(), Step::kIdle);
  EXPECT_THAT(h->Taken(), UnorderedElementsAre("+I(a, 4)", "+I(b, 2)"));
}

TEST_F(AggregateTest, WithoutKeysThereIsOneRowEvenOfNothing) {
  for (const auto mode : {AggregateConfig::Output::kFinal, AggregateConfig::Output::kChangelog}) {
    auto empty = Make(false, {Count()}, mode);
    empty->Open();
    empty->Finish();
    EXPECT_THAT(empty->Taken(), ElementsAre("+I(0)"));
    auto again = Make(false, {Count()}, mode);
    again->Open(empty->Snapshot());
    again->Finish();
    EXPECT_THAT(again->Taken(), IsEmpty()) << "it was said before the snapshot";

    auto some = Make(false, {Count()}, mode);
    some->Open();
    some->Push(Rows(R"([["a",1,true,""],["b",2,true,""]])"));
    some->Finish();
    EXPECT_THAT(some->Taken(), ElementsAre("+I(2)"));
    ASSERT_TRUE(some->status.ok()) << some->status.ToString();
  }
}

// P2
TEST_F(AggregateTest, GoesOnAfterARestore) {
  auto first = Make(true, {Sum(), Sum(true)});
  first->Open();
  first->Push(Rows(R"([["a",1,true,""],["b",2,true,""]])"));
  first->Taken();
  const auto parts = first->Snapshot();
  first->Push(Rows(R"([["a",100,true,""]])"));
  auto second = Make(true, {Sum(), Sum(true)});
  second->Open(parts);
  second->Push(Rows(R"([["a",1,true,""],["b",3,true,""]])"));
  EXPECT_THAT(second->Taken(),
              ElementsAre("-U(a, 1, 1)", "+U(a, 2, 1)", "-U(b, 2, 2)", "+U(b, 5, 5)"));
  ASSERT_TRUE(second->status.ok()) << second->status.ToString();
}

}  // namespace
}  // namespace millrace
