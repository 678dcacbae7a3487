#pragma once

/// Millrace in a C++ program: SQL in, results as Arrow. Needs libmillrace.so and Arrow, and no
/// other header.
///
///     ARROW_ASSIGN_OR_RAISE(auto session, millrace::Session::Open());
///     ARROW_RETURN_NOT_OK(session->Execute("CREATE TABLE tx (…) WITH (…)").status());
///     ARROW_ASSIGN_OR_RAISE(auto result, session->Query("SELECT id, amount FROM tx"));
///     while (true) {
///       ARROW_ASSIGN_OR_RAISE(auto changes, result->Next());
///       if (changes.rows == nullptr) break;
///       …
///     }

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/type_fwd.h>

#include <millrace/export.h>
#include <millrace/row_kind.h>

namespace millrace {

/// The version of the library, "0.1.0".
MILLRACE_EXPORT std::string_view Version();

/// What a failed status of this library says beside its message.
struct ErrorDetails {
  enum class Kind {
    kUser,       ///< the statement, option or file is wrong
    kData,       ///< a record is wrong
    kTransient,  ///< may succeed when tried again
    kInternal,   ///< a defect of Millrace
  };
  Kind kind = Kind::kInternal;
  int line = 0;    ///< in the SQL text, from 1; 0: no place
  int column = 0;  ///< from 1
  std::string where;
  std::string hint;  ///< what to do next; may be empty
};
MILLRACE_EXPORT ErrorDetails DetailsOf(const arrow::Status& status);
/// For people: message, place, hint; with the line of `sql` and a caret where it is given.
MILLRACE_EXPORT std::string ErrorText(const arrow::Status& status, std::string_view sql = {});

struct SessionOptions {
  std::map<std::string, std::string> settings;  ///< as if given by SET
  /// Threads that run jobs, shared by all sessions of the process; 0: one per core. The first
  /// session open decides.
  int worker_threads = 0;
  /// `${SECRET:name}` is $MILLRACE_SECRET_<NAME>, else the file `name` in here. Empty:
  /// $MILLRACE_SECRETS. The first session open decides.
  std::string secrets_directory;
};

enum class JobStatus {
  kRunning,
  kRestarting,  ///< it failed, and begins again from its last checkpoint
  kFinished,
  kFailed,
  kCancelled,
};
MILLRACE_EXPORT std::string_view ToString(JobStatus state);

/// What passed through one operator so far, over all its subtasks.
struct OperatorMetrics {
  std::string node;  ///< its stable name
  std::string op;    ///< "source", "calc", "sink" …
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  int64_t rejected = 0;  ///< rows that could not be read, computed or written
  int subtasks = 1;
  int64_t most_rows_in = 0;      ///< of the subtask that has the most
  std::string skew_hint;         ///< what to do about that; empty: nothing
  int64_t busy_us = 0;           ///< summed over subtasks
  int64_t backpressured_us = 0;  ///< had work and no room; summed over subtasks
  // As it is now; nothing once the job has ended.
  /// The event time up to which all of it has come; since 1970-01-01 UTC. Empty: none is known.
  std::optional<int64_t> watermark_us;
  std::optional<int64_t> watermark_lag_us;  ///< how far that is behind the wall clock
  int64_t state_bytes = 0;                  ///< memory of its state
  int64_t queued_bytes = 0;                 ///< of rows that wait in the exchanges before it
  int64_t queue_capacity_bytes = 0;         ///< at which those hold back who fills them
};

/// A checkpoint or savepoint that was tried.
struct CheckpointInfo {
  int64_t id = 0;
  std::string kind;           ///< "periodic", "savepoint" or "last"
  std::string path;           ///< empty: it failed
  std::string failure;        ///< empty: it is complete
  int64_t begun_us = 0;       ///< wall clock, since 1970-01-01 UTC
  int64_t duration_us = 0;    ///< until it was complete
  int64_t alignment_us = 0;   ///< the longest of a task: from its first barrier to its last
  int64_t pause_us = 0;       ///< the longest of a task: in which it took no rows
  int64_t write_us = 0;       ///< to storage, beside the tasks
  int64_t written_bytes = 0;  ///< of state that no older checkpoint holds
  int64_t total_bytes = 0;    ///< of all state in it
  std::map<std::string, int64_t> state_bytes;  ///< by "node/table"
};

/// What became of each table of saved state when a job began with it. Names are "operator/table".
struct RestoreInfo {
  std::string checkpoint;  ///< the folder that was restored; empty: a fresh start
  std::vector<std::string> kept;
  std::vector<std::string> added;    ///< they begin empty
  std::vector<std::string> dropped;  ///< the script has no use for them
  std::vector<std::string> skipped;  ///< folders of newer checkpoints, which are damaged
};

struct JobMetrics {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  int64_t rows_rejected = 0;    ///< that could not be read, computed or written
  std::string first_rejection;  ///< why the first of them was; empty where there is none
  int64_t elapsed_us = 0;       ///< until now, or until the job ended
  int64_t restarts = 0;         ///< after failures, by itself
  std::string last_failure;     ///< why it restarted last; empty where it never has
  std::vector<CheckpointInfo> checkpoints;  ///< the last ones, oldest first
  std::vector<OperatorMetrics> operators;
};

/// A job that runs, or has ended. It runs on when the handle is dropped. Thread-safe.
class MILLRACE_EXPORT JobClient {
 public:
  ~JobClient();
  JobClient(const JobClient&) = delete;
  JobClient& operator=(const JobClient&) = delete;

