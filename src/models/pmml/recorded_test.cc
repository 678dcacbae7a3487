// What the reference evaluator (JPMML) gave for documents of every kind: test/diff/pmml.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/pmml/pmml_model.h"
#include "models/test_services.h"

namespace millrace::pmml {
namespace {

using Table = std::vector<std::vector<std::string>>;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Table ReadCsv(const std::string& path, char separator = ',') {
  Table table;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    auto& cells = table.emplace_back(1);
    for (const char c : line) {
      if (c == separator)
        cells.emplace_back();
      else
        cells.back() += c;
    }
  }
  return table;
}

Batch BatchOf(const Table& rows, const Schema& schema) {
  arrow::ArrayVector columns;
  for (size_t c = 0; c < static_cast<size_t>(schema.size()); ++c) {
    std::string json = "[";
    for (size_t row = 0; row < rows.size(); ++row) {
      const std::string& cell = rows[row][c];
      json += (row == 0 ? "" : ",") + (cell.empty() ? "null" : '"' + cell + '"');
    }
    columns.push_back(arrow::json::ArrayFromJSONString(arrow::utf8(), json + "]").ValueOrDie());
  }
  Batch batch;
  batch.rows =
      arrow::RecordBatch::Make(schema.ToArrow(), static_cast<int64_t>(rows.size()), columns);
  return batch;
}

/// Scores text columns named as `header`; every answer as text.
Result<Prediction> Score(const std::string& path, const std::vector<std::string>& header,
                         const Table& rows, ModelConfig* config) {
  ARROW_ASSIGN_OR_RAISE(const auto program, Program::Compile(ReadText(path), path));
  for (const std::string& name : header) config->input.Add(name, SqlType::String());
  ARROW_ASSIGN_OR_RAISE(config->output, SchemaOf(SignatureFor(*program, *config).outputs));
  ARROW_ASSIGN_OR_RAISE(const auto model, MakePmmlModel(program, *config, "v"));
  return Predict(model, BatchOf(rows, config->input));
}

bool IsSame(const std::string& expected, const arrow::Scalar& actual) {
  if (expected.empty() || expected == "NaN") return !actual.is_valid;
  if (!actual.is_valid) return false;
  const std::string text = actual.ToString();
  if (text == expected) return true;
  double x, y;
  if (!ParseNumber(expected, &x) || !ParseNumber(text, &y)) return false;
  const bool is_float = actual.type->id() == arrow::Type::FLOAT;
  return x == y || std::abs(x - y) <= (is_float ? 1e-6 : 1e-9) * std::max(1.0, std::abs(x));
}

/// The first differences between recorded and own results; `lenient`: of rows that the reference
/// gives a result for.
std::vector<std::string> Differences(const Table& recorded, const Prediction& own,
                                     const ModelConfig& config, bool lenient) {
  std::vector<std::string> differences;
  std::set<int32_t> refused;
  for (const RowError& error : own.errors) refused.insert(error.row);
  for (size_t row = 1; row < recorded.size() && differences.size() < 5; ++row) {
    const auto at = static_cast<int32_t>(row - 1);
    const bool expected_error = recorded[row][0] == "error";
    if (expected_error && lenient) continue;
    if (expected_error != refused.contains(at)) {
      differences.push_back("row " + std::to_string(at) +
                            (expected_error ? " must fail" : " must not fail"));
      continue;
    }
    for (size_t c = 0; c < recorded[0].size() && !expected_error; ++c) {
      const int column = config.output.Find(recorded[0][c]);
      if (column < 0) return {"there is no output " + recorded[0][c]};
      const auto actual = own.outputs->column(column)->GetScalar(at).ValueOrDie();
      if (!IsSame(recorded[row][c], *actual)) {
        differences.push_back("row " + std::to_string(at) + ' ' + recorded[0][c] + ": " +
                              recorded[row][c] + ", not " + actual->ToString());
      }
    }
  }
  return differences;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator("test/diff/pmml/models")) {
    const std::string name = file.path().stem().string();
    if (std::filesystem::exists("test/diff/pmml/recorded/" + name + ".csv")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

class RecordedTest : public testing::TestWithParam<std::string> {};

TEST_P(RecordedTest, EqualsTheReference) {  // T16
  const bool invalid = GetParam().starts_with("treatment_");
  Table rows = ReadCsv(invalid ? "test/diff/pmml/invalid.csv" : "test/diff/pmml/rows.csv");
  const auto header = rows[0];
  rows.erase(rows.begin());
  ModelConfig config{"m", "pmml", {}, {}, {}};
  const auto own = Score("test/diff/pmml/models/" + GetParam() + ".pmml", header, rows, &config);
  ASSERT_TRUE(own.ok()) << Describe(own.status());
  // The reference refuses rows for missing values that the standard lets lead to a missing result.
  const bool lenient = !invalid;
  const Table recorded = ReadCsv("test/diff/pmml/recorded/" + GetParam() + ".csv");
  EXPECT_THAT(Differences(recorded, *own, config, lenient), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Documents, RecordedTest, testing::ValuesIn(Names()),
                         [](const auto& info) { return info.param; });

/// Wines of the folder that MILLRACE_TEST_DATA names.
class WineTest : public testing::TestWithParam<const char*> {};

TEST_P(WineTest, EveryWineIsScoredAsTheReferenceDoes) {  // T16
  const char* variable = std::getenv("MILLRACE_TEST_DATA");
  const std::string folder =
      std::string(variable == nullptr ? "../shared/data" : variable) + "/wine/";
  if (!std::filesystem::exists(folder))
    GTEST_SKIP() << "no real data in " << folder << ": set MILLRACE_TEST_DATA to its folder";
  const Table rows = ReadCsv(folder + "winequality_red.csv", ';');
  ASSERT_EQ(rows.size(), 1599u);
  ModelConfig config{"m", "pmml", {}, {}, {}};
  const std::vector<std::string> header = {"fixed_acidity",
                                           "volatile_acidity",
                                           "citric_acid",
                                           "residual_sugar",
                                           "chlorides",
                                           "free_sulfur_dioxide",
                                           "total_sulfur_dioxide",
                                           "density",
                                           "pH",
                                           "sulphates",
                                           "alcohol",
                                           "graded"};
  const std::string name = std::string("winequality") + GetParam();
  const auto own = Score(folder + name + ".pmml", header, rows, &config);
  ASSERT_TRUE(own.ok()) << Describe(own.status());
  const Table recorded = ReadCsv("test/diff/pmml/recorded/" + name + ".csv");
  ASSERT_EQ(recorded.size(), 1600u);
  EXPECT_THAT(Differences(recorded, *own, config, false), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Models, WineTest,
                         testing::Values("LinearRegression", "DecisionTreeClassification",
                                         "GeneralizedLinearRegressionGamma",
                                         "MultilayerPerceptron"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millrace::pmml
