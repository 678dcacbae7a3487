import ctypes
import dataclasses
import json

import pyarrow

from millrace._library import Handle, check, handle_from, library, text_from, text_of

_POLL_MS = 100  # an interrupt (Ctrl-C) is seen between two waits
_ROWS, _NOTHING_YET, _END = range(3)


def version():
    """The version of the engine, "0.1.0"."""
    return library().millrace_version().decode()


def _schema_struct():
    """Memory for a struct ArrowSchema; released ones have no `release`, so zeros are an empty one."""
    return (ctypes.c_int64 * 9)()


def _array_struct():
    return (ctypes.c_int64 * 10)()


@dataclasses.dataclass(frozen=True)
class ObjectInfo:
    """A table, view or model. `schema` is a model's input, `output` its output, else None. Secrets in `options` are redacted."""

    name: str
    comment: str
    schema: pyarrow.Schema
    output: pyarrow.Schema | None
    options: dict[str, str]


class Job:
    """A job that runs, or has ended. It runs on when the object goes."""

    def __init__(self, handle):
        self._handle = handle

    def about(self):
        """id, name, status, started_us, rows_read, rows_written, rows_rejected, …, as a dict."""
        return json.loads(text_from(library().millrace_job_about, self._handle.pointer))

    @property
    def id(self):
        return self.about()["id"]

    @property
    def status(self):
        """ "running", "restarting", "finished", "failed" or "cancelled"."""
        return self.about()["status"]

    def wait(self, timeout=None):
        """Waits for the end, for `timeout` seconds at most; True when it has ended. Raises as the job has failed."""
        left_ms = None if timeout is None else max(0, round(timeout * 1000))
        over = ctypes.c_int(0)
        while True:
            step = _POLL_MS if left_ms is None else min(_POLL_MS, left_ms)
            check(library().millrace_job_wait(self._handle.pointer, step, ctypes.byref(over)))
            if left_ms is not None:
                left_ms -= step
            if over.value or left_ms == 0:
                return bool(over.value)

    def cancel(self):
        """Returns at once; `wait` tells the end."""
        library().millrace_job_cancel(self._handle.pointer)

    def savepoint(self, folder, stop=False):
        """Saves the job's state into a folder of its own under `folder`, whose path it gives; with `stop` the job finishes."""
        return text_from(library().millrace_job_savepoint, self._handle.pointer, str(folder).encode(), int(stop))


class Result:
    """What a statement gave.

    kind: "done" (`message` says what was done), "text" (`message` is the answer), "table" (`reader()` has it), "job"
    (`job` runs) or "query" (`reader()` has the rows while it runs).
    """

    def __init__(self, handle):
        self._handle = handle
        about = json.loads(text_from(library().millrace_result_about, handle.pointer))
        self.kind = about["kind"]
        self.message = about["message"]
        self.warnings = about["warnings"]
        self.append_only = about.get("append_only", True)
        self.bounded = about.get("bounded", True)
        job = library().millrace_result_job(handle.pointer)
        self.job = Job(Handle(job, library().millrace_job_close)) if job else None

    def reader(self):
        """The rows as a pyarrow.RecordBatchReader, once. A changelog has a first column `op`: "+I", "-U", "+U", "-D".
        Closing the reader, or dropping it, cancels a query."""
        handle, struct = self._handle, _schema_struct()
        check(library().millrace_result_schema(handle.pointer, ctypes.addressof(struct)))
        schema = pyarrow.Schema._import_from_c(ctypes.addressof(struct))

        def batches():
            try:
                while (batch := _next_batch(handle, schema)) is not None:
                    yield batch
            finally:
                handle.close()

        return pyarrow.RecordBatchReader.from_batches(schema, batches())

    def to_table(self):
        """The rows as a pyarrow.Table; waits for the end of a query."""
        return self.reader().read_all()

    def __repr__(self):
        return f"<millrace.Result {self.kind}{': ' + self.message if self.message else ''}>"


def _next_batch(handle, schema):
    struct, state = _array_struct(), ctypes.c_int(_NOTHING_YET)
    while state.value == _NOTHING_YET:
        check(library().millrace_result_next(handle.pointer, _POLL_MS, ctypes.addressof(struct), ctypes.byref(state)))
    return pyarrow.RecordBatch._import_from_c(ctypes.addressof(struct), schema) if state.value == _ROWS else None


class Session:
    """Tables, views, models and settings, and the jobs started from them. Sessions of a process share its workers and
    loaded models, nothing else. Any thread may use it; its statements run one after the other.

    settings: as if given by SET. worker_threads: 0 is one per core; the first session of the process decides.
    """

    def __init__(self, settings=None, worker_threads=0, secrets_directory=""):
        options = {
            "settings": {key: str(value) for key, value in (settings or {}).items()},
            "worker_threads": worker_threads,
            "secrets_directory": str(secrets_directory),
        }
        engine = library()
        self._handle = handle_from(engine.millrace_open, engine.millrace_close, json.dumps(options).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Jobs started by INSERT run on for as long as the process has a session or a job."""
        self._handle.close()

    def execute(self, sql):
        """Runs the statements of `sql` in their order; a list of `Result`, one for each."""
        engine = library()
        results = handle_from(engine.millrace_execute, engine.millrace_results_close, self._handle.pointer, sql.encode())
        found = []
        while handle := handle_from(engine.millrace_results_next, engine.millrace_result_close, results.pointer):
            found.append(Result(handle))
        return found

    def query(self, sql):
        """Starts one SELECT; its rows as a pyarrow.RecordBatchReader, while it runs."""
        engine = library()
        handle = handle_from(engine.millrace_query, engine.millrace_result_close, self._handle.pointer, sql.encode())
        return Result(handle).reader()

    def explain(self, sql):
        """The plan of one INSERT, statement set or SELECT, for people."""
        return text_from(library().millrace_explain, self._handle.pointer, sql.encode())

    def tables(self):
        return self._names("table")

    def views(self):
        return self._names("view")

    def models(self):
        return self._names("model")

    def table(self, name):
        return self._find("table", name)

    def view(self, name):
        return self._find("view", name)

    def model(self, name):
        return self._find("model", name)

    def _names(self, kind):
        return json.loads(text_from(library().millrace_names, self._handle.pointer, kind.encode()))

    def _find(self, kind, name):
        about, schema, output = ctypes.c_void_p(), _schema_struct(), _schema_struct()
        check(
            library().millrace_describe(
                self._handle.pointer,
                kind.encode(),
                name.encode(),
                ctypes.byref(about),
                ctypes.addressof(schema),
                ctypes.addressof(output),
            )
        )
        schemas = [pyarrow.Schema._import_from_c(ctypes.addressof(each)) if any(each) else None for each in (schema, output)]
        return ObjectInfo(schema=schemas[0], output=schemas[1], **json.loads(text_of(about.value)))
