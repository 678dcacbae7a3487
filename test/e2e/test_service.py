"""`millrace serve` and its client `millrace job`: jobs that outlive the process."""

import http.server
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"

ENDLESS = """
CREATE TABLE ticks (k BIGINT, v BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000',
  'fields.k.kind' = 'sequence', 'fields.k.start' = '1', 'fields.k.end' = '1000000000');
CREATE TABLE kept (k BIGINT) WITH ('connector' = 'filesystem', 'path' = '{out}', 'format' = 'csv');
INSERT INTO kept SELECT k FROM ticks;
"""


class Service:
    """A running `millrace serve` over a folder."""

    def __init__(self, folder, token=None, host="127.0.0.1", more=()):
        self.folder, self.token = folder, token
        self.environment = {**os.environ, **({"MILLRACE_TOKEN": token} if token else {})}
        command = [BINARY, "serve", "--data", folder, "--port", "0", "--host", host]
        command += ["--set", "execution.checkpointing.interval=100 ms", *more]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment)
        line = self.process.stderr.readline()
        found = re.search(r"http://[^:]+:(\d+)", line)
        assert found, line + self.process.stderr.read()
        self.url = f"http://127.0.0.1:{found.group(1)}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=20)

    def ask(self, path, method="GET", body=None, token=None):
        """(status, answer)"""
        request = urllib.request.Request(self.url + path, method=method)
        request.data = None if body is None else json.dumps(body).encode()
        if token or self.token:
            request.add_header("Authorization", f"Bearer {token or self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text, status = response.read().decode(), response.status
        except urllib.error.HTTPError as error:
            text, status = error.read().decode(), error.code
        return status, json.loads(text) if text.startswith("{") else text

    def client(self, *arguments):
        command = [BINARY, *arguments, "--server", self.url]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=self.environment)

    def wait_for(self, name, condition, seconds=30):
        end = time.monotonic() + seconds
        while True:
            job = self.ask(f"/v1/jobs/{name}")[1]
            if condition(job):
                return job
            assert time.monotonic() < end, job
            time.sleep(0.05)


def numbers(folder):
    rows = []
    for path in sorted(pathlib.Path(folder).glob("[!._]*")):
        rows += [int(line) for line in path.read_text().split()]
    return sorted(rows)


def submit(service, tmp_path, name="ticks"):
    script = tmp_path / "job.sql"
    script.write_text(ENDLESS.format(out=tmp_path / "out"))
    done = service.client("job", "submit", name, script)
    assert done.returncode == 0, done.stderr


def test_jobs_outlive_a_kill(tmp_path):  # P2, P4
    with Service(tmp_path / "data") as service:
        submit(service, tmp_path)
        service.wait_for("ticks", lambda job: len(numbers(tmp_path / "out")) > 500)
        service.kill()
    with Service(tmp_path / "data") as service:
        before = len(numbers(tmp_path / "out"))
        assert "ticks  running" in service.client("job", "list").stdout
        service.wait_for("ticks", lambda job: len(numbers(tmp_path / "out")) > before + 500)
        assert service.client("job", "cancel", "ticks").returncode == 0
    rows = numbers(tmp_path / "out")
    assert rows == list(range(1, len(rows) + 1)), "a row is missing or there twice"


