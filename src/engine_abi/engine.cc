#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "session/query_result.h"
#include <millrace/engine.h>
#include <millrace/session.h>
#include <millrace/version.h>

struct MillraceSession {
  std::unique_ptr<millrace::Session> session;
};

struct MillraceResults {
  std::vector<millrace::StatementResult> results;
  size_t next = 0;
};

struct MillraceResult {
  millrace::StatementResult result;
  std::shared_ptr<arrow::Schema> schema;  ///< of the rows; null: there are none
};

struct MillraceJob {
  std::shared_ptr<millrace::JobClient> job;
};

namespace millrace {
namespace {

using nlohmann::json;

char* Copy(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

char* Copy(const json& value) {
  return Copy(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

const char* NameOf(ErrorDetails::Kind kind) {
  switch (kind) {
    case ErrorDetails::Kind::kUser:
      return "user";
    case ErrorDetails::Kind::kData:
      return "data";
    case ErrorDetails::Kind::kTransient:
      return "transient";
    case ErrorDetails::Kind::kInternal:
      return "internal";
  }
  return "";
}

const char* NameOf(StatementResult::Kind kind) {
  switch (kind) {
    case StatementResult::Kind::kDone:
      return "done";
    case StatementResult::Kind::kText:
      return "text";
    case StatementResult::Kind::kTable:
      return "table";
    case StatementResult::Kind::kJob:
      return "job";
    case StatementResult::Kind::kQuery:
      return "query";
  }
  return "";
}

/// What a function returns: nothing, or why it failed.
char* Outcome(const Status& status, std::string_view sql = {}) {
  if (status.ok()) return nullptr;
  const ErrorDetails details = DetailsOf(status);
  return Copy(json({{"kind", NameOf(details.kind)},
                    {"message", status.message()},
                    {"line", details.line},
                    {"column", details.column},
                    {"where", details.where},
                    {"hint", details.hint},
                    {"text", ErrorText(status, sql)}}));
}

/// Nothing that is thrown inside leaves the library.
template <class Work>
char* Guarded(Work&& work, std::string_view sql = {}) {
  try {
    return Outcome(work(), sql);
  } catch (const std::exception& error) {
    return Outcome(Error::Internal(error.what()));
  }
}

Result<SessionOptions> ReadOptions(const char* text) {
  const json options = json::parse(text == nullptr ? "{}" : text, nullptr, false);
  if (!options.is_object()) return Error::User("the options are no JSON object");
  SessionOptions read;
  read.settings = options.value("settings", read.settings);
  read.worker_threads = options.value("worker_threads", read.worker_threads);
  read.secrets_directory = options.value("secrets_directory", read.secrets_directory);
  return read;
}

Result<ObjectInfo::Kind> KindNamed(const std::string& name) {
  if (name == "table") return ObjectInfo::Kind::kTable;
  if (name == "view") return ObjectInfo::Kind::kView;
  if (name == "model") return ObjectInfo::Kind::kModel;
  return Error::User("there is no kind '" + name + "' of objects")
      .Hint("the kinds are table, view and model");
}

Result<MillraceResult*> Wrap(StatementResult result) {
  auto wrapped = std::make_unique<MillraceResult>();
  if (result.query) {
    ARROW_ASSIGN_OR_RAISE(wrapped->schema, StreamSchema(*result.query));
  } else if (result.table) {
    wrapped->schema = result.table->schema();
  }
  wrapped->result = std::move(result);
  return wrapped.release();
}

/// `*end`: there are no more. Null without it: nothing came in time.
Result<std::shared_ptr<arrow::RecordBatch>> NextRows(MillraceResult& from, int64_t timeout_ms,
                                                     bool* end) {
  *end = false;
  if (!from.result.query) {
    auto table = std::exchange(from.result.table, nullptr);
    *end = table == nullptr;
    return table;
  }
  ARROW_ASSIGN_OR_RAISE(
      const auto changes,
      from.result.query->NextWithin(std::chrono::milliseconds(std::max<int64_t>(timeout_ms, 0))));
  if (!changes) return nullptr;
  *end = changes->rows == nullptr;
  if (*end || from.result.query->append_only()) return changes->rows;
  return SignedRows(from.schema, *changes);
}

}  // namespace
}  // namespace millrace

using millrace::Guarded;
using millrace::Result;
using millrace::Status;

const char* millrace_version(void) { return MILLRACE_VERSION; }

void millrace_free(char* text) { std::free(text); }

char* millrace_open(const char* options, MillraceSession** session) {
  *session = nullptr;
  return Guarded([&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(auto read, millrace::ReadOptions(options));
    ARROW_ASSIGN_OR_RAISE(auto opened, millrace::Session::Open(std::move(read)));
    *session = new MillraceSession{std::move(opened)};
    return Status::OK();
  });
}

void millrace_close(MillraceSession* session) { delete session; }

char* millrace_execute(MillraceSession* session, const char* sql, MillraceResults** results) {
  *results = nullptr;
  return Guarded(
      [&]() -> Status {
        ARROW_ASSIGN_OR_RAISE(auto all, session->session->Execute(sql));
        *results = new MillraceResults{std::move(all)};
        return Status::OK();
      },
      sql);
}

char* millrace_query(MillraceSession* session, const char* sql, MillraceResult** result) {
  *result = nullptr;
  return Guarded(
      [&]() -> Status {
        millrace::StatementResult started;
        started.kind = millrace::StatementResult::Kind::kQuery;
        ARROW_ASSIGN_OR_RAISE(started.query, session->session->Query(sql));
        return millrace::Wrap(std::move(started)).Value(result);
      },
      sql);
}

char* millrace_explain(MillraceSession* session, const char* sql, char** plan) {
  *plan = nullptr;
  return Guarded(
      [&]() -> Status {
        ARROW_ASSIGN_OR_RAISE(const std::string text, session->session->Explain(sql));
        *plan = millrace::Copy(text);
        return Status::OK();
      },
      sql);
}

char* millrace_names(MillraceSession* session, const char* kind, char** names) {
  *names = nullptr;
  return Guarded([&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(const auto named, millrace::KindNamed(kind));
    *names = millrace::Copy(nlohmann::json(session->session->Names(named)));
    return Status::OK();
  });
}

char* millrace_describe(MillraceSession* session, const char* kind, const char* name, char** about,
                        struct ArrowSchema* schema, struct ArrowSchema* output) {
  *about = nullptr;
  return Guarded([&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(const auto named, millrace::KindNamed(kind));
    ARROW_ASSIGN_OR_RAISE(const auto info, session->session->Find(named, name));
    ARROW_RETURN_NOT_OK(arrow::ExportSchema(*info.schema, schema));
    if (info.output_schema) ARROW_RETURN_NOT_OK(arrow::ExportSchema(*info.output_schema, output));
    *about = millrace::Copy(nlohmann::json(
        {{"name", info.name}, {"comment", info.comment}, {"options", info.options}}));
    return Status::OK();
  });
}

char* millrace_results_next(MillraceResults* results, MillraceResult** result) {
  *result = nullptr;
  return Guarded([&]() -> Status {
    if (results->next == results->results.size()) return Status::OK();
    return millrace::Wrap(std::move(results->results[results->next++])).Value(result);
  });
}

void millrace_results_close(MillraceResults* results) { delete results; }

char* millrace_result_about(MillraceResult* result, char** about) {
  *about = nullptr;
  return Guarded([&] {
    const millrace::StatementResult& of = result->result;
    nlohmann::json text = {
        {"kind", millrace::NameOf(of.kind)}, {"message", of.message}, {"warnings", of.warnings}};
    if (of.query) {
      text["append_only"] = of.query->append_only();
      text["bounded"] = of.query->bounded();
    }
    *about = millrace::Copy(text);
    return Status::OK();
  });
}

char* millrace_result_schema(MillraceResult* result, struct ArrowSchema* schema) {
  return Guarded([&]() -> Status {
    if (!result->schema) return millrace::Error::User("the statement gives no rows");
    return arrow::ExportSchema(*result->schema, schema);
  });
}

char* millrace_result_next(MillraceResult* result, int64_t timeout_ms, struct ArrowArray* rows,
                           MillraceNext* next) {
  *next = MILLRACE_END;
  return Guarded([&]() -> Status {
    bool end = false;
    ARROW_ASSIGN_OR_RAISE(const auto batch, millrace::NextRows(*result, timeout_ms, &end));
    if (end) return Status::OK();
    *next = batch ? MILLRACE_ROWS : MILLRACE_NOTHING_YET;
    return batch ? arrow::ExportRecordBatch(*batch, rows) : Status::OK();
  });
}

MillraceJob* millrace_result_job(MillraceResult* result) {
  return result->result.job ? new MillraceJob{result->result.job} : nullptr;
}

void millrace_result_close(MillraceResult* result) { delete result; }

char* millrace_job_about(MillraceJob* job, char** about) {
  *about = nullptr;
  return Guarded([&] {
    const millrace::JobMetrics metrics = job->job->metrics();
    *about = millrace::Copy(nlohmann::json({{"id", job->job->id()},
                                            {"name", job->job->name()},
                                            {"status", millrace::ToString(job->job->status())},
                                            {"started_us", job->job->started_us()},
                                            {"rows_read", metrics.rows_read},
                                            {"rows_written", metrics.rows_written},
                                            {"rows_rejected", metrics.rows_rejected},
                                            {"first_rejection", metrics.first_rejection},
                                            {"elapsed_us", metrics.elapsed_us},
                                            {"restarts", metrics.restarts},
                                            {"last_failure", metrics.last_failure}}));
    return Status::OK();
  });
}

char* millrace_job_wait(MillraceJob* job, int64_t timeout_ms, int* over) {
  *over = 0;
  return Guarded([&] {
    const auto end = job->job->WaitFor(std::chrono::milliseconds(std::max<int64_t>(timeout_ms, 0)));
    *over = end ? 1 : 0;
    return end ? *end : Status::OK();
  });
}

void millrace_job_cancel(MillraceJob* job) { job->job->Cancel(); }

char* millrace_job_savepoint(MillraceJob* job, const char* folder, int stop, char** path) {
  *path = nullptr;
  return Guarded([&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(const std::string saved, stop != 0 ? job->job->StopWithSavepoint(folder)
                                                             : job->job->Savepoint(folder));
    *path = millrace::Copy(saved);
    return Status::OK();
  });
}

void millrace_job_close(MillraceJob* job) { delete job; }
