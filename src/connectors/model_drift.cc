#include "connectors/model_drift.h"

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/process_table.h"
#include "spi/model_drift.h"
#include "spi/services.h"

namespace millrace {
namespace {

Result<std::shared_ptr<arrow::RecordBatch>> DriftRows(Services& services) {
  const auto schema = ModelDriftSchema().ToArrow();
  ARROW_ASSIGN_OR_RAISE(auto builder,
                        arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool()));
  for (const ModelDrift& one : DriftOf(services.metrics())) {
    int column = 0;
    for (const std::string* text : {&one.model, &one.version, &one.side, &one.column}) {
      ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::StringBuilder>(column++)->Append(*text));
    }
    for (const double shift : {one.shift.psi, one.shift.ks}) {
      ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::DoubleBuilder>(column++)->Append(shift));
    }
    for (const int64_t number : {one.rows, one.reference_rows, one.windows}) {
      ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::Int64Builder>(column++)->Append(number));
    }
    ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::TimestampBuilder>(column++)->Append(
        one.compared_us - one.compared_us % 1000));
  }
  return builder->Flush();
}

}  // namespace

ConnectorSpec ModelDriftConnector() {
  ConnectorSpec spec;
  spec.name = "model-drift";
  spec.doc =
      "How far what the models of this process take and give is from their reference, a row for "
      "each numeric column of each version with 'drift-rows': `model`, `version`, `side` (`input` "
      "or `output`), `column_name`, `psi` (population stability index), `ks` (distance of "
      "Kolmogorov and Smirnov), the `rows` of the latest window and of the reference "
      "(`reference_rows`), the `windows` compared so far, and when (`compared_at`). The table "
      "`millrace.model_drift` reads it without a declaration.";
  spec.example =
      "SELECT model, version, column_name, psi FROM millrace.model_drift WHERE psi > 0.2";
  spec.check = [](const TableConfig& table, const Options&) {
    return CheckProcessTable("model-drift", ModelDriftSchema(), table);
  };
  ReadsProcess(&spec, ModelDriftSchema, DriftRows);
  return spec;
}

}  // namespace millrace