  const std::string& id() const;
  const std::string& name() const;
  int64_t started_us() const;  ///< wall clock, since 1970-01-01 UTC
  JobStatus status() const;
  /// The outcome: OK where it has finished; Cancelled; or why it failed. Waits for the end.
  arrow::Status Wait() const;
  /// As `Wait`; empty where it still runs after `timeout`.
  std::optional<arrow::Status> WaitFor(std::chrono::milliseconds timeout) const;
  /// Calls `done` once the job has ended: on a thread of the engine, where it must not block, or at
  /// once where it has ended already.
  void WhenOver(std::function<void()> done);
  /// Sources stop, sinks are closed without what is not committed. Returns at once; `Wait` tells
  /// the end.
  void Cancel();
  /// Saves the state of the running job into a folder of its own under `folder`; gives its path.
  /// Waits for it.
  arrow::Result<std::string> Savepoint(const std::string& folder);
  /// The same, and the job finishes with it: nothing is processed after the savepoint, and what is
  /// in it is committed. Waits for the end.
  arrow::Result<std::string> StopWithSavepoint(const std::string& folder);
  JobMetrics metrics() const;
  RestoreInfo restored() const;  ///< when it began, or restarted last

  class Impl;
  explicit JobClient(std::shared_ptr<Impl> impl);

 private:
  std::shared_ptr<Impl> impl_;
};

/// Rows of a result. `kinds` tells what each does to the result so far; null: all are inserts.
struct Changes {
  std::shared_ptr<arrow::RecordBatch> rows;  ///< null: the result has ended
  std::shared_ptr<arrow::Int8Array> kinds;   ///< `RowKind`
};

/// The rows of a query, while it runs. A query whose rows are not taken waits. Dropping it cancels
/// the query. One thread at a time, except `Cancel`.
class MILLRACE_EXPORT QueryResult {
 public:
  ~QueryResult();
  QueryResult(const QueryResult&) = delete;
  QueryResult& operator=(const QueryResult&) = delete;

  /// Each field's metadata has its SQL type, "sql.type".
  const std::shared_ptr<arrow::Schema>& schema() const;
  /// Rows only ever appear: none is updated or deleted later.
  bool append_only() const;
  /// It ends by itself: all its sources do.
  bool bounded() const;
  const JobClient& job() const;

  /// The next rows; waits for them. Null rows at the end; then every further call gives the same.
  arrow::Result<Changes> Next();
  /// As `Next`; empty where nothing came within `timeout`.
  arrow::Result<std::optional<Changes>> NextWithin(std::chrono::milliseconds timeout);
  /// Reads to the end and applies all changes: the rows that are left, in the order of their last
  /// change.
  arrow::Result<std::shared_ptr<arrow::Table>> ToTable();
  /// The result as a stream for Arrow's own tools. A changelog gets a first column `op`: "+I",
  /// "-U", "+U", "-D".
  static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ToReader(
      std::unique_ptr<QueryResult> result);
  void Cancel();

  class Impl;
  explicit QueryResult(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

/// What a statement gave.
struct StatementResult {
  enum class Kind {
    kDone,   ///< `message` says what was done
    kText,   ///< `message` is the answer: of EXPLAIN and SHOW CREATE
    kTable,  ///< `table`: of SHOW and DESCRIBE
    kJob,    ///< `job` runs: of INSERT and statement sets
    kQuery,  ///< `query` runs: of SELECT
  };
  Kind kind = Kind::kDone;
  std::string message;
  std::vector<std::string> warnings;
  std::shared_ptr<arrow::RecordBatch> table;
  std::shared_ptr<JobClient> job;
  std::unique_ptr<QueryResult> query;
};

/// A table, view or model as the session knows it.
struct ObjectInfo {
  enum class Kind { kTable, kView, kModel };
  Kind kind = Kind::kTable;
  std::string name;
  std::string comment;
  std::shared_ptr<arrow::Schema> schema;         ///< of a model: its input
  std::shared_ptr<arrow::Schema> output_schema;  ///< of a model; else null
  std::map<std::string, std::string> options;    ///< secrets redacted
};

/// Tables, views, models and settings, and the jobs started from them. Sessions of a process share
/// its workers and loaded models, nothing else. Thread-safe; statements of one session run one
/// after the other.
class MILLRACE_EXPORT Session {
 public:
  static arrow::Result<std::unique_ptr<Session>> Open(SessionOptions options = {});
  /// Jobs started by INSERT run on for as long as the process has a session or a job handle.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  using OnResult = std::function<arrow::Status(StatementResult)>;

  /// Runs the statements of `sql` in their order and gives the result of each to `on_result`, whose
  /// failure ends it. Nothing runs where one of them cannot be parsed.
  arrow::Status Execute(std::string_view sql, const OnResult& on_result);
  /// The results of all of them; the first error ends it.
  arrow::Result<std::vector<StatementResult>> Execute(std::string_view sql);
  /// Starts one SELECT.
  arrow::Result<std::unique_ptr<QueryResult>> Query(std::string_view sql);
  /// The plan of one INSERT, statement set or SELECT, for people.
  arrow::Result<std::string> Explain(std::string_view sql);

  /// The plan of the one job in `sql`, an INSERT, statement set or SELECT, as JSON. Other
  /// statements in it (CREATE, SET) are executed.
  arrow::Result<std::string> Plan(std::string_view sql);
  /// Starts a plan. It needs no table or model of this session: a kJob, or, of a SELECT, a kQuery.
  /// Settings of this session for checkpoints, recovery and restarts go before those in the plan.
  arrow::Result<StatementResult> RunPlan(std::string_view json);

  std::vector<std::string> Names(ObjectInfo::Kind kind) const;  ///< sorted
  arrow::Result<ObjectInfo> Find(ObjectInfo::Kind kind, std::string_view name) const;
  std::vector<std::shared_ptr<JobClient>> Jobs() const;  ///< of this session, oldest first

  /// For the layers above: what the public interface does not show.
  class Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace
