"""Models on a server, from the SQL to what the server sees; `millrace model check`."""

import os
import pathlib
import re
import socket
import subprocess

import pytest
from inference_server import serve
from test_service import Service

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"
RULES = pathlib.Path(__file__).parents[2] / "examples" / "prometheus" / "models.rules.yml"


def model(url, name="fixed", columns="INPUT (x FLOAT) OUTPUT (y FLOAT)", more=""):
    return f"CREATE MODEL m {columns} WITH ('provider' = 'triton', 'endpoint' = '{url}', 'model-name' = '{name}'{more});"


def millrace(*arguments, sql, **secrets):
    secrets = {f"MILLRACE_SECRET_{name.upper()}": value for name, value in secrets.items()}
    return subprocess.run(
        [BINARY, *arguments], input=sql, capture_output=True, text=True, timeout=60, env=os.environ | secrets
    )


def run(sql, **secrets):
    done = millrace("run", "--output", "csv", "-", sql=sql, **secrets)
    assert done.returncode == 0, done.stderr
    return done


SCORE = "SELECT m(CAST(x AS FLOAT)) AS y FROM (VALUES (1), (2)) AS t (x);"


def test_headers_of_both_forms_and_secrets_inside_them():  # T6, T10
    with serve() as server:
        for form in ("MAP['X-Plant', 'one', 'X-Key', 'k-${SECRET:key}']", "'X-Plant:one,X-Key:k-${SECRET:key}'"):
            server.seen.clear()
            run(model(server.url, more=f", 'custom-headers' = {form}") + SCORE, key="s3cret")
            assert all(headers["X-Plant"] == "one" and headers["X-Key"] == "k-s3cret" for _, headers in server.seen)


def test_dollars_are_escaped_and_unknown_secrets_fail_at_create():  # T10
    with serve() as server:
        run(model(server.url, more=", 'auth-token' = 'a$${SECRET:b}'") + SCORE)
        assert server.seen[-1][1]["Authorization"] == "Bearer a${SECRET:b}"
        server.seen.clear()
        done = millrace("run", "-", sql=model(server.url, more=", 'auth-token' = '${SECRET:nobody}'"))
        assert done.returncode != 0 and "nobody" in done.stderr and not server.seen


def test_no_statement_shows_a_token():  # T10
    with serve() as server:
        shown = run(
            model(server.url, more=", 'auth-token' = 's3cret'")
            + f"SHOW CREATE MODEL m; DESCRIBE MODEL EXTENDED m; EXPLAIN {SCORE}"
        )
        assert "auth-token" in shown.stdout
        assert "s3cret" not in shown.stdout + shown.stderr


def test_flatten_batch_dim():  # T6: [1, N] goes as [N]
    with serve() as server:
        columns = "INPUT (x ARRAY<FLOAT>) OUTPUT (y FLOAT)"
        sql = "SELECT m(ARRAY[CAST(1 AS FLOAT), CAST(2 AS FLOAT)]) AS y FROM (VALUES (1), (2)) AS t (x);"
        done = run(model(server.url, "flat", columns, ", 'flatten-batch-dim' = 'true', 'warm-up' = 'false'") + sql)
        assert done.stdout.split() == ["42.0", "42.0"]
        assert [asked["inputs"][0]["shape"] for asked in server.asked] == [[2], [2]]


def test_a_payload_of_many_megabytes():  # T14
    with serve() as server:
        sql = "SELECT COUNT(y) AS n FROM (SELECT m(CAST(x AS FLOAT)) AS y FROM numbers);"
        numbers = """CREATE TABLE numbers (x BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '1000000',
          'fields.x.kind' = 'sequence', 'fields.x.start' = '10000000', 'fields.x.end' = '10999999');
          SET 'execution.runtime-mode' = 'batch';"""
        assert run(numbers + model(server.url, more=", 'warm-up' = 'false'") + sql).stdout.split() == ["1000000"]
        assert sum(asked["inputs"][0]["shape"][0] for asked in server.asked) == 1_000_000


