#include "models/stream/golden_rows.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/compare.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "base/suggest.h"
#include "spi/services.h"

namespace millrace {
namespace {

using Json = nlohmann::ordered_json;

std::string TextOf(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// One row of the columns that `values` has.
Result<std::shared_ptr<arrow::RecordBatch>> RowOf(const Schema& schema, const Json& values) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  const auto arrow_schema = schema.ToArrow();
  for (const auto& field : arrow_schema->fields()) {
    const auto value = values.find(field->name());
    if (value == values.end()) continue;
    fields.push_back(field);
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::json::ArrayFromJSONString(
                                                      field->type(), "[" + value->dump() + "]"));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), 1, std::move(columns));
}

std::string CellText(const arrow::Array& column) {
  const auto value = column.GetScalar(0);
  return value.ok() ? (*value)->ToString() : "?";
}

}  // namespace

Result<GoldenRows> GoldenRows::Read(const ModelConfig& model, const Options& options,
                                    Services& services) {
  GoldenRows golden;
  golden.tolerance_ = options.Double("golden-tolerance");
  const std::string path = options.String("golden-rows");
  if (path.empty()) return golden;
  const std::vector<std::string> keys = ParseNames(options.String("key"));
  ARROW_ASSIGN_OR_RAISE(const std::string text, ReadFile(services.env().files(), path));
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto fault = [&](const std::string& message) {
      return Error::User("a golden row " + message)
          .At({number, 1})
          .In(path)
          .Hint("a line is a JSON object with the columns " + model.input.ToString() + " and " +
                model.output.ToString());
    };
    const Json values = Json::parse(line, nullptr, false);
    if (!values.is_object()) return fault("is no JSON object");
    Row row;
    row.line = number;
    bool expects = false;
    for (const auto& [name, value] : values.items()) {
      const bool is_key = std::find(keys.begin(), keys.end(), name) != keys.end();
      const bool is_output = model.output.Find(name) >= 0;
      if (is_key) row.key[name] = TextOf(value);
      expects = expects || is_output;
      if (is_key || is_output || model.input.Find(name) >= 0) continue;
      std::vector<std::string> known = model.input.Names();
      for (const std::string& output : model.output.Names()) known.push_back(output);
      return fault("has '" + name + "', which is no column of the model; " + Suggest(name, known));
    }
    auto inputs = RowOf(model.input, values);
    if (!inputs.ok()) return fault("cannot be read: " + inputs.status().message());
    auto outputs = RowOf(model.output, values);
    if (!outputs.ok()) return fault("cannot be read: " + outputs.status().message());
    if ((*inputs)->num_columns() != model.input.size()) return fault("has not all inputs");
    if (!expects) return fault("expects no output");
    row.inputs = std::move(*inputs);
    row.outputs = std::move(*outputs);
    golden.rows_.push_back(std::move(row));
  }
  return golden;
}

Status GoldenRows::Check(LoadedModel& version, const ModelRecord& record) const {
  const auto equal = arrow::EqualOptions::Defaults().nans_equal(true).atol(  // allowed: Arrow's
      tolerance_);
  for (const Row& row : rows_) {
    const bool concerned = std::all_of(row.key.begin(), row.key.end(), [&](const auto& each) {
      const auto value = record.key.find(each.first);
      return value != record.key.end() && value->second == each.second;
    });
    if (!concerned) continue;
    const std::string place = "golden row " + std::to_string(row.line) + ": ";
    Batch batch;
    batch.rows = row.inputs;
    Result<Prediction> scored = Error::Internal("the version scores on another thread");
    (void)version.PredictAsync(batch, {},
                               [&](Result<Prediction> result) { scored = std::move(result); });
    ARROW_ASSIGN_OR_RAISE(const Prediction prediction, std::move(scored));
    if (!prediction.errors.empty()) return Error::User(place + prediction.errors[0].text);
    for (const auto& field : row.outputs->schema()->fields()) {
      const auto expected = row.outputs->GetColumnByName(field->name());
      const auto actual = prediction.outputs->GetColumnByName(field->name());
      if (actual == nullptr) return Error::Internal("a prediction has no " + field->name());
      if (actual->ApproxEquals(*expected, equal)) continue;
      return Error::User(place + field->name() + " is " + CellText(*actual) + ", expected " +
                         CellText(*expected))
          .Hint("'golden-tolerance' is how far numbers may be off");
    }
  }
  return Status::OK();
}

}  // namespace millrace
