#pragma once

namespace millrace {

/// The program of a worker process, for `python3 -c`. Arguments: the file, the function. Over the
/// socket 3 it reads and writes frames of a length, 8 bytes little-endian, and that many bytes.
/// First it reads an Arrow stream without batches, whose schema is that of the outputs, and answers
/// as to a request. Each request is an Arrow stream of one batch. An answer begins with '+' before
/// an Arrow stream of the outputs (empty at the start), or '-' before a text.
inline constexpr char kPythonWorker[] = R"python(
import os, signal, sys, traceback

signal.signal(signal.SIGINT, signal.SIG_IGN)
requests, answers = os.fdopen(3, "rb"), os.fdopen(os.dup(3), "wb")


def read():
    head = requests.read(8)
    if len(head) < 8:
        sys.exit(0)
    return requests.read(int.from_bytes(head, "little"))


def answer(kind, payload):
    answers.write((len(payload) + 1).to_bytes(8, "little"))
    answers.write(kind)
    answers.write(payload)
    answers.flush()


def columns_of(result, schema, rows):
    if isinstance(result, pa.Table):
        result = result.combine_chunks()
    if hasattr(result, "to_dict") and hasattr(result, "columns") and not hasattr(result, "schema"):
        result = {name: result[name].to_numpy() for name in result.columns}
    arrays = []
    for field in schema:
        if isinstance(result, dict):
            if field.name not in result:
                raise ValueError(f"the result has no column {field.name!r}; it has {list(result)}")
            column = result[field.name]
        elif isinstance(result, (pa.RecordBatch, pa.Table)):
            if field.name not in result.schema.names:
                raise ValueError(f"the result has no column {field.name!r}; it has {result.schema.names}")
            column = result.column(field.name)
        elif len(schema) == 1:
            column = result
        else:
            raise TypeError(f"a model of several outputs returns a dict, a RecordBatch or a DataFrame, not {type(result).__name__}")
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        if not isinstance(column, pa.Array):
            column = pa.array(column if not hasattr(column, "tolist") or getattr(column, "ndim", 1) == 1 else column.tolist())
        if len(column) != rows:
            raise ValueError(f"the column {field.name!r} has {len(column)} values for {rows} rows")
        arrays.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def trace():
    kind, value, at = sys.exc_info()
    frames = [f for f in traceback.extract_tb(at) if f.filename == os.path.abspath(path)]
    where = f" ({os.path.basename(path)}, line {frames[-1].lineno})" if frames else ""
    return f"{kind.__name__}: {value}{where}".encode()


path, name = sys.argv[1], sys.argv[2]
outputs = read()
try:
    import importlib.util
    import pyarrow as pa

    schema = pa.ipc.open_stream(outputs).schema
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("millrace_model", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        known = [each for each in vars(module) if callable(getattr(module, each)) and not each.startswith("_")]
        raise NameError(f"the file defines no function {name!r}; it defines {known}")
except BaseException:
    answer(b"-", trace())
    sys.exit(1)
answer(b"+", b"")

while True:
    request = read()
    try:
        batch = pa.ipc.open_stream(request).read_next_batch()
        result = columns_of(function(batch), schema, batch.num_rows)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as writer:
            writer.write_batch(result)
        payload = sink.getvalue()
    except Exception:
        answer(b"-", trace())
    else:
        answer(b"+", payload)
)python";

}  // namespace millrace
