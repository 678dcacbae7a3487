"""Models in SQL, in the process and behind `millrace model-server`, against their runtime in a loop.

TensorFlow is measured where $MILLRACE_TENSORFLOW names its library: `test/models/tensorflow.sh with ./dev bench scoring`.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from measure import MILLRACE, RESOLUTION, ROOT, Run, Table, limit, medians, process, sql
from tensorflow_graph import perceptron

BATCH = 1024
WIDTHS = {"forest": 11, "perceptron": 11, "linear": 2}  # of the input: 50 trees of scikit-learn; 2 x0 + 3 x1 + 1
PERCEPTRON = (WIDTHS["perceptron"], 128, 128, 1)  # widths of its layers; about the work of the forest
FOLDER = ROOT / "test" / "models"


def script(model, rows, options=None):
    """Scores `rows` random rows; without options only makes them."""
    columns = [f"c{i}" for i in range(WIDTHS[model])]
    bounds = "".join(f", 'fields.{c}.min' = '-2', 'fields.{c}.max' = '2'" for c in columns)
    declared = ", ".join(f"{c} FLOAT" for c in columns)
    lines = [
        f"SET 'millrace.batch-rows' = '{BATCH}';",
        f"CREATE TABLE features ({declared}) WITH ('connector' = 'datagen', 'rows-per-second' = '0', 'seed' = '7', "
        f"'number-of-rows' = '{rows}'{bounds});",
    ]
    if options is None:
        return "\n".join(
            [
                *lines,
                f"CREATE TABLE nowhere ({declared}) WITH ('connector' = 'blackhole');",
                "INSERT INTO nowhere SELECT * FROM features;",
            ]
        )
    return "\n".join(
        [
            *lines,
            f"CREATE MODEL scorer INPUT ({declared}) OUTPUT (y FLOAT) WITH ({options});",
            "CREATE TABLE nowhere (y FLOAT) WITH ('connector' = 'blackhole');",
            f"INSERT INTO nowhere SELECT scorer({', '.join(columns)}) FROM features;",
        ]
    )


@contextlib.contextmanager
def server():
    """A model server on a free port: its port and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("forest", "linear"):
            version = pathlib.Path(folder, name, "1")
            version.mkdir(parents=True)
            shutil.copy(FOLDER / f"{name}.onnx", version / "model.onnx")
        command = [MILLRACE, "model-server", "--repository", folder, "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
            try:
                for line in child.stdout:
                    if found := re.search(r"http://[^:/]+:(\d+)", line):
                        break
                else:
                    raise SystemExit("millrace model-server did not start")
                yield int(found.group(1)), child.pid
            finally:
                child.send_signal(signal.SIGTERM)


def cpu_of(pid):
    """CPU seconds that a running process has taken so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def with_server(text, pid):
    """A case: Millrace runs the script; the server's CPU time counts with its own."""

    def case():
        before = cpu_of(pid)
        run, _ = process(MILLRACE, "run", "-", stdin=text)
        return Run(run.cpu + cpu_of(pid) - before, run.wall, run.memory)

    return case


def report(sizes):
    with tempfile.TemporaryDirectory() as folder, server() as (port, pid):
        files = {("onnx", model): FOLDER / f"{model}.onnx" for model in ("forest", "linear")}
        if os.environ.get("MILLRACE_TENSORFLOW"):
            files["tensorflow", "perceptron"] = pathlib.Path(folder, "perceptron.pb")
            files["tensorflow", "perceptron"].write_bytes(perceptron(*PERCEPTRON))
            files["tensorflow", "linear"] = FOLDER / "linear.pb"
        cases = {}
        for (runtime, model), path in files.items():
            key, rows = (runtime, model), rows_of(model, sizes)
            local = f"'provider' = '{runtime}', 'path' = '{path}'"
            remote = f"'provider' = 'triton', 'endpoint' = 'http://127.0.0.1:{port}', 'model-name' = '{model}'"
            cases[key, "raw"] = limit(runtime, path, WIDTHS[model], BATCH, rows)
            cases[key, "source"] = sql(script(model, rows))
            cases[key, "source", "start"] = sql(script(model, 1))
            # The starts are what loading a model costs, once.
            cases[key, "in process"] = sql(script(model, rows, local))
            cases[key, "in process", "start"] = sql(script(model, 1, local))
            if runtime == "onnx":
                cases[key, "model-server"] = with_server(script(model, rows, remote), pid)
                cases[key, "model-server", "start"] = with_server(script(model, 1, remote), pid)
        done = medians(cases, sizes.runs)

    table = Table(
        f"Scoring, {BATCH:,} rows a batch; the limit is the model's runtime in a loop",
        ["runtime", "model", "where", "rows / CPU s", "CPU s", "peak MB", "limit CPU s", "of its rate", "us a batch above", "aim", ""],
        notes=["CPU s is without the job's start and its source; for model-server that of both sides together."]
        + ([] if ("tensorflow", "linear") in files else ["TensorFlow is measured where $MILLRACE_TENSORFLOW names its library."]),
    )
    for runtime, model in files:
        key, rows = (runtime, model), rows_of(model, sizes)
        raw = done[key, "raw"].cpu
        source = done[key, "source"].cpu - done[key, "source", "start"].cpu
        for where, share_aim, above_aim in (("in process", 0.9, 20), ("model-server", 0.5, 250)):
            if (key, where) not in done:
                continue
            net = max(done[key, where].cpu - done[key, where, "start"].cpu - source, RESOLUTION)
            share, above = raw / net, (net - raw) / (rows / BATCH) * 1e6
            if model == "linear":
                aim = [f"us <= {above_aim}", "ok" if above <= above_aim else "MISSED"]
            else:
                aim = [f"rate >= {share_aim}", "ok" if share >= share_aim else "MISSED"]
            table.lines.append(
                [runtime, model, where, f"{rows / net:,.0f}", f"{net:.3f}", f"{done[key, where].memory:.0f}", f"{raw:.3f}"]
                + [f"{share:.2f}", f"{above:.0f}", *aim]
            )
    return [table]


def rows_of(model, sizes):
    return sizes.linear if model == "linear" else sizes.forest