def test_stop_and_start_keep_the_state(tmp_path):
    with Service(tmp_path / "data") as service:
        submit(service, tmp_path)
        service.wait_for("ticks", lambda job: any(each["kind"] == "periodic" for each in job["checkpoints"]))
        saved = service.client("savepoint", "ticks", "--folder", tmp_path / "mine")
        assert saved.returncode == 0 and saved.stdout.startswith(str(tmp_path / "mine")), saved.stderr
        stopped = service.client("job", "stop", "ticks")
        assert stopped.returncode == 0, stopped.stderr
        assert (pathlib.Path(stopped.stdout.strip()) / "manifest.json").exists()
        job = service.ask("/v1/jobs/ticks")[1]
        assert job["phase"] == "stopped" and job["id"] is None
        periodic = [each for each in job["checkpoints"] if each["kind"] == "periodic"]
        assert periodic and all(each["failure"] is None and each["duration_us"] > 0 for each in periodic)
        assert "does not run" in service.client("savepoint", "ticks").stderr
        stored = len(numbers(tmp_path / "out"))
        assert service.client("job", "start", "ticks").returncode == 0
        assert "runs already" in service.client("job", "start", "ticks").stderr
        service.wait_for("ticks", lambda job: len(numbers(tmp_path / "out")) > stored + 500)
        restored = service.ask("/v1/jobs/ticks")[1]["restored"]
        assert restored["checkpoint"] == stopped.stdout.strip()
        assert restored["kept"] and not (restored["new"] or restored["dropped"] or restored["skipped"])
        assert "stop or cancel it first" in service.client("job", "remove", "ticks").stderr
        assert service.client("job", "cancel", "ticks").returncode == 0
        assert service.client("job", "remove", "ticks").returncode == 0
        assert service.ask("/v1/jobs/ticks")[0] == 404
    rows = numbers(tmp_path / "out")
    assert rows == list(range(1, len(rows) + 1))


def test_a_finished_and_a_failed_job_stay_so(tmp_path):
    ends = f"""CREATE TABLE o (k INT) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/o', 'format' = 'csv');
        INSERT INTO o VALUES (1), (2);"""
    with Service(tmp_path / "data") as service:
        status, job = service.ask("/v1/jobs", "POST", {"name": "ends", "sql": ends})
        assert status == 201 and job["name"] == "ends"
        job = service.wait_for("ends", lambda job: job["phase"] != "running")
        assert job["phase"] == "finished" and job["rows_written"] == 2 and job["error"] is None
    with Service(tmp_path / "data") as service:
        assert service.ask("/v1/jobs/ends")[1]["phase"] == "finished"
        assert numbers(tmp_path / "o") == [1, 2]


def test_a_page_for_browsers(tmp_path):  # T11
    with Service(tmp_path / "data", token="open") as service, urllib.request.urlopen(service.url + "/") as answer:
        page = answer.read().decode()
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    # What it shows is what the API gives, which it does not get without a token.
    assert 'fetch("v1/" + kind' in page
    summary = {"name", "phase", "error", "rows_read", "rows_written", "rows_rejected"}
    assert set(re.findall(r"\bj\.(\w+)", page)) == summary
    shown = set(re.findall(r"\bm\.(\w+)", page))
    assert shown == {"model", "version", "calls", "rows", "failed_rows", "call_us", "time_us"}
    assert set(re.findall(r"time_us\.(\w+)", page)) == {"engine_queue", "network", "server_queue", "server_compute"}


def test_the_models_of_the_process_are_told(tmp_path):  # M7
    model = pathlib.Path("test/models/linear.onnx").resolve()
    scored = f"""CREATE TABLE o (y FLOAT) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/o', 'format' = 'csv');
        CREATE VIEW updates AS SELECT '{model}' AS location;
        CREATE MODEL line INPUT (a FLOAT, b FLOAT) OUTPUT (y FLOAT)
        WITH ('provider' = 'stream', 'source' = 'updates', 'type' = 'onnx', 'drift-rows' = '1');
        INSERT INTO o SELECT line(CAST(1 AS FLOAT), CAST(b AS FLOAT)) FROM (VALUES (1), (2)) AS t (b);"""
    with Service(tmp_path / "data") as service:
        assert service.ask("/v1/models")[1] == {"models": []}
        service.ask("/v1/jobs", "POST", {"name": "scored", "sql": scored})
        service.wait_for("scored", lambda job: job["phase"] == "finished")
        versions = {each["version"]: each for each in service.ask("/v1/models")[1]["models"]}
        line = versions["sha256:be1f65eeffea6beb36c3a54b6c24d8bf86e0076b15c190461b7a7097ad66c0a5"]
        assert line["model"] == "line" and line["rows"] == 2 and line["failed_rows"] == 0
        assert 0 < line["first_use_ms"] <= line["last_use_ms"] <= time.time() * 1000
        assert line["call_us"]["min"] <= line["call_us"]["mean"] <= line["call_us"]["max"]
        # One model, and one version by the name in the statistics or the number of its record.
        page = service.ask("/v1/models/line")[1]
        assert [each["version"] for each in page["versions"]] == [line["version"]]
        assert [each["event"] for each in page["history"]] == ["loaded", "serves"]  # M9
        for name in (line["version"], "1"):
            one = service.ask(f"/v1/models/line/versions/{name}")[1]
            assert one["version"] == line["version"] and one["rows"] == 2
            drift = {each["column"]: each for each in one["drift"]}  # M10
            assert drift["a"]["psi"] == 0 and drift["b"]["ks"] == 1 and drift["y"]["side"] == "output"
        status, answer = service.ask("/v1/models/lien")
        assert status == 404 and "did you mean 'line'" in answer["hint"]
        status, answer = service.ask("/v1/models/line/versions/7")
        assert status == 404 and line["version"] in answer["hint"]
        assert service.ask("/v1/models/line/version")[0] == 404
        assert service.ask("/v1/models/line", "DELETE")[0] == 405


