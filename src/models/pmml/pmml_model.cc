#include "models/pmml/pmml_model.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "models/pmml/columns.h"
#include "models/tensor.h"

namespace millrace::pmml {
namespace {

/// "fixed acidity" as "fixed_acidity", "probability(1)" as "probability_1_".
std::string Plain(std::string_view name) {
  std::string plain(name);
  for (char& c : plain) {
    if (static_cast<signed char>(c) >= 0 && std::isalnum(static_cast<unsigned char>(c)) == 0)
      c = '_';
  }
  return plain;
}

/// The index of the field that a column is for; -1 where there is none.
int FindField(const std::vector<Field>& fields, std::string_view column) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == column) return static_cast<int>(i);
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    if (Plain(fields[i].name) == column) return static_cast<int>(i);
  }
  return -1;
}

std::string DatatypeOf(DataType type) {
  switch (type) {
    case DataType::kInteger:
      return "INT64";
    case DataType::kFloat:
      return "FP32";
    case DataType::kDouble:
      return "FP64";
    case DataType::kBoolean:
      return "BOOL";
    default:
      return "BYTES";
  }
}

/// What no tensor holds is text here.
std::string DatatypeOf(const SqlType& type) {
  return std::string(millrace::NameOf(DatatypeFor(type).value_or(Datatype::kBytes)));
}

bool IsScalar(const SqlType& type) {
  return type.is_integer() || type.is_approximate() || type.is_string() ||
         type.kind() == TypeKind::kBoolean;
}

class PmmlModel final : public LoadedModel {
 public:
  PmmlModel(std::shared_ptr<const Program> program, const ModelConfig& config,
            ModelSignature signature)
      : program_(std::move(program)),
        signature_(std::move(signature)),
        output_(config.output),
        arrow_output_(config.output.ToArrow()) {
    for (const SqlField& column : config.input.columns())
      inputs_.push_back(FindField(program_->inputs(), column.name));
    for (const SqlField& column : config.output.columns()) {
      const int field = FindField(program_->outputs(), column.name);
      outputs_.push_back(std::max(field, 0));  // the one output may have any name
    }
    if (config.input.size() == 1 && program_->inputs().size() == 1) inputs_[0] = 0;
  }

  const ModelSignature& signature() const override { return signature_; }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions&,
                                     PredictDone done) override {
    done(Predict(*rows.rows));
    return nullptr;
  }

 private:
  Result<Prediction> Predict(const arrow::RecordBatch& rows) const {
    Prediction prediction;
    prediction.version = signature_.version;
    const int64_t n = rows.num_rows();
    std::vector<std::unique_ptr<OutputColumn>> columns;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      columns.push_back(OutputColumn::Make(program_->outputs()[static_cast<size_t>(outputs_[i])],
                                           output_.column(static_cast<int>(i)).type, n));
    }
    std::unique_ptr<Frame> frame = program_->TakeFrame();
    Status appended;
    std::array<uint8_t, kBlockRows> failed;
    for (int64_t first = 0; first < n && appended.ok(); first += kBlockRows) {
      const int block = static_cast<int>(std::min<int64_t>(kBlockRows, n - first));
      frame->Begin(first, block);
      for (size_t i = 0; i < inputs_.size(); ++i) {
        if (inputs_[i] < 0) continue;
        FillInput(*rows.column(static_cast<int>(i)), first, block,
                  program_->inputs()[static_cast<size_t>(inputs_[i])], *frame);
      }
      program_->Run(*frame);
      const auto fault = frame->errors().lower_bound(first);
      const bool any = fault != frame->errors().end();
      if (any) {
        failed.fill(0);
        for (auto at = fault; at != frame->errors().end(); ++at)
          failed[static_cast<size_t>(at->first - first)] = 1;
      }
      for (auto& column : columns) {
        if (appended.ok()) appended = column->Append(*frame, any ? failed.data() : nullptr);
      }
    }
    for (const auto& [row, reason] : frame->errors())
      prediction.errors.push_back({static_cast<int32_t>(row), reason, {}});
    program_->GiveBack(std::move(frame));
    ARROW_RETURN_NOT_OK(appended);
    arrow::ArrayVector arrays;
    for (auto& column : columns) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), column->Finish());
    }
    prediction.outputs = arrow::RecordBatch::Make(arrow_output_, n, std::move(arrays));
    return prediction;
  }

  const std::shared_ptr<const Program> program_;
  const ModelSignature signature_;
  const Schema output_;
  const std::shared_ptr<arrow::Schema> arrow_output_;
  std::vector<int> inputs_, outputs_;  ///< by column: the program's field, or -1
};

}  // namespace

ModelSignature SignatureFor(const Program& program, const ModelConfig& config) {
  ModelSignature signature;
  signature.local = true;
  std::vector<bool> declared(program.inputs().size());
  for (const SqlField& column : config.input.columns()) {
    const int at = FindField(program.inputs(), column.name);
    if (at < 0 && config.input.size() == 1 && program.inputs().size() == 1) break;
    if (at < 0) {
      if (IsScalar(column.type))
        signature.inputs.push_back({column.name, DatatypeOf(column.type), {}});
      continue;
    }
    declared[static_cast<size_t>(at)] = true;
    const DataType own = program.inputs()[static_cast<size_t>(at)].type;
    signature.inputs.push_back(
        {column.name,
         TakesInput(own, column.type) ? DatatypeOf(column.type) : DatatypeOf(own),
         {}});
  }
  for (size_t i = 0; i < declared.size(); ++i) {
    const Field& field = program.inputs()[i];
    if (!declared[i]) signature.inputs.push_back({field.name, DatatypeOf(field.type), {}});
  }
  for (const Field& field : program.outputs()) {
    signature.outputs.push_back({field.name, DatatypeOf(field.type), {}});
    if (!field.items.empty()) signature.outputs.back().shape = {-1};
  }
  for (const SqlField& column : config.output.columns()) {
    int at = FindField(program.outputs(), column.name);
    if (at < 0 && config.output.size() == 1 && program.outputs().size() == 1) at = 0;
    if (at < 0) continue;
    const Field& field = program.outputs()[static_cast<size_t>(at)];
    TensorSpec& spec = signature.outputs[static_cast<size_t>(at)];
    spec.name = column.name;
    if (GivesOutput(field, program.strings(), column.type)) spec.datatype = DatatypeOf(column.type);
  }
  return signature;
}

Result<ModelLease> MakePmmlModel(std::shared_ptr<const Program> program, const ModelConfig& config,
                                 std::string version) {
  ModelSignature signature = SignatureFor(*program, config);
  ARROW_RETURN_NOT_OK(CheckColumns(config.name, "INPUT", config.input, signature.inputs));
  ARROW_RETURN_NOT_OK(CheckColumns(config.name, "OUTPUT", config.output, signature.outputs));
  signature.version = std::move(version);
  return std::make_shared<PmmlModel>(std::move(program), config, std::move(signature));
}

}  // namespace millrace::pmml
