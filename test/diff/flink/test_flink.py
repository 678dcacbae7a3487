"""SQL gives what a real Flink was recorded to give."""

import json
import os
import pathlib
import re
import subprocess
from decimal import Decimal

import pytest

HERE = pathlib.Path(__file__).parent
BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]) / "millrace"
SETTINGS = """SET 'parallelism.default' = '1'; SET 'millrace.batch-rows' = '1';
SET 'table.local-time-zone' = 'America/New_York';
"""


def sections():
    """By name of each query: whether its changes are compared, and its SQL."""
    text = (HERE / "queries.sql").read_text()
    found = re.findall(r"^-- (\w+)( \(changelog\))?\n(.*?;)\n(?=\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: (bool(changelog), sql) for name, changelog, sql in found}


QUERIES = sections()


def tables(sql):
    """The statements that create the tables, and the views that the query names."""
    text = (HERE / "tables.sql").read_text().replace("${data}", str(HERE / "data"))
    statements = [statement for statement in text.split("\n\n") if statement.startswith("CREATE TABLE")
                  or re.search(rf"\b{statement.split()[2]}\b", sql)]
    return "\n".join(statements)


def run(sql):
    script = SETTINGS + tables(sql) + sql
    done = subprocess.run([BINARY, "run", "--output", "json", "-e", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def recorded(name):
    """Types and lines."""
    types, *lines = (HERE / "recorded" / f"{name}.txt").read_text().splitlines()
    return types.split("; "), lines


def plain(value, type):
    """A value as text that is one for equal values: doubles to 12 digits, decimals with their scale."""
    if value is None:
        return "NULL"
    if type.startswith(("DOUBLE", "FLOAT")):
        return f"{float(value):.12g}"
    if type.startswith("TIME"):
        text = value.replace("T", " ")
        text = re.sub(r"\.?0*(Z?)$", r"\1", text) if "." in text else text
        return text + ":00" if re.search(r"(^| )\d\d:\d\d$", text) else text
    return str(value).lower() if type.startswith("BOOLEAN") else str(value)


def row_of(values, types):
    return tuple(plain(value, type) for value, type in zip(values, types, strict=True))


def read(text):
    return json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("name", [name for name, (changelog, _) in QUERIES.items() if not changelog])
def test_same_rows(name):
    types, lines = recorded(name)
    expected = sorted(row_of(read(line), types) for line in lines)
    actual = sorted(row_of(read(line).values(), types) for line in run(QUERIES[name][1]))
    assert actual == expected


@pytest.mark.parametrize("name", [name for name, (changelog, _) in QUERIES.items() if changelog])
def test_same_changes(name):
    types, lines = recorded(name)
    columns = ", ".join(f"c{i} {type.replace(' NOT NULL', '')}" for i, type in enumerate(types))
    printed = run(f"CREATE TABLE changes ({columns}) WITH ('connector' = 'print'); INSERT INTO changes {QUERIES[name][1]}")
    actual = [(line[:2], *row_of((None if v == "null" else v for v in line[3:-1].split(", ")), types))
              for line in printed if re.match(r"[+-][IUD]\[", line)]
    expected = [(line[:2], *row_of(read(line[3:]), types)) for line in lines]
    if not any(kind == "-U" for kind, *_ in expected):  # Flink leaves out the row before where a key tells it
        actual = [change for change in actual if change[0] != "-U"]
    assert actual == expected


def test_every_query_is_recorded():
    assert set(QUERIES) == {path.stem for path in (HERE / "recorded").glob("*.txt")}
