#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "plan/physical_plan.h"
#include "session/result_buffer.h"
#include <millrace/session.h>

namespace millrace {

class QueryResult::Impl {
 public:
  /// `rows` is the port whose rows `buffer` gets.
  Impl(std::shared_ptr<JobClient> job, std::shared_ptr<ResultBuffer> buffer, const PortPlan& rows,
       bool bounded);
  ~Impl();

  Result<std::optional<Changes>> Next(std::optional<std::chrono::milliseconds> timeout);
  Result<std::shared_ptr<arrow::Table>> ToTable();

  const Schema columns;
  const std::shared_ptr<arrow::Schema> schema;
  const ChangelogMode mode;
  const std::vector<int> key;
  const bool bounded;
  const std::shared_ptr<JobClient> job;

 private:
  std::shared_ptr<ResultBuffer> buffer_;
  std::thread end_;  ///< tells the buffer of the job's end
};

/// The schema of the result as a stream: a changelog's has a first column `op`.
Result<std::shared_ptr<arrow::Schema>> StreamSchema(const QueryResult& result);
/// The rows of a changelog with `op`: "+I", "-U", "+U", "-D".
Result<std::shared_ptr<arrow::RecordBatch>> SignedRows(std::shared_ptr<arrow::Schema> schema,
                                                       const Changes& changes);

}  // namespace millrace
