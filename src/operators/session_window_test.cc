// SESSION by itself. // P1
#include <gmock/gmock.h>

#include "operators/operator_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

const Schema kInput =
    SchemaOf({{"id", SqlType::Int()}, {"k", SqlType::String()}, {"ts", SqlType::Timestamp(3)}});

std::unique_ptr<OperatorHarness> Make(TestServices& services) {
  auto config = std::make_shared<WindowConfig>();
  config->window.kind = WindowSpec::Kind::kSession;
  config->window.size_us = 5'000'000;
  config->window.time_column = 2;
  config->keys = {1};
  Schema output = kInput;
  for (const char* name : {"window_start", "window_end", "window_time"}) {
    output.Add(name, SqlType::Timestamp(3).AsNotNull());
  }
  return std::make_unique<OperatorHarness>(
      services, config, std::vector<PortPlan>{{"main", output}, {"late", kInput}},
      std::vector<Schema>{kInput});
}

std::string Row(int id, const char* key, const char* time, const char* start, const char* end,
                const char* last) {
  const std::string at = ", 1970-01-01 00:00:";
  return "+I(" + std::to_string(id) + ", " + key + at + time + ".000000" + at + start + ".000000" +
         at + end + ".000000" + at + last + ".999000)";
}

TEST(SessionWindow, RowsLeaveWhenTheirSessionHasEnded) {
  TestServices services;
  auto first = Make(services);
  first->Open();
  first->Push(BatchOf(kInput, R"([[1,"a",10000000],[2,"b",12000000],[3,"a",18000000]])"));
  first->PushTime(14'000'000);
  EXPECT_THAT(first->Taken(), ElementsAre("watermark 14000000"));
  const auto parts = first->Snapshot();

  auto second = Make(services);
  second->Open(parts);
  second->PushTime(14'000'000);
  // Makes one session of two, and is late, and has no time.
  second->Push(BatchOf(kInput, R"([[4,"a",14000000],[5,"c",8000000],[6,"a",null]])"));
  EXPECT_THAT(second->Taken(),
              UnorderedElementsAre("watermark 14000000",
                                   "dead 2: the row's time is NULL: it is in no window",
                                   "late: +I(5, c, 1970-01-01 00:00:08.000000)"));
  second->PushTime(EventTime::Max().us);
  EXPECT_THAT(second->Taken(), UnorderedElementsAre(Row(2, "b", "12", "12", "17", "16"),
                                                    Row(1, "a", "10", "10", "23", "22"),
                                                    Row(3, "a", "18", "10", "23", "22"),
                                                    Row(4, "a", "14", "10", "23", "22"), "end"));
  ASSERT_TRUE(second->status.ok()) << second->status.ToString();
  for (int state = 0; state < 3; ++state) EXPECT_EQ(second->table(state).size(), 0);
}

}  // namespace
}  // namespace millrace
