#include "session/query_result.h"

#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include "session/changelog_table.h"
#include "types/row_kind.h"

namespace millrace {
namespace {

Result<std::shared_ptr<arrow::Array>> SignsOf(const Changes& changes) {
  arrow::StringBuilder signs;
  for (int64_t row = 0; row < changes.rows->num_rows(); ++row) {
    const auto kind =
        changes.kinds ? static_cast<RowKind>(changes.kinds->Value(row)) : RowKind::kInsert;
    ARROW_RETURN_NOT_OK(signs.Append(kRowKindSigns[static_cast<size_t>(kind)]));
  }
  return signs.Finish();
}

std::shared_ptr<arrow::Schema> WithSqlTypes(const Schema& columns) {
  const auto schema = columns.ToArrow();
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (int i = 0; i < columns.size(); ++i) {
    const std::string type = columns.column(i).type.ToString();
    fields.push_back(
        schema->field(i)->WithMetadata(arrow::key_value_metadata({{"sql.type", type}})));
  }
  return arrow::schema(std::move(fields));
}

class ResultReader final : public arrow::RecordBatchReader {
 public:
  ResultReader(std::unique_ptr<QueryResult> result, std::shared_ptr<arrow::Schema> schema)
      : result_(std::move(result)), schema_(std::move(schema)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    ARROW_ASSIGN_OR_RAISE(const Changes changes, result_->Next());
    if (changes.rows == nullptr || result_->append_only()) {
      *out = changes.rows;
      return Status::OK();
    }
    return SignedRows(schema_, changes).Value(out);
  }

  Status Close() override {
    result_->Cancel();
    return Status::OK();
  }

 private:
  std::unique_ptr<QueryResult> result_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

Result<std::shared_ptr<arrow::Schema>> StreamSchema(const QueryResult& result) {
  if (result.append_only()) return result.schema();
  return result.schema()->AddField(0, arrow::field("op", arrow::utf8(), false));
}

Result<std::shared_ptr<arrow::RecordBatch>> SignedRows(std::shared_ptr<arrow::Schema> schema,
                                                       const Changes& changes) {
  auto columns = changes.rows->columns();
  ARROW_ASSIGN_OR_RAISE(auto signs, SignsOf(changes));
  columns.insert(columns.begin(), std::move(signs));
  return arrow::RecordBatch::Make(std::move(schema), changes.rows->num_rows(), std::move(columns));
}

QueryResult::Impl::Impl(std::shared_ptr<JobClient> query, std::shared_ptr<ResultBuffer> buffer,
                        const PortPlan& rows, bool is_bounded)
    : columns(rows.schema),
      schema(WithSqlTypes(rows.schema)),
      mode(rows.changelog),
      key(rows.changelog == ChangelogMode::kUpsert ? rows.key : std::vector<int>()),
      bounded(is_bounded),
      job(std::move(query)),
      buffer_(std::move(buffer)),
      end_([end = buffer_, job = job] { end->Finish(job->Wait()); }) {}

QueryResult::Impl::~Impl() {
  job->Cancel();
  buffer_->Close();
  end_.join();
}

Result<std::optional<Changes>> QueryResult::Impl::Next(
    std::optional<std::chrono::milliseconds> timeout) {
  ARROW_ASSIGN_OR_RAISE(auto batch, buffer_->Next(timeout));
  if (!batch) return std::nullopt;
  return Changes{std::move(batch->rows), std::move(batch->kinds)};
}

Result<std::shared_ptr<arrow::Table>> QueryResult::Impl::ToTable() {
  if (mode == ChangelogMode::kAppend) {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto changes, Next({}));
      if (changes->rows == nullptr) return arrow::Table::FromRecordBatches(schema, batches);
      batches.push_back(std::move(changes->rows));
    }
  }
  ARROW_ASSIGN_OR_RAISE(ChangelogTable table, ChangelogTable::Make(columns, key));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto changes, Next({}));
    if (changes->rows == nullptr) return table.ToTable();
    ARROW_RETURN_NOT_OK(table.Apply({std::move(changes->rows), std::move(changes->kinds)}));
  }
}

QueryResult::QueryResult(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QueryResult::~QueryResult() = default;
const std::shared_ptr<arrow::Schema>& QueryResult::schema() const { return impl_->schema; }
bool QueryResult::append_only() const { return impl_->mode == ChangelogMode::kAppend; }
bool QueryResult::bounded() const { return impl_->bounded; }
const JobClient& QueryResult::job() const { return *impl_->job; }
void QueryResult::Cancel() { impl_->job->Cancel(); }
Result<std::shared_ptr<arrow::Table>> QueryResult::ToTable() { return impl_->ToTable(); }

Result<Changes> QueryResult::Next() {
  ARROW_ASSIGN_OR_RAISE(auto changes, impl_->Next({}));
  return *std::move(changes);
}

Result<std::optional<Changes>> QueryResult::NextWithin(std::chrono::milliseconds timeout) {
  return impl_->Next(timeout);
}

Result<std::shared_ptr<arrow::RecordBatchReader>> QueryResult::ToReader(
    std::unique_ptr<QueryResult> result) {
  ARROW_ASSIGN_OR_RAISE(auto schema, StreamSchema(*result));
  return std::make_shared<ResultReader>(std::move(result), std::move(schema));
}

}  // namespace millrace
