"""Models on a real MLServer, over HTTP (JSON: it takes no binary tensors) and gRPC. // T15"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from free_ports import free_ports

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlserver")
    shutil.copytree(HERE / "models", folder / "models")
    http, grpc, metrics = free_ports(3)
    settings = {"HOST": "127.0.0.1", "HTTP_PORT": http, "GRPC_PORT": grpc, "METRICS_PORT": metrics, "PARALLEL_WORKERS": 0}
    environment = {f"MLSERVER_{key}": str(value) for key, value in settings.items()}
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [os.environ["MILLRACE_MLSERVER"], "start", "."],
            cwd=folder / "models",
            env={**os.environ, **environment, "PYTHONPATH": "."},
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 120
        while not ready(f"http://127.0.0.1:{http}/v2/models/echo_types/ready"):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.2)
        yield {"http": f"http://127.0.0.1:{http}", "grpc": f"grpc://127.0.0.1:{grpc}"}
    finally:
        process.terminate()
        process.wait(30)


def ready(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(params=["http", "grpc"])
def endpoint(server, request):
    return server[request.param]


def model(endpoint, name, columns="", **options):
    options = {"endpoint": endpoint, "model-name": name, "retry-initial-backoff": "1 ms", "retry-max-backoff": "2 ms"} | {
        key.replace("_", "-"): value for key, value in options.items()
    }
    written = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
    return f"CREATE MODEL m {columns} WITH ('provider' = 'triton', {written});\n"


def run(sql):
    done = subprocess.run([BINARY, "run", "-e", sql, "--output", "csv"], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def rows(sql):
    code, lines, errors = run(sql)
    assert code == 0, errors
    return lines


PAIRS = "SELECT n, m(x) AS s FROM (VALUES (1, ARRAY[CAST(1 AS FLOAT), 2]), (2, ARRAY[CAST({x} AS FLOAT), 5]), (3, ARRAY[CAST(7 AS FLOAT), 8])) AS t (n, x);"


def test_the_signature_is_the_servers(endpoint):  # T1
    lines = [line.split("|")[1:3] for line in rows(model(endpoint, "words") + "DESCRIBE MODEL m;") if line.startswith("|")]
    columns = [[cell.strip() for cell in line] for line in lines[1:]]
    assert columns == [["text", "STRING"], ["capitals", "STRING"], ["words", "BIGINT"]]


def test_batches_of_rows(endpoint):
    assert rows(model(endpoint, "sums") + PAIRS.format(x=4)) == ["1,3.0", "2,9.0", "3,15.0"]


def test_texts_both_ways(endpoint):
    sql = "SELECT m(s).capitals AS c, m(s).words AS w FROM (VALUES ('a good day'), ('grüß dich'), ('')) AS t (s);"
    assert rows(model(endpoint, "words") + sql) == ["A GOOD DAY,3", "GRÜSS DICH,2", ",0"]


def test_every_datatype(endpoint):  # T4
    values = {"BOOL": "TRUE", "INT8": "CAST(-128 AS TINYINT)", "INT16": "CAST(-32768 AS SMALLINT)", "INT32": "-2147483648"}
    values |= {"INT64": "9007199254740993", "UINT8": "CAST(255 AS SMALLINT)", "UINT16": "65535"}
    values |= {"UINT32": "CAST(4294967295 AS BIGINT)", "FP32": "CAST(0.1 AS FLOAT)", "FP64": "0.1E0"}
    result = ", ".join(f"r.OUT_{name}" for name in values)
    sql = f"SELECT {result} FROM (SELECT m({', '.join(values.values())}) AS r FROM (VALUES (1)) AS t (n));"
    assert rows(model(endpoint, "echo_types") + sql) == [
        "true,-128,-32768,-2147483648,9007199254740993,255,65535,4294967295,0.1,0.1"
    ]


def test_a_model_without_metadata_is_as_it_is_declared(endpoint):  # T1
    columns = "INPUT (x ARRAY<FLOAT>) OUTPUT (`sum` FLOAT)"
    assert rows(model(endpoint, "bare", columns) + PAIRS.format(x=4)) == ["1,3.0", "2,9.0", "3,15.0"]
    code, _, errors = run(model(endpoint, "bare") + "SELECT 1;")
    assert code != 0 and "declare INPUT and OUTPUT" in errors


def test_a_refused_row_fails_alone(endpoint):  # T9
    assert rows(model(endpoint, "sums") + PAIRS.format(x=-1)) == ["1,3.0", "2,", "3,15.0"]


def test_a_row_that_breaks_the_model_fails_alone(endpoint):  # T8, T9
    assert rows(model(endpoint, "sums", max_retries="1") + PAIRS.format(x=1000)) == ["1,3.0", "2,", "3,15.0"]


def test_what_the_server_says_is_told(endpoint):  # T12
    code, _, errors = run(model(endpoint, "sums", on_error="fail") + PAIRS.format(x=-1))
    assert code != 0 and "rows below 0 are not for this model" in errors
    code, _, errors = run(model(endpoint, "nonsense") + "SELECT 1;")
    assert code != 0 and "does not know or has not loaded the model 'nonsense'" in errors
    code, _, errors = run(model(endpoint, "sums", "INPUT (x ARRAY<STRING>) OUTPUT (s FLOAT)") + "SELECT 1;")
    assert code != 0 and "FP32" in errors


def test_model_check(endpoint, tmp_path):  # T18
    job = tmp_path / "job.sql"
    job.write_text(model(endpoint, "sums"))
    done = subprocess.run([BINARY, "model", "check", "m", job], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
