#include <gmock/gmock.h>

#include "operators/operator_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;

TEST(Expand, GivesARowForEachGroupingSet) {
  const Schema input =
      SchemaOf({{"region", SqlType::String()}, {"n", SqlType::Int()}, {"kind", SqlType::Int()}});
  auto config = std::make_shared<ExpandConfig>();
  config->columns = {0, 2};
  config->sets = {{0, 2}, {2}, {}};
  config->id_name = "$grouping";
  Schema output = input;
  output.Add("$grouping", SqlType::BigInt().AsNotNull());
  TestServices services;
  OperatorHarness harness(services, config, {{"main", output}}, {input});
  harness.Open();
  harness.Push(BatchOf(input, R"([["n",10,1],["s",null,2]])", "[0,3]"));
  harness.PushTime(5);
  EXPECT_THAT(harness.Taken(),
              ElementsAre("+I(n, 10, 1, 0)", "-D(s, null, 2, 0)", "+I(null, 10, 1, 2)",
                          "-D(null, null, 2, 2)", "+I(null, 10, null, 3)",
                          "-D(null, null, null, 3)", "watermark 5"));
  ASSERT_TRUE(harness.status.ok()) << harness.status.ToString();
}

}  // namespace
}  // namespace millrace
