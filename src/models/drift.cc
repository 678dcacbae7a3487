#include "models/drift.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/value_sketch.h"
#include "models/sample_rows.h"
#include "spi/model_drift.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// Columns whose values are numbers, or true and false.
bool IsCompared(const SqlType& type) {
  return type.is_numeric() || type.kind() == TypeKind::kBoolean;
}

Result<std::shared_ptr<arrow::DoubleArray>> NumbersOf(const arrow::Array& column) {
  if (column.type_id() == arrow::Type::DOUBLE) {
    return std::make_shared<arrow::DoubleArray>(column.data());
  }
  const bool is_bool = column.type_id() == arrow::Type::BOOL;
  std::shared_ptr<arrow::Array> numbers;
  if (is_bool) {
    ARROW_ASSIGN_OR_RAISE(numbers, arrow::compute::Cast(column, arrow::int8()));
  }
  ARROW_ASSIGN_OR_RAISE(const auto cast,
                        arrow::compute::Cast(is_bool ? *numbers : column, arrow::float64()));
  return std::make_shared<arrow::DoubleArray>(cast->data());
}

/// What is known of one version. Thread-safe.
class DriftMonitor {
 public:
  DriftMonitor(const ModelConfig& config, std::string version, int64_t window,
               bool has_reference_rows, Services& services)
      : model_(config.name),
        version_(std::move(version)),
        window_(window),
        referred_(has_reference_rows),
        services_(services) {
    AddColumns(config.input, "input");
    outputs_at_ = columns_.size();
    AddColumns(config.output, "output");
  }

  Status AddReference(const arrow::RecordBatch& inputs, const Prediction& prediction) {
    ARROW_ASSIGN_OR_RAISE(const Values values, ValuesOf(inputs, prediction));
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < columns_.size(); ++i) {
      AddRange(i, values, 0, inputs.num_rows(), columns_[i].reference);
    }
    return Status::OK();
  }

  Status Add(const arrow::RecordBatch& inputs, const Prediction& prediction) {
    ARROW_ASSIGN_OR_RAISE(const Values values, ValuesOf(inputs, prediction));
    std::lock_guard lock(mutex_);
    for (int64_t from = 0; from < inputs.num_rows();) {
      const int64_t to = std::min(inputs.num_rows(), from + window_ - rows_);
      for (size_t i = 0; i < columns_.size(); ++i) {
        Column& column = columns_[i];
        AddRange(i, values, from, to, referred_ ? column.current : column.reference);
      }
      rows_ += to - from;
      from = to;
      if (rows_ < window_) break;
      rows_ = 0;
      if (std::exchange(referred_, true)) Compare();
    }
    return Status::OK();
  }

 private:
  struct Column {
    int index = 0;  ///< among the inputs, or the outputs
    std::string name, side;
    ValueSketch reference, current;
  };
  struct Values {
    std::vector<std::shared_ptr<arrow::DoubleArray>> columns;
    std::vector<bool> failed;
  };

  void AddColumns(const Schema& schema, const char* side) {
    for (int i = 0; i < schema.size(); ++i) {
      const SqlField& field = schema.column(i);
      if (IsCompared(field.type)) columns_.push_back({i, field.name, side, {}, {}});
    }
  }

  Result<Values> ValuesOf(const arrow::RecordBatch& inputs, const Prediction& prediction) const {
    Values values;
    values.failed.resize(static_cast<size_t>(inputs.num_rows()));
    for (const RowError& error : prediction.errors) {
      values.failed[static_cast<size_t>(error.row)] = true;
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto& rows = i < outputs_at_ ? inputs : *prediction.outputs;
      ARROW_ASSIGN_OR_RAISE(values.columns.emplace_back(),
                            NumbersOf(*rows.column(columns_[i].index)));
    }
    return values;
  }

  /// NULLs are a bucket of their own, beside NaN; the outputs of failed rows are none.
  void AddRange(size_t column, const Values& values, int64_t from, int64_t to,
                ValueSketch& sketch) const {
    const arrow::DoubleArray& numbers = *values.columns[column];
    for (int64_t row = from; row < to; ++row) {
      if (column >= outputs_at_ && values.failed[static_cast<size_t>(row)]) continue;
      sketch.Add(numbers.IsNull(row) ? std::numeric_limits<double>::quiet_NaN()
                                     : numbers.Value(row));
    }
  }

  void Compare() {
    for (Column& column : columns_) {
      ModelDrift drift;
      drift.model = model_;
      drift.version = version_;
      drift.side = column.side;
      drift.column = column.name;
      drift.rows = column.current.count();
      drift.reference_rows = column.reference.count();
      drift.compared_us = services_.env().NowMicros();
      drift.shift = ValueSketch::Between(column.reference, column.current);
      Publish(drift, services_.metrics());
      column.current.Clear();
    }
  }

  const std::string model_, version_;
  const int64_t window_;
  std::mutex mutex_;
  std::vector<Column> columns_;  ///< the inputs, then, from `outputs_at_` on, the outputs
  size_t outputs_at_ = 0;
  int64_t rows_ = 0;  ///< of the window
  bool referred_;     ///< the reference is complete
  Services& services_;
};

