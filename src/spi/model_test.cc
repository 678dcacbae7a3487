#include "spi/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;

Schema Columns(std::vector<std::pair<std::string, SqlType>> columns) {
  Schema schema;
  for (auto& [name, type] : columns) schema.Add(name, type);
  return schema;
}

TEST(ModelColumnsTest, TensorsAsColumns) {  // T4
  const auto schema = SchemaOf({{"a", "BOOL", {}},
                                {"b", "INT8", {1}},
                                {"c", "UINT8", {}},
                                {"d", "UINT64", {}},
                                {"e", "FP16", {}},
                                {"f", "FP64", {}},
                                {"g", "BYTES", {-1}},
                                {"h", "FP32", {3, 224, 224}}})
                          .ValueOrDie();
  EXPECT_EQ(schema.ToString(),
            "(`a` BOOLEAN, `b` TINYINT, `c` SMALLINT, `d` DECIMAL(20, 0), `e` FLOAT, `f` DOUBLE, "
            "`g` ARRAY<STRING>, `h` ARRAY<ARRAY<ARRAY<FLOAT>>>)");
  const Status unknown = SchemaOf({{"x", "FP33", {}}}).status();
  EXPECT_THAT(unknown.message(), HasSubstr("'FP33'"));
  EXPECT_THAT(InfoOf(unknown).hint, HasSubstr("did you mean"));
}

TEST(ModelColumnsTest, BindsByName) {
  const std::vector<TensorSpec> tensors = {{"amount", "FP64", {1}}, {"country", "BYTES", {1}}};
  const Schema declared = Columns({{"country", SqlType::VarChar(2)}, {"amount", SqlType::Float()}});
  const auto bound = BindColumns("fraud", "INPUT", declared, tensors).ValueOrDie();
  ASSERT_EQ(bound.size(), 2u);
  EXPECT_EQ(bound[0].columns, std::vector<int>{1});
  EXPECT_EQ(bound[1].columns, std::vector<int>{0});
  // Outputs may be left out.
  const auto output =
      BindColumns("fraud", "OUTPUT", Columns({{"country", SqlType::String()}}), tensors)
          .ValueOrDie();
  ASSERT_EQ(output.size(), 1u);
  EXPECT_EQ(output[0].tensor, 1);
}

TEST(ModelColumnsTest, OneTensorTakesAnyName) {
  const std::vector<TensorSpec> tensors = {{"variable", "FP32", {1}}};
  EXPECT_TRUE(CheckColumns("m", "OUTPUT", Columns({{"quality", SqlType::Double()}}), tensors).ok());
  EXPECT_TRUE(
      CheckColumns("m", "OUTPUT", Columns({{"quality", SqlType::Array(SqlType::Float())}}), tensors)
          .ok());
}

TEST(ModelColumnsTest, PacksScalarColumns) {
  const Schema declared = Columns({{"x", SqlType::Float()}, {"y", SqlType::Float()}});
  for (const int64_t width : {2, -1}) {
    const auto bound =
        BindColumns("m", "INPUT", declared, {{"float_input", "FP32", {width}}}).ValueOrDie();
    ASSERT_EQ(bound.size(), 1u);
    EXPECT_TRUE(bound[0].packed);
    EXPECT_EQ(bound[0].columns, (std::vector<int>{0, 1}));
  }
  const auto array = Columns({{"features", SqlType::Array(SqlType::Float())}});
  EXPECT_FALSE(
      BindColumns("m", "INPUT", array, {{"float_input", "FP32", {2}}}).ValueOrDie()[0].packed);
}

TEST(ModelColumnsTest, ErrorsNameColumnExpectationAndCast) {  // T1
  const TensorSpec amount{"amount", "FP32", {1}}, code{"code", "INT32", {1}},
      values{"v", "FP32", {3}};
  const struct {
    const char* side;
    Schema declared;
    std::vector<TensorSpec> tensors;
    const char *message, *hint;
  } cases[] = {
      {"INPUT",
       Columns({{"amount", SqlType::Double()}}),
       {amount},
       "its INPUT column 'amount' is DOUBLE, but the model takes FP32 of shape [1], which is FLOAT "
       "in SQL",
       "declare `amount` FLOAT and pass CAST(`amount` AS FLOAT)"},
      {"OUTPUT",
       Columns({{"score", SqlType::Int()}}),
       {amount},
       "its OUTPUT column 'score' is INT, but the model gives FP32",
       "declare `score` FLOAT; where INT is wanted, write CAST(`score` AS INT) in the query"},
      {"INPUT",
       Columns({{"amount", SqlType::Float()}, {"cod", SqlType::Int()}}),
       {amount, code},
       "the model 'm' has no input 'cod'",
       "did you mean 'code'?"},
      {"INPUT",
       Columns({{"amount", SqlType::Float()}}),
       {amount, code},
       "lacks the model's input 'code'",
       "add `code` INT"},
      {"INPUT",
       Columns({{"a", SqlType::Float()}, {"b", SqlType::Float()}}),
       {values},
       "has 2 columns, but the model's one tensor 'v' takes 3 values",
       "declare 3 FLOAT columns in the order of the tensor, or one column ARRAY<FLOAT>"},
      {"INPUT",
       Columns({{"a", SqlType::Float()}, {"b", SqlType::Double()}, {"c", SqlType::Float()}}),
       {values},
       "column 'b' is DOUBLE",
       "CAST(`b` AS FLOAT)"},
      {"INPUT",
       Columns({{"code", SqlType::Array(SqlType::Int())}, {"amount", SqlType::Float()}}),
       {amount, {"code", "INT32", {2, 2}}},
       "column 'code' is ARRAY<INT>, but the model takes INT32 of shape [2, 2], which is "
       "ARRAY<ARRAY<INT>> in SQL",
       "declare `code` ARRAY<ARRAY<INT>>"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    const Status status = CheckColumns("m", c.side, c.declared, c.tensors);
    EXPECT_THAT(status.message(), HasSubstr(c.message));
    EXPECT_THAT(InfoOf(status).hint, HasSubstr(c.hint));
    EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kUser);
  }
}

}  // namespace
}  // namespace millrace