def test_mistakes_are_told(tmp_path):
    with Service(tmp_path / "data") as service:
        refused = [
            ("/v1/jobs", {"name": "../x", "sql": "SELECT 1"}, "no name for a job"),
            ("/v1/jobs", {"name": "x", "sql": "SELEC 1"}, "SELEC"),
            ("/v1/jobs", {"name": "x", "sql": "SELECT 1"}, "nobody would read"),
            ("/v1/jobs", {"name": "x", "sql": "SHOW TABLES"}, "the script has 0"),
            ("/v1/jobs", {"name": "x", "sql": "SELECT 1", "colour": 1}, "'colour'"),
            ("/v1/jobs", {"name": "x", "sql": "SELECT 1", "settings": {"parallelism.defualt": 2}}, "parallelism.default"),
        ]
        for path, body, text in refused:
            status, answer = service.ask(path, "POST", body)
            assert status == 400 and text in json.dumps(answer), (body, answer)
        assert service.ask("/v1/jobs", "POST", {"name": "x", "sql": "SELEC 1"})[1]["line"] == 1
        assert service.ask("/v1/jobs")[1] == {"jobs": []}
        assert service.ask("/v1/jobs/nothing")[0] == 404
        assert service.ask("/v1/jobs/nothing/stop", "POST", {})[0] == 404
        assert service.ask("/v1/jobs", "DELETE")[0] == 405
        assert service.ask("/nowhere")[0] == 404
        script = tmp_path / "wrong.sql"
        script.write_text("INSERT INTO nowhere SELECT 1;")
        done = service.client("job", "submit", "x", script)
        assert done.returncode == 1 and "nowhere" in done.stderr and "1:13" in done.stderr
    alone = subprocess.run([BINARY, "job", "list", "--server", "http://127.0.0.1:9"], capture_output=True, text=True)
    assert alone.returncode == 1 and "millrace serve" in alone.stderr


def test_metrics_and_log_levels(tmp_path):  # P7
    with Service(tmp_path / "data") as service:
        submit(service, tmp_path)
        service.wait_for("ticks", lambda job: job["rows_written"] > 100)
        text = service.ask("/metrics")[1]
        assert 'millrace_job_running{job="ticks"} 1' in text
        assert 'millrace_operator_queued_bytes{job="ticks"' in text
        assert 'millrace_job_restarts_total{job="ticks"} 0' in text
        assert re.search(r'millrace_operator_rows_out_total\{job="ticks",node="[^"]+",op="source"\} [1-9]', text)
        assert service.ask("/v1/log-levels", "PUT", {"runtime": "debug"})[0] == 200
        assert service.ask("/v1/log-levels", "PUT", {"runtime": "loud"})[0] == 400
        assert service.client("log-level", "runtime=warn", "server.jobs=debug").returncode == 0
        assert "loud" in service.client("log-level", "runtime=loud").stderr
        assert service.client("log-level", "runtime").returncode == 2
        assert service.ask("/healthz") == (200, "ok\n")
        assert service.ask("/v1/info")[1]["name"] == "millrace"


