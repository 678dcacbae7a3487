"""Jobs whose models fail, through `kill -9`: a flaky server, and a row that ends the process that scores it."""

import pathlib
import random
import sys
import time

import pytest
from inference_server import serve
from test_state import OFTEN, checkpoints, run, start

ROWS = 600
TABLES = """
CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{rows}', 'rows-per-second' = '400',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '{rows}');
CREATE TABLE scored (id BIGINT, y FLOAT) WITH ('connector' = 'filesystem', 'path' = '{folder}/scored/', 'format' = 'csv');
"""
SERVED = """
CREATE MODEL m INPUT (x FLOAT{key}) OUTPUT (y FLOAT) WITH ('provider' = 'triton', 'endpoint' = '{url}', 'model-name' = '{model}',
  'max-retries' = '20', 'retry-initial-backoff' = '5 ms', 'retry-max-backoff' = '20 ms', 'warm-up' = 'false'{more});
INSERT INTO scored SELECT id, m(x{argument}) AS y FROM (SELECT id, CAST(id AS FLOAT) AS x, CAST(MOD(id, 3) AS STRING) AS k FROM numbers);
"""
PYTHON = """
CREATE MODEL m INPUT (a BIGINT) OUTPUT (y BIGINT) WITH ('provider' = 'python', 'path' = '{path}', 'function' = 'picky', 'python' = '{python}');
INSERT INTO scored SELECT id, CAST(m(a) AS FLOAT) AS y FROM (SELECT id, CASE WHEN MOD(id, 97) = 0 THEN -1 ELSE id END AS a FROM numbers);
"""


def through_kills(folder, seed, parallelism, job, **values):
    """The rows at the end, by id: the score, or None."""
    saved, chance, restore = folder / "saved", random.Random(seed), []
    options = [*OFTEN, "--set", f"parallelism.default={parallelism}", "--checkpoints", saved]
    sql = TABLES.format(folder=folder, rows=ROWS) + job.format(**values)

    def lines():
        return [line for file in (folder / "scored").glob("[!._]*") for line in file.read_text().split()]

    for _ in range(3):
        before, more = len(lines()), 20 + 80 * chance.random()
        process = start(*options, *restore, "-e", sql)
        while process.poll() is None and not (checkpoints(saved) and len(lines()) > before + more):
            time.sleep(0.02)
        process.kill()
        process.wait()
        if process.returncode == 0:  # on a slow machine the end may come before the kill
            break
        restore = ["--restore", saved]
    assert restore, "no kill"
    done = run(*options, *restore, "-e", sql)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in lines()]
    assert sorted(int(id) for id, _ in rows) == list(range(1, ROWS + 1)), "each row once"
    return {int(id): float(y) if y else None for id, y in rows}


@pytest.mark.parametrize("seed", range(1, 3))
def test_requests_that_are_tried_again(tmp_path, seed):  # T8
    with serve(seed=seed) as server:
        rows = through_kills(tmp_path, seed, 2, SERVED, url=server.url, model="doubled", key="", argument="", more="")
    assert all(y == 2 * id for id, y in rows.items())


@pytest.mark.parametrize("seed", range(1, 4))
def test_sequences(tmp_path, seed):  # T7
    """A sum goes on from the row before it, or begins anew: never twice the same row, never one that was lost."""
    with serve(seed=seed) as server:
        rows = through_kills(
            tmp_path, seed, 1, SERVED, url=server.url, model="sum", key=", k STRING", argument=", k",
            more=", 'sequence-id' = 'sum-${k}', 'sequence-start' = 'true'",
        )  # fmt: skip
    begun = 0
    for id, y in sorted(rows.items()):
        before = rows.get(id - 3)
        assert y in {None, id, *([] if before is None else [before + id])}, id
        begun += y == id
    lost = sum(y is None for y in rows.values())
    assert lost < ROWS / 5
    assert 3 < begun <= lost + 3 * 4, "one for each that was lost, and for each key of each process"


@pytest.mark.parametrize("seed", [1])
def test_a_row_that_ends_the_process(tmp_path, seed):  # T9
    functions = pathlib.Path(__file__).parents[1] / "models" / "functions.py"
    rows = through_kills(tmp_path, seed, 2, PYTHON, path=functions, python=sys.executable)
    assert all(y == (None if id % 97 == 0 else 10 // id) for id, y in rows.items())
