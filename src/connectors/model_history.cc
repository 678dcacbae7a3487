#include "connectors/model_history.h"

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/process_table.h"
#include "spi/model_history.h"
#include "spi/services.h"

namespace millrace {
namespace {

Result<std::shared_ptr<arrow::RecordBatch>> HistoryRows(Services& services) {
  const auto schema = ModelHistorySchema().ToArrow();
  ARROW_ASSIGN_OR_RAISE(auto builder,
                        arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool()));
  int column = 0;
  const auto add = [&](const std::string& text) {
    auto* texts = builder->GetFieldAs<arrow::StringBuilder>(column++);
    return text.empty() ? texts->AppendNull() : texts->Append(text);
  };
  const auto* history = dynamic_cast<const ModelHistory*>(&services.models());
  const auto events = history == nullptr ? std::vector<ModelEvent>() : history->Events();
  for (const ModelEvent& event : events) {
    column = 0;
    ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::TimestampBuilder>(column++)->Append(
        event.at_us - event.at_us % 1000));
    ARROW_RETURN_NOT_OK(add(event.model));
    ARROW_RETURN_NOT_OK(add(event.key));
    ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::Int64Builder>(column++)->Append(event.version));
    for (const std::string* text : {&event.hash, &event.event, &event.reason}) {
      ARROW_RETURN_NOT_OK(add(*text));
    }
  }
  return builder->Flush();
}

}  // namespace

ConnectorSpec ModelHistoryConnector() {
  ConnectorSpec spec;
  spec.name = "model-history";
  spec.doc =
      "What became of the versions of models that are a stream, the latest 1,000 events of each "
      "model: `happened_at`, `model`, `model_key` (which rows it is for), `version`, `hash`, "
      "`event` "
      "(`loaded`, `refused`, `rollout`, `serves`, `by hand`, `rolled back`) and `reason`. The "
      "table "
      "`millrace.model_history` reads it without a declaration.";
  spec.example =
      "SELECT happened_at, model, version, event, reason FROM millrace.model_history WHERE event = "
      "'rolled "
      "back'";
  spec.check = [](const TableConfig& table, const Options&) {
    return CheckProcessTable("model-history", ModelHistorySchema(), table);
  };
  ReadsProcess(&spec, ModelHistorySchema, HistoryRows);
  return spec;
}

}  // namespace millrace