class MonitoredModel final : public LoadedModel {
 public:
  MonitoredModel(ModelLease model, std::shared_ptr<DriftMonitor> monitor)
      : model_(std::move(model)), monitor_(std::move(monitor)) {}

  const ModelSignature& signature() const override { return model_->signature(); }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions& options,
                                     PredictDone done) override {
    return model_->PredictAsync(rows, options,
                                [monitor = monitor_, inputs = rows.rows,
                                 done = std::move(done)](Result<Prediction> result) {
                                  if (!result.ok()) return done(std::move(result));
                                  const Status added = monitor->Add(*inputs, *result);
                                  done(added.ok() ? std::move(result) : added);
                                });
  }

 private:
  const ModelLease model_;
  const std::shared_ptr<DriftMonitor> monitor_;
};

/// The calls that score the rows of reference, as many as the model's limit on rows asks for.
class ReferenceScores {
 public:
  static void Ask(ModelLease model, std::shared_ptr<DriftMonitor> monitor,
                  const std::shared_ptr<arrow::RecordBatch>& rows,
                  std::function<void(Result<ModelLease>)> done) {
    const int64_t n = rows->num_rows();
    const int64_t limit = model->signature().max_batch > 0 ? model->signature().max_batch : n;
    const auto scores = std::make_shared<ReferenceScores>();
    scores->left_ = (n + limit - 1) / limit;
    scores->done_ = std::move(done);
    LoadedModel& asked = *model;
    scores->monitored_ = std::make_shared<MonitoredModel>(std::move(model), monitor);
    for (int64_t from = 0; from < n; from += limit) {
      Batch part;
      part.rows = rows->Slice(from, limit);
      (void)asked.PredictAsync(
          part, {}, [scores, monitor, inputs = part.rows](Result<Prediction> result) {
            scores->Answered(result.ok() ? monitor->AddReference(*inputs, *result)
                                         : result.status());
          });
    }
  }

 private:
  void Answered(Status status) {
    {
      std::lock_guard lock(mutex_);
      if (!status.ok()) failure_ = std::move(status);
      if (--left_ > 0) return;
    }
    const auto done = std::move(done_);
    done(failure_.ok() ? Result<ModelLease>(std::move(monitored_)) : failure_);
  }

  std::mutex mutex_;
  int64_t left_ = 0;
  Status failure_;
  ModelLease monitored_;
  std::function<void(Result<ModelLease>)> done_;
};

/// Null where the options name no file.
Result<std::shared_ptr<arrow::RecordBatch>> ReferenceRows(const ModelConfig& config,
                                                          const Options& options,
                                                          Services& services) {
  const std::string path = options.String("drift-reference");
  if (path.empty()) return nullptr;
  if (!options.Has("drift-rows")) {
    return Error::User("'drift-reference' needs 'drift-rows'")
        .Hint("'drift-rows' = '10000' compares each 10,000 rows with the reference");
  }
  ARROW_ASSIGN_OR_RAISE(const std::string text, ReadFile(services.env().files(), path));
  auto rows = SampleRows(config.input, text);
  if (!rows.ok()) return WithPlace(rows.status(), {}, path);
  if (rows->empty()) return Error::User("'drift-reference' has no rows").In(path);
  return rows->rows;
}

}  // namespace

std::vector<OptionSpec> DriftOptions() {
  return {
      {.key = "drift-rows",
       .type = OptionType::kInt,
       .doc = "After so many rows the values of inputs and outputs since then are compared with "
              "the reference, for `millrace.model_drift`; by default nothing is.",
       .min = 1},
      {.key = "drift-reference",
       .doc = "File of JSON lines with the INPUT columns, such as a sample of what the model was "
              "trained on: the reference, which each version scores when it is loaded. Without it "
              "the first 'drift-rows' rows that a version scores."},
  };
}

Status CheckDriftOptions(const ModelConfig& config, const Options& options, Services& services) {
  if (config.input.size() == 0) return Status::OK();  // they are known when the model is loaded
  return ReferenceRows(config, options, services).status();
}

void WithDrift(ModelLease model, const ModelConfig& config, const Options& options,
               Services& services, std::function<void(Result<ModelLease>)> done) {
  const ModelSignature& signature = model->signature();
  if (!options.Has("drift-rows") || signature.version.empty()) return done(std::move(model));
  auto rows = ReferenceRows(config, options, services);
  if (!rows.ok()) return done(rows.status());
  const std::shared_ptr<arrow::RecordBatch> reference = std::move(*rows);
  if (reference != nullptr && options.Has("sequence-id")) {
    return done(Error::User("'drift-reference' does not go with 'sequence-id'")
                    .In("model " + config.name)
                    .Hint("leave it out: the first rows are the reference then"));
  }
  auto monitor = std::make_shared<DriftMonitor>(
      config, signature.version, options.Int("drift-rows"), reference != nullptr, services);
  if (reference == nullptr) {
    return done(std::make_shared<MonitoredModel>(std::move(model), std::move(monitor)));
  }
  ReferenceScores::Ask(std::move(model), std::move(monitor), reference, std::move(done));
}

}  // namespace millrace
