"""Everything that is wrong from outside: each ends with an error that says what, where and what to do, or is told and left out."""

import http.server
import os
import pathlib
import resource
import subprocess
import threading

import pytest

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]) / "millrace"
MODELS = pathlib.Path("test/models").resolve()
NUMBERS = "CREATE TABLE t (id INT, name STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '3');"
LINE = f"CREATE MODEL line INPUT (x ARRAY<FLOAT>) OUTPUT (y FLOAT) WITH ('provider' = 'onnx', 'path' = '{MODELS}/linear.onnx');"


def run(sql, **options):
    return subprocess.run([BINARY, "run", "-e", sql], capture_output=True, text=True, timeout=60, **options)


def server(endpoint, more=""):
    return f"CREATE MODEL m WITH ('provider' = 'triton', 'endpoint' = '{endpoint}', 'model-name' = 'm'{more});"


@pytest.mark.parametrize(
    "sql, told",
    [
        ("SELEC 1", ["unexpected 'SELEC'", "did you mean SELECT?", "1:"]),
        ("SELECT * FROM tt", ["'tt'", "'t'"]),
        ("SELECT nme FROM t", ["'nme'", "name", "1:"]),
        ("SELECT UPER(name) FROM t", ["UPER", "UPPER"]),
        ("CREATE TABLE u (x INT) WITH ('connector' = 'datagen', 'number-of-row' = '1')", ["number-of-row", "number-of-rows"]),
        ("CREATE TABLE u (x INT) WITH ('connector' = 'datagem')", ["datagem", "datagen"]),
        ("CREATE TABLE u (x INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'cvs')", ["cvs", "csv"]),
        ("CREATE TABLE u (x INTT) WITH ('connector' = 'datagen')", ["INTT"]),
        ("SELECT line(name) FROM t", ["line", "ARRAY<FLOAT>", "STRING"]),
        ("SELECT JSON_VALUE(name, 'a.b') FROM t", ["malformed JSON path", "'$.orders[0].price'"]),
        ("SET 'table.local-time-zone' = 'Europe/Berlim'", ["Europe/Berlin"]),
        ("CREATE TABLE u (x INT) WITH ('connector' = 'filesystem', 'path' = '/${SECRET:nobody}', 'format' = 'csv')", ["nobody"]),
    ],
)
def test_mistakes_in_sql(sql, told):
    done = run(NUMBERS + LINE + sql)
    assert done.returncode == 1, done.stdout
    for text in told:
        assert text in done.stderr, done.stderr


def test_model_files(tmp_path):
    done = run("CREATE MODEL m WITH ('provider' = 'onnx', 'path' = '/no/such.onnx')")
    assert done.returncode == 1 and "/no/such.onnx" in done.stderr and "No such file" in done.stderr
    broken = tmp_path / "broken.onnx"
    broken.write_bytes((MODELS / "linear.onnx").read_bytes()[:40])
    done = run(f"CREATE MODEL m WITH ('provider' = 'onnx', 'path' = '{broken}')")
    assert done.returncode == 1 and str(broken) in done.stderr, done.stderr


def test_a_server_that_is_down():
    done = run(server("http://127.0.0.1:1"))
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr and "refused" in done.stderr and "curl" in done.stderr, done.stderr


def test_a_server_that_is_slow():
    release = threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            release.wait(20)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as slow:
        threading.Thread(target=slow.serve_forever, daemon=True).start()
        done = run(server(f"http://127.0.0.1:{slow.server_port}", ", 'timeout' = '100 ms', 'max-retries' = '0'"))
        release.set()
        slow.shutdown()
    assert done.returncode == 1 and "timed out after 100ms" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "format, text, reason",
    [("csv", "1,a\noops,b\n", "t.data:2: column 1 `id`: 'oops' is not a INT"), ("json", '{"id": 1, "name": "a"}\n{"id": \n', "t.data:2: ")],
)
def test_malformed_records_are_told(tmp_path, format, text, reason):
    (tmp_path / "t.data").write_text(text)
    table = f"CREATE TABLE u (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/t.data', 'format' = '{format}');"
    for sql in ("SELECT id FROM u", "CREATE TABLE out (id INT) WITH ('connector' = 'blackhole'); INSERT INTO out SELECT id FROM u"):
        done = run(table + sql)
        assert done.returncode == 0, done.stderr
        assert "1 row was rejected; the first one: " in done.stderr and reason in done.stderr, done.stderr


def test_failed_expressions_are_told_with_their_place():
    done = run("SELECT 1 / (x - 2) AS q\nFROM (VALUES (1), (2), (2)) AS v (x)")
    assert done.returncode == 0 and "| -1 |" in done.stdout
    assert "2 rows were rejected; the first one: division by zero (line 1, column 10)" in done.stderr, done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file(tmp_path):
    (tmp_path / "t.csv").write_text("1,a\n")
    (tmp_path / "t.csv").chmod(0)
    done = run(f"CREATE TABLE u (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/t.csv', 'format' = 'csv'); SELECT * FROM u")
    assert done.returncode == 1 and "Permission denied" in done.stderr, done.stderr


def test_output_that_does_not_fit(tmp_path):
    """A limit of the process stands for a disk that is full: the write fails, the job ends and names the file."""
    sql = (
        "CREATE TABLE big (id BIGINT, text STRING) WITH ('connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '100000');"
        f"CREATE TABLE out (id BIGINT, text STRING) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/out', 'format' = 'csv');"
        "INSERT INTO out SELECT * FROM big"
    )
    limit = 1 << 16
    # Python ignores the signal that comes with the error, and so does the child.
    done = run(sql, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)), restore_signals=False)
    assert done.returncode == 1, done.stdout
    assert str(tmp_path) in done.stderr and "too large" in done.stderr, done.stderr


def test_secrets_in_options(tmp_path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "t.csv").write_text("7\n")
    environment = {**os.environ, "MILLRACE_SECRET_FOLDER": "hidden"}
    table = f"CREATE TABLE u (id INT) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/${{SECRET:folder}}/t.csv', 'format' = 'csv');"
    done = run(table + "SELECT id FROM u", env=environment)
    assert done.returncode == 0 and "|  7 |" in done.stdout, done.stderr
    done = run(table + "SHOW CREATE TABLE u; EXPLAIN SELECT id FROM u", env=environment)
    assert done.returncode == 0 and "${SECRET:folder}" in done.stdout and "hidden" not in done.stdout + done.stderr, done.stdout
