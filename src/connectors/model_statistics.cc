#include "connectors/model_statistics.h"

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/process_table.h"
#include "spi/model_statistics.h"
#include "spi/services.h"

namespace millrace {
namespace {

Result<std::shared_ptr<arrow::RecordBatch>> StatisticsRows(Services& services) {
  const auto schema = ModelStatisticsSchema().ToArrow();
  ARROW_ASSIGN_OR_RAISE(auto builder,
                        arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool()));
  for (const ModelStatistics& one : StatisticsOf(services.metrics())) {
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
  spec.check = [](const TableConfig& table, const Options&) {
    return CheckProcessTable("model-statistics", ModelStatisticsSchema(), table);
  };
  ReadsProcess(&spec, ModelStatisticsSchema, StatisticsRows);
  return spec;
}

}  // namespace millrace
