#include "connectors/model_statistics.h"

#include <utility>
#include <vector>

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/generated_source.h"
#include "spi/model_statistics.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// All rows, in the order of the columns of `ModelStatisticsSchema`.
Result<std::shared_ptr<arrow::RecordBatch>> RowsOf(const std::vector<ModelStatistics>& all) {
  const auto schema = ModelStatisticsSchema().ToArrow();
  ARROW_ASSIGN_OR_RAISE(auto builder,
                        arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool()));
  for (const ModelStatistics& one : all) {
    int column = 0;
    for (const std::string* text : {&one.model, &one.version}) {
      ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::StringBuilder>(column++)->Append(*text));
    }
    for (const int64_t number : {one.calls, one.failed_calls, one.rows, one.failed_rows}) {
      ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::Int64Builder>(column++)->Append(number));
    }
    for (const int64_t us : {one.first_use_us, one.last_use_us}) {
      auto* times = builder->GetFieldAs<arrow::TimestampBuilder>(column++);
      ARROW_RETURN_NOT_OK(us == 0 ? times->AppendNull() : times->Append(us - us % 1000));
    }
    for (const int64_t us :
         {one.min_us, one.mean_us, one.p50_us, one.p90_us, one.p99_us, one.max_us}) {
      ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::Int64Builder>(column++)->Append(us));
    }
  }
  return builder->Flush();
}

class StatisticsRows final : public RowGenerator {
 public:
  StatisticsRows(std::shared_ptr<arrow::RecordBatch> rows, std::vector<int> columns)
      : rows_(std::move(rows)), columns_(std::move(columns)) {}

  Result<std::shared_ptr<arrow::RecordBatch>> Generate(const RowNumbers& numbers, uint64_t,
                                                       int64_t) override {
    std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
    for (int64_t i = 0; i < numbers.count; ++i) rows.push_back(rows_->Slice(numbers.at(i), 1));
    ARROW_ASSIGN_OR_RAISE(const auto all, arrow::ConcatenateRecordBatches(rows));
    return all->SelectColumns(columns_);
  }

 private:
  const std::shared_ptr<arrow::RecordBatch> rows_;
  const std::vector<int> columns_;
};

/// Which of the known columns the table's are.
Result<std::vector<int>> ColumnsOf(const TableConfig& table) {
  const Schema known = ModelStatisticsSchema();
  std::vector<int> columns;
  for (const SqlField& field : table.physical.columns()) {
    const int column = known.Find(field.name);
    if (column < 0 || !known.column(column).type.HasSameForm(field.type)) {
      return Error::User("'model-statistics' has no column '" + field.name + "' " +
                         field.type.AsNullable().ToString())
          .Hint("its columns are " + known.ToString());
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace

ConnectorSpec ModelStatisticsConnector() {
  ConnectorSpec spec;
  spec.name = "model-statistics";
  spec.doc =
      "What the models of this process have done until now, a row for each version: `model`, "
      "`version`, `calls`, `failed_calls`, `rows`, `failed_rows`, `first_use`, `last_use`, and the "
      "time of a call in microseconds: `min_us`, `mean_us`, `p50_us`, `p90_us`, `p99_us`, "
      "`max_us`. "
      "The table `millrace.model_stats` reads it without a declaration.";
  spec.example = "SELECT model, version, calls, p99_us FROM millrace.model_stats";
  spec.bounded = [](const Options&) { return true; };
  spec.check = [](const TableConfig& table, const Options&) { return ColumnsOf(table).status(); };
  spec.make_finder = [](const SourceRequest&) -> Result<std::unique_ptr<SplitFinder>> {
    return MakeGeneratedFinder(0);
  };
  spec.make_reader = [](const SourceRequest& request) -> Result<std::unique_ptr<SourceReader>> {
    ARROW_ASSIGN_OR_RAISE(const auto rows, RowsOf(StatisticsOf(request.services.metrics())));
    ARROW_ASSIGN_OR_RAISE(const std::vector<int> all, ColumnsOf(request.config.table));
    std::vector<int> columns;
    for (const int column : request.config.projection) {
      columns.push_back(all[static_cast<size_t>(column)]);
    }
    return MakeGeneratedReader({.total = rows->num_rows()},
                               std::make_unique<StatisticsRows>(rows, std::move(columns)),
                               request.services.env());
  };
  return spec;
}

}  // namespace millrace
