#include "connectors/print.h"

#include <sstream>

#include <gtest/gtest.h>

#include "connectors/blackhole.h"
#include "connectors/fake_world.h"
#include "types/column_buffer.h"

namespace millrace {
namespace {

constexpr int64_t kDay = 86'400'000'000;

TEST(PrintTest, ValuesLookLikeFlinks) {
  const struct {
    SqlType type;
    std::function<void(ColumnBuffer&)> append;
    const char* text;
  } cases[] = {
      {SqlType::Int(), [](auto& c) { c.AppendNull(); }, "null"},
      {SqlType::Boolean(), [](auto& c) { c.template Append<uint8_t>(1); }, "true"},
      {SqlType::TinyInt(), [](auto& c) { c.template Append<int8_t>(-5); }, "-5"},
      {SqlType::Double(), [](auto& c) { c.Append(1.0); }, "1.0"},
      {SqlType::Double(), [](auto& c) { c.Append(1.5e10); }, "1.5E10"},
      {SqlType::Double(), [](auto& c) { c.Append(1e-5); }, "1.0E-5"},
      {SqlType::Float(), [](auto& c) { c.Append(0.1f); }, "0.1"},
      {SqlType::Decimal(5, 2), [](auto& c) { c.template Append<__int128>(-5); }, "-0.05"},
      {SqlType::String(), [](auto& c) { c.AppendBytes("a, b"); }, "a, b"},
      {SqlType::Bytes(), [](auto& c) { c.AppendBytes("\x01\xff"); }, "[1, -1]"},
      {SqlType::Date(), [](auto& c) { c.template Append<int32_t>(-1); }, "1969-12-31"},
      {SqlType::Time(), [](auto& c) { c.template Append<int32_t>(3'600'000); }, "01:00"},
      {SqlType::Time(3), [](auto& c) { c.template Append<int32_t>(1'500); }, "00:00:01.500"},
      {SqlType::Timestamp(3), [](auto& c) { c.template Append<int64_t>(kDay); },
       "1970-01-02T00:00"},
      {SqlType::Timestamp(6), [](auto& c) { c.template Append<int64_t>(-1); },
       "1969-12-31T23:59:59.999999"},
      {SqlType::TimestampLtz(3), [](auto& c) { c.template Append<int64_t>(0); },
       "1970-01-01T00:00:00Z"},
      {SqlType::IntervalYearMonth(), [](auto& c) { c.template Append<int32_t>(14); }, "P1Y2M"},
      {SqlType::IntervalDayTime(), [](auto& c) { c.template Append<int64_t>(3'661'500'000); },
       "PT1H1M1.5S"},
      {SqlType::Array(SqlType::Int()),
       [](auto& c) {
         c.child(0).template Append<int32_t>(1);
         c.child(0).AppendNull();
         c.AppendList();
       },
       "[1, null]"},
      {SqlType::Map(SqlType::String(), SqlType::Int()),
       [](auto& c) {
         c.child(0).AppendBytes("k");
         c.child(1).template Append<int32_t>(7);
         c.AppendList();
       },
       "{k=7}"},
      {SqlType::Row({{"x", SqlType::Int(), {}}, {"y", SqlType::String(), {}}}),
       [](auto& c) {
         c.child(0).template Append<int32_t>(1);
         c.child(1).AppendBytes("a");
         c.AppendRow();
       },
       "+I[1, a]"},
  };
  for (const auto& test : cases) {
    ColumnBuffer column(test.type);
    test.append(column);
    const auto array = column.Finish();
    ASSERT_TRUE(array->ValidateFull().ok()) << test.type.ToString();
    std::string text;
    AppendPrinted(test.type, *array, 0, &text);
    EXPECT_EQ(text, test.text) << test.type.ToString();
  }
}

TEST(PrintTest, PrefixesKindsAndStreams) {
  const struct {
    OptionMap options;
    int subtask, parallelism;
    const char *out, *err;
  } cases[] = {
      {{}, 0, 1, "+I[1]\n-U[2]\n", ""},
      {{}, 1, 2, "2> +I[1]\n2> -U[2]\n", ""},
      {{{"print-identifier", "v"}}, 0, 1, "v> +I[1]\nv> -U[2]\n", ""},
      {{{"print-identifier", "v"}}, 1, 2, "v:2> +I[1]\nv:2> -U[2]\n", ""},
      {{{"standard-error", "true"}}, 0, 1, "", "+I[1]\n-U[2]\n"},
  };
  for (const auto& test : cases) {
    std::ostringstream out, err;
    FakeServices services;
    services.all.connectors.Add(PrintConnector(out, err));
    const Schema schema({{"a", SqlType::Int(), {}}});
    const auto table = *TestTable::Make(services, "print", schema, test.options);
    const auto writer = *table->Writer(test.subtask, test.parallelism);
    ColumnBuffer values(SqlType::Int()), kinds(SqlType::TinyInt());
    for (const int i : {0, 1}) {
      values.Append<int32_t>(i + 1);
      kinds.Append<int8_t>(static_cast<int8_t>(i));
    }
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(schema.ToArrow(), 2, {values.Finish()});
    batch.kinds = std::static_pointer_cast<arrow::Int8Array>(kinds.Finish());
    ASSERT_TRUE(writer->Write(batch, nullptr).ok());
    EXPECT_EQ(out.str(), test.out);
    EXPECT_EQ(err.str(), test.err);
  }
}

TEST(BlackholeTest, TakesEverything) {
  FakeServices services;
  services.all.connectors.Add(BlackholeConnector());
  const auto table =
      *TestTable::Make(services, "blackhole", Schema({{"a", SqlType::Int(), {}}}), {});
  const auto writer = *table->Writer();
  EXPECT_TRUE(writer->HasRoom());
  EXPECT_TRUE(writer->Write(Batch{}, nullptr).ok());
  EXPECT_TRUE(writer->Rotate(CheckpointId{1})->empty());
}

}  // namespace
}  // namespace millrace
