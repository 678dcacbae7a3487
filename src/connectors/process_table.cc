#include "connectors/process_table.h"

#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "connectors/generated_source.h"
#include "spi/services.h"

namespace millrace {
namespace {

class ProcessRows final : public RowGenerator {
 public:
  ProcessRows(std::shared_ptr<arrow::RecordBatch> rows, std::vector<int> columns)
      : rows_(std::move(rows)), columns_(std::move(columns)) {}

  Result<std::shared_ptr<arrow::RecordBatch>> Generate(const RowNumbers& numbers, uint64_t,
                                                       int64_t) override {
    // A subtask beyond the rows has none of them.
    if (numbers.count == 0) return rows_->Slice(0, 0)->SelectColumns(columns_);
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
Result<std::vector<int>> ColumnsOfProcess(const std::string& name, const Schema& known,
                                          const TableConfig& table) {
  std::vector<int> columns;
  for (const SqlField& field : table.physical.columns()) {
    const int column = known.Find(field.name);
    if (column < 0 || !known.column(column).type.HasSameForm(field.type)) {
      return Error::User("'" + name + "' has no column '" + field.name + "' " +
                         field.type.AsNullable().ToString())
          .Hint("its columns are " + known.ToString());
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace

Status CheckProcessTable(const std::string& name, const Schema& known, const TableConfig& table) {
  return ColumnsOfProcess(name, known, table).status();
}

void ReadsProcess(ConnectorSpec* spec, Schema (*known)(), ProcessRowsOf rows_of) {
  spec->bounded = [](const Options&) { return true; };
  spec->make_finder = [](const SourceRequest&) -> Result<std::unique_ptr<SplitFinder>> {
    return MakeGeneratedFinder(0);
  };
  spec->make_reader = [name = spec->name, known, rows_of](
                          const SourceRequest& request) -> Result<std::unique_ptr<SourceReader>> {
    ARROW_ASSIGN_OR_RAISE(const auto rows, rows_of(request.services));
    ARROW_ASSIGN_OR_RAISE(const std::vector<int> all,
                          ColumnsOfProcess(name, known(), request.config.table));
    std::vector<int> columns;
    for (const int column : request.config.projection) {
      columns.push_back(all[static_cast<size_t>(column)]);
    }
    return MakeGeneratedReader({.total = rows->num_rows()},
                               std::make_unique<ProcessRows>(rows, std::move(columns)),
                               request.services.env());
  };
}

}  // namespace millrace
