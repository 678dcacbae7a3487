"""Bounded SQL gives what DuckDB gives."""

import csv
import io
import math
import os
import pathlib
import subprocess

import duckdb
import pytest
from queries import queries, rows

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]) / "millrace"
SEED = 20240229
QUERIES = queries(SEED, 60)
SEPARATOR = "--- next ---"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("diff") / "t.csv"
    path.write_text(rows(SEED, 200))
    return path


@pytest.fixture(scope="module")
def answers(table):
    """The csv of each query's rows, all from one run: a SELECT of the separator stands between two."""
    script = [
        f"""CREATE TABLE t (id INT, a INT, b INT, x DOUBLE, s STRING, d DATE) WITH (
          'connector' = 'filesystem', 'path' = '{table}', 'format' = 'csv', 'csv.null-literal' = '')""",
        "SET 'execution.runtime-mode' = 'batch'",
    ]
    for query in QUERIES:
        script += [query, f"SELECT '{SEPARATOR}' AS s"]
    done = subprocess.run([BINARY, "run", "--output", "csv", "-e", ";\n".join(script)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(SEPARATOR + "\n")


@pytest.fixture(scope="module")
def duck(table):
    connection = duckdb.connect()
    connection.execute(
        f"""CREATE TABLE t AS SELECT * FROM read_csv('{table}', header = false, nullstr = '', columns = {{
          'id': 'INTEGER', 'a': 'INTEGER', 'b': 'INTEGER', 'x': 'DOUBLE', 's': 'VARCHAR', 'd': 'DATE'}})""")
    return connection


def plain(value):
    """A value as text that both engines agree on."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return number(float(value))
    try:
        return number(float(value))
    except ValueError:
        return value


def number(value):
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:.9g}"


@pytest.mark.parametrize("index", range(len(QUERIES)))
def test_same_rows(index, answers, duck):
    expected = duck.execute(QUERIES[index]).fetchall()
    # An empty line is a row of one empty field.
    actual = [row or [""] for row in csv.reader(io.StringIO(answers[index]))]
    expected = sorted([plain(value) for value in row] for row in expected)
    actual = sorted([plain(value) for value in row] for row in actual)
    assert actual == expected, QUERIES[index]
