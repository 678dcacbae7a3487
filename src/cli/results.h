#pragma once

#include <memory>
#include <vector>

#include <millrace/session.h>

namespace millrace::cli {

enum class OutputFormat { kTable, kCsv, kJson };

/// Shows what statements give, on stdout.
class Results {
 public:
  /// `interactive`: with a count of the rows and the time, and with the messages of statements that
  /// give none.
  Results(Session& session, OutputFormat format, bool interactive)
      : session_(session), format_(format), interactive_(interactive) {}

  /// Everything but jobs; a query is read to its end, Ctrl-C cancels it.
  arrow::Status Show(StatementResult result);

 private:
  arrow::Status ShowTable(const arrow::RecordBatch& table);
  arrow::Status ShowQuery(std::unique_ptr<QueryResult> query);
  arrow::Status ShowRows(QueryResult& query);
  arrow::Status ShowFinalRows(QueryResult& query);
  arrow::Status ShowEncoded(QueryResult& query);
  void ShowCount(int64_t rows, const JobMetrics& metrics);

  Session& session_;
  OutputFormat format_;
  bool interactive_;
};

}  // namespace millrace::cli
