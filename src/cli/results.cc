#include "cli/results.h"

#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>

#include "cli/cell_text.h"
#include "cli/interrupts.h"
#include "cli/progress.h"
#include "cli/table_printer.h"
#include "cli/terminal.h"
#include "session/session_impl.h"

namespace millrace::cli {
namespace {

/// How long the rows of a query wait for others, so that columns get their widths.
constexpr std::chrono::milliseconds kWidthsWait{100};

}  // namespace

Status Results::Show(StatementResult result) {
  for (const std::string& warning : result.warnings) PrintWarning(warning);
  switch (result.kind) {
    case StatementResult::Kind::kDone:
    case StatementResult::Kind::kJob:
      if (interactive_) Print(result.message + '\n');
      break;
    case StatementResult::Kind::kText:
      Print(result.message + (result.message.ends_with('\n') ? "" : "\n"));
      break;
    case StatementResult::Kind::kTable:
      ARROW_RETURN_NOT_OK(ShowTable(*result.table));
      if (!result.message.empty()) Print(result.message + '\n');
      break;
    case StatementResult::Kind::kQuery:
      ARROW_RETURN_NOT_OK(ShowQuery(std::move(result.query)));
      break;
  }
  return FlushOutput();
}

Status Results::ShowTable(const arrow::RecordBatch& table) {
  ARROW_ASSIGN_OR_RAISE(Schema columns, SqlColumns(*table.schema()));
  TablePrinter printer(std::move(columns), false);
  printer.Add(table, nullptr);
  printer.Finish();
  JobMetrics untimed;
  untimed.elapsed_us = -1;
  if (interactive_ || printer.rows() == 0) ShowCount(printer.rows(), untimed);
  return Status::OK();
}

Status Results::ShowQuery(std::unique_ptr<QueryResult> query) {
  const Interrupts::Scope scope([&] { query->Cancel(); });
  if (format_ != OutputFormat::kTable) return ShowEncoded(*query);
  return query->bounded() && !query->append_only() ? ShowFinalRows(*query) : ShowRows(*query);
}

Status Results::ShowRows(QueryResult& query) {
  ARROW_ASSIGN_OR_RAISE(Schema columns, SqlColumns(*query.schema()));
  TablePrinter printer(std::move(columns), !query.append_only());
  Env& env = session_.impl().engine().env();
  const int64_t widths_wait_us = std::chrono::microseconds(kWidthsWait).count();
  int64_t first_us = 0;
  Status outcome = Status::OK();
  while (outcome.ok()) {
    auto next = query.NextWithin(kWidthsWait);
    if (next.ok() && *next) {
      if ((*next)->rows == nullptr) break;
      if (printer.rows() == 0) first_us = env.MonotonicMicros();
      printer.Add(*(*next)->rows, (*next)->kinds.get());
    }
    // A query without an end shows what it has; another one has all of its first rows soon.
    if (!query.bounded() && env.MonotonicMicros() - first_us >= widths_wait_us) printer.Flush();
    outcome = next.ok() ? FlushOutput() : next.status();
  }
  printer.Finish();
  ShowCount(printer.rows(), query.job().metrics());
  return outcome;
}

Status Results::ShowFinalRows(QueryResult& query) {
  ARROW_ASSIGN_OR_RAISE(Schema columns, SqlColumns(*query.schema()));
  ARROW_ASSIGN_OR_RAISE(const auto table, query.ToTable());
  TablePrinter printer(std::move(columns), false);
  arrow::TableBatchReader reader(*table);
  std::shared_ptr<arrow::RecordBatch> rows;
  while (true) {
    ARROW_RETURN_NOT_OK(reader.ReadNext(&rows));
    if (rows == nullptr) break;
    printer.Add(*rows, nullptr);
  }
  printer.Finish();
  ShowCount(printer.rows(), query.job().metrics());
  return Status::OK();
}

Status Results::ShowEncoded(QueryResult& query) {
  const Registries& registries = session_.impl().engine().registries();
  const bool csv = format_ == OutputFormat::kCsv;
  ARROW_ASSIGN_OR_RAISE(const FormatSpec* format, registries.formats.Get(csv ? "csv" : "json"));
  ARROW_ASSIGN_OR_RAISE(const Schema columns, SqlColumns(*query.schema()));
  ARROW_ASSIGN_OR_RAISE(const Options options, Options::Make("--output", format->options, {}));
  ARROW_ASSIGN_OR_RAISE(const auto encoder, format->make_encoder(columns, options));
  if (!query.append_only() && !query.bounded()) {
    return Error::User("a result that changes has no end here and cannot be shown as " +
                       format->name)
        .Hint("use --output table");
  }
  std::shared_ptr<arrow::RecordBatchReader> reader;
  if (!query.append_only()) {
    ARROW_ASSIGN_OR_RAISE(auto table, query.ToTable());
    reader = std::make_shared<arrow::TableBatchReader>(std::move(table));
  }
  Print(encoder->Header());
  std::string text;
  while (true) {
    std::shared_ptr<arrow::RecordBatch> rows;
    if (reader != nullptr) {
      ARROW_RETURN_NOT_OK(reader->ReadNext(&rows));
    } else {
      ARROW_ASSIGN_OR_RAISE(Changes changes, query.Next());
      rows = std::move(changes.rows);
    }
    if (rows == nullptr) break;
    text.clear();
    ARROW_RETURN_NOT_OK(encoder->Encode(*rows, &text));
    Print(text);
    ARROW_RETURN_NOT_OK(FlushOutput());
  }
  WarnOfRejected(query.job().metrics());
  return Status::OK();
}

void Results::ShowCount(int64_t rows, const JobMetrics& metrics) {
  std::string text = rows == 0 ? "Empty set" : Grouped(rows) + (rows == 1 ? " row" : " rows");
  if (metrics.elapsed_us >= 0 && interactive_) text += " in " + DurationText(metrics.elapsed_us);
  Print(text + '\n');
  WarnOfRejected(metrics);
}

}  // namespace millrace::cli
