#pragma once

/// The session of <millrace/session.h> for other languages, in C. Rows travel through Arrow's C
/// data interface, everything else as UTF-8 text or JSON.
///
/// Functions that return `char*` give NULL, or why they failed as a JSON object: `kind` ("user",
/// "data", "transient" or "internal"), `message`, `line` and `column` (from 1; 0: no place),
/// `where`, `hint`, and `text`, all of it for people. Every text that is given out belongs to the
/// caller, who frees it with `millrace_free`. Handles are NULL where a call failed; closing NULL
/// does nothing. Any thread may call, but a result and its rows belong to one at a time.

#include <stdint.h>

#include <millrace/export.h>

struct ArrowArray;
struct ArrowSchema;

#ifdef __cplusplus
extern "C" {
#endif

typedef struct MillraceSession MillraceSession;
typedef struct MillraceResults MillraceResults;
typedef struct MillraceResult MillraceResult;
typedef struct MillraceJob MillraceJob;

/// The version of the library; not to be freed.
MILLRACE_EXPORT const char* millrace_version(void);
MILLRACE_EXPORT void millrace_free(char* text);

/// `options`: {"settings": {"key": "value"}, "worker_threads": 0, "secrets_directory": ""}, all of
/// them optional; see `SessionOptions`.
MILLRACE_EXPORT char* millrace_open(const char* options, MillraceSession** session);
MILLRACE_EXPORT void millrace_close(MillraceSession* session);

/// Runs the statements of `sql` in their order. The results outlive the session.
MILLRACE_EXPORT char* millrace_execute(MillraceSession* session, const char* sql,
                                       MillraceResults** results);
/// Starts one SELECT.
MILLRACE_EXPORT char* millrace_query(MillraceSession* session, const char* sql,
                                     MillraceResult** result);
/// The plan of one INSERT, statement set or SELECT, for people.
MILLRACE_EXPORT char* millrace_explain(MillraceSession* session, const char* sql, char** plan);

/// The names of a `kind`, "table", "view" or "model", as a sorted JSON array.
MILLRACE_EXPORT char* millrace_names(MillraceSession* session, const char* kind, char** names);
/// {"name", "comment", "options": {}}, secrets redacted. `output` is filled for a model only, whose
/// input is `schema`.
MILLRACE_EXPORT char* millrace_describe(MillraceSession* session, const char* kind,
                                        const char* name, char** about, struct ArrowSchema* schema,
                                        struct ArrowSchema* output);

/// The next one, which the caller closes; NULL: there are no more.
MILLRACE_EXPORT char* millrace_results_next(MillraceResults* results, MillraceResult** result);
MILLRACE_EXPORT void millrace_results_close(MillraceResults* results);

/// {"kind": "done" | "text" | "table" | "job" | "query", "message", "warnings": []}; of a query
/// `append_only` and `bounded` as well.
MILLRACE_EXPORT char* millrace_result_about(MillraceResult* result, char** about);
/// Of a table or a query. A query that is not append-only has a first column `op`.
MILLRACE_EXPORT char* millrace_result_schema(MillraceResult* result, struct ArrowSchema* schema);

typedef enum { MILLRACE_ROWS, MILLRACE_NOTHING_YET, MILLRACE_END } MillraceNext;
/// Waits for the next rows of a table or a query, for at most `timeout_ms`; `rows` is filled where
/// `next` is MILLRACE_ROWS.
MILLRACE_EXPORT char* millrace_result_next(MillraceResult* result, int64_t timeout_ms,
                                           struct ArrowArray* rows, MillraceNext* next);
/// Of an INSERT or a statement set; else NULL.
MILLRACE_EXPORT MillraceJob* millrace_result_job(MillraceResult* result);
/// Cancels its query.
MILLRACE_EXPORT void millrace_result_close(MillraceResult* result);

/// {"id", "name", "status", "started_us", "rows_read", "rows_written", "rows_rejected",
/// "first_rejection", "elapsed_us", "restarts", "last_failure"}.
MILLRACE_EXPORT char* millrace_job_about(MillraceJob* job, char** about);
/// Waits for the job's end, for at most `timeout_ms`. Fails as the job has.
MILLRACE_EXPORT char* millrace_job_wait(MillraceJob* job, int64_t timeout_ms, int* over);
MILLRACE_EXPORT void millrace_job_cancel(MillraceJob* job);
/// Saves its state under `folder`; with `stop` the job finishes with it.
MILLRACE_EXPORT char* millrace_job_savepoint(MillraceJob* job, const char* folder, int stop,
                                             char** path);
/// The job runs on.
MILLRACE_EXPORT void millrace_job_close(MillraceJob* job);

#ifdef __cplusplus
}
#endif