COUNTED = """
CREATE TABLE ticks (k BIGINT, ts AS TO_TIMESTAMP_LTZ(k, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen',
  'rows-per-second' = '2000', 'fields.k.kind' = 'sequence', 'fields.k.start' = '1', 'fields.k.end' = '1000000000');
CREATE TABLE nowhere (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT MOD(k, 100), COUNT(*) FROM ticks GROUP BY MOD(k, 100);
"""


def test_metrics_are_pushed_to_influxdb(tmp_path, monkeypatch):  # T11
    class Influx(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            taken.put((self.path, self.headers["Authorization"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    taken = queue.Queue()
    monkeypatch.setenv("MILLRACE_INFLUX_TOKEN", "s3cret")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Influx) as influx:
        threading.Thread(target=influx.serve_forever, kwargs={"poll_interval": 0.01}).start()
        url = f"http://127.0.0.1:{influx.server_address[1]}/write?db=plant&precision=ms"
        with Service(tmp_path / "data", more=["--influx", url, "--influx-interval", "0.1"]) as service:
            submit(service, tmp_path)
            lines = ""
            while "operator" not in lines:
                path, token, lines = taken.get(timeout=30)
        influx.shutdown()
    assert (path, token) == ("/write?db=plant&precision=ms", "Token s3cret")
    assert all(re.fullmatch(r"millrace_\w+(,\S+=\S+)* \w+=-?\d+i(,\w+=-?\d+i)* \d{13}", line) for line in lines.splitlines())


def test_what_operators_hold_is_told(tmp_path):  # P7
    two = {"parallelism.default": 2}  # so that there are exchanges
    with Service(tmp_path / "data") as service:
        assert service.ask("/v1/jobs", "POST", {"name": "counted", "sql": COUNTED, "settings": two})[0] == 201

        def told(job):
            operators = {each["op"]: each for each in job["operators"]}
            counts, written = operators.get("aggregate"), [each for each in job["checkpoints"] if each["path"]]
            return (counts and counts["state_bytes"] > 100 * 16
                    and any(each["queue_capacity_bytes"] > 0 for each in operators.values())
                    and counts["watermark_us"] and 0 < counts["watermark_us"] < 10**10 and written
                    and written[-1]["total_bytes"] >= written[-1]["written_bytes"] > 0)

        job = service.wait_for("counted", told)
        counts = next(each for each in job["operators"] if each["op"] == "aggregate")
        # The rows' time is near 1970, so the lag is nearly the wall clock.
        assert abs(counts["watermark_lag_us"] + counts["watermark_us"] - time.time() * 1e6) < 60e6
        text = service.ask("/metrics")[1]
        assert re.search(r'millrace_operator_state_bytes\{job="counted",node="[^"]+",op="aggregate"\} [1-9]', text)
        assert re.search(r'millrace_operator_watermark_lag_us\{job="counted",node="[^"]+",op="aggregate"\} [1-9]', text)
        assert re.search(r'millrace_last_checkpoint_total_bytes\{job="counted"\} [1-9]', text)


def test_a_token_guards_it(tmp_path):  # P6
    with Service(tmp_path / "data", token="s3cret", host="0.0.0.0") as service:
        assert service.ask("/v1/jobs")[0] == 200
        assert service.ask("/v1/jobs", token="wrong!")[0] == 401
        assert service.ask("/healthz", token="none")[0] == 200
        assert service.client("job", "list").returncode == 0
    bare = {key: value for key, value in os.environ.items() if key != "MILLRACE_TOKEN"}
    refused = subprocess.run(
        [BINARY, "serve", "--data", tmp_path, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=20, env=bare
    )
    assert refused.returncode == 2 and "MILLRACE_TOKEN" in refused.stderr


@pytest.mark.parametrize("text", ["", "{", '{"format": 99}'])
def test_a_damaged_record_stops_the_service_with_its_path(tmp_path, text):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "x.json").write_text(text)
    done = subprocess.run([BINARY, "serve", "--data", tmp_path, "--port", "0"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "x.json" in done.stderr