def test_input_and_output_are_read_from_the_server():  # T1
    with serve() as server:
        described = run(model(server.url, columns="") + "DESCRIBE MODEL m;").stdout
        assert re.search(r"x +\| FLOAT \| TRUE \| INPUT", described)
        assert re.search(r"y +\| FLOAT \| TRUE \| OUTPUT", described)


def test_describe_extended_shows_the_options():  # T1
    with serve() as server:
        shown = run(model(server.url, more=", 'timeout' = '7 s'") + "DESCRIBE MODEL EXTENDED m;")
        assert "'timeout' = '7 s'" in shown.stdout + shown.stderr


def test_a_declaration_that_does_not_fit():  # T1, T12
    with serve() as server:
        done = millrace("run", "-", sql=model(server.url, columns="INPUT (x STRING) OUTPUT (y FLOAT)"))
        assert done.returncode != 0
        assert "'x'" in done.stderr and "FP32" in done.stderr and "CAST" in done.stderr


def check(sql, *arguments):
    done = millrace("model", "check", "m", *arguments, "-e", sql, sql="")
    steps = re.findall(r"^(ok|FAILED) +([^:]+):", done.stdout, re.M)
    assert (done.returncode == 0) == all(result == "ok" for result, _ in steps), done.stdout + done.stderr
    return [name for _, name in steps], done.stdout


def test_check_goes_through_all_steps(tmp_path):  # T18
    with serve() as server:
        steps, said = check(model(server.url))
        assert steps == ["DNS", "TCP", "server ready", "model ready", "configuration", "inference"]
        assert "y = 42" in said
        (tmp_path / "rows").write_text('{"x": 1}\n{"x": 2}\n')
        assert "2 rows" in check(model(server.url), "--sample", str(tmp_path / "rows"))[1]


@pytest.mark.parametrize(
    ("name", "columns", "last", "remedy"),
    [
        ("unknown", "INPUT (x FLOAT) OUTPUT (y FLOAT)", "model ready", "/v2/repository/index"),
        ("not_ready", "INPUT (x FLOAT) OUTPUT (y FLOAT)", "model ready", "hint"),
        ("fixed", "INPUT (x STRING) OUTPUT (y FLOAT)", "configuration", "CAST"),
        ("garbage", "INPUT (x FLOAT) OUTPUT (y FLOAT)", "inference", "--sample"),
    ],
)
def test_check_stops_where_it_cannot_go_on(name, columns, last, remedy):  # T18
    with serve() as server:
        steps, said = check(model(server.url, name, columns))
        assert steps[-1] == last and "FAILED" in said and remedy in said, said


def test_check_of_servers_that_are_not_there():  # T18
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    steps, said = check(model(f"http://localhost:{port}"))
    assert steps == ["DNS", "TCP"] and "is the server running" in said
    steps, said = check(model("http://no-such-host.invalid:8000"))
    assert steps == ["DNS"] and "getent hosts" in said
    with serve() as server:
        steps, said = check(model(server.url.replace("http:", "https:")))
        assert steps == ["DNS", "TCP", "TLS"] and "hint" in said
        server.starting = True
        steps, said = check(model(server.url))
        assert steps[-1] == "server ready" and "see its log" in said


def test_the_alert_rules_name_metrics_that_exist(tmp_path):  # T11
    with serve() as server, Service(tmp_path / "data") as service:
        sql = f"""
          CREATE TABLE ticks (x FLOAT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000');
          {model(server.url)}
          CREATE TABLE kept (y FLOAT) WITH ('connector' = 'blackhole');
          INSERT INTO kept SELECT m(x) FROM ticks;"""
        assert service.ask("/v1/jobs", "POST", {"name": "scores", "sql": sql})[0] == 201
        service.wait_for("scores", lambda _: "millrace_requests_total{" in service.ask("/metrics")[1])
        told = set(re.findall(r"^(\w+)", service.ask("/metrics")[1], re.M))
    for metric in set(re.findall(r"millrace_\w+", RULES.read_text())):
        assert metric in told, f"{metric} is not a metric"
