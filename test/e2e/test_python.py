"""The Python package over the engine of the build. // T17"""

import os
import pathlib
import re
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
LIBRARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "libmillrace.so"
os.environ["MILLRACE_LIBRARY"] = str(LIBRARY)
sys.path.insert(0, str(ROOT / "python"))

import pyarrow as pa  # noqa: E402
import pytest  # noqa: E402

import millrace  # noqa: E402

NUMBERS = """
CREATE TABLE numbers (n BIGINT COMMENT 'of the row', x DOUBLE) COMMENT 'some' WITH (
  'connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '10000',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '10000');
"""
ENDLESS = "CREATE TABLE ticks (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000');"


@pytest.fixture
def session():
    with millrace.Session() as session:
        yield session


def test_rows_are_arrow(session):
    session.execute(NUMBERS)
    reader = session.query("SELECT n, n % 2 = 0 AS even, 'n' || CAST(n AS STRING) AS s FROM numbers")
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.schema.types == [pa.int64(), pa.bool_(), pa.string()]
    table = reader.read_all()
    assert table.column("n").to_pylist() == list(range(1, 10001))
    assert table.column("s")[9].as_py() == "n10" and table.column("even")[9].as_py()


def test_a_changelog_has_signs(session):
    rows = session.query("SELECT k, COUNT(*) AS c FROM (VALUES ('a'), ('b'), ('a')) AS t (k) GROUP BY k").read_all()
    left = {}
    for row in rows.to_pylist():
        assert row["op"] in ("+I", "-U", "+U", "-D")
        left[row["k"]] = row["c"] if row["op"][0] == "+" else None
    assert left == {"a": 2, "b": 1}


def test_each_statement_gives_a_result(session):
    results = session.execute(NUMBERS + "SHOW TABLES; SHOW CREATE TABLE numbers; SELECT MAX(n) AS top FROM numbers;")
    assert [each.kind for each in results] == ["done", "table", "text", "query"]
    assert results[1].to_table().to_pylist() == [{"table name": "numbers"}]
    assert "'number-of-rows' = '10000'" in results[2].message
    assert not results[3].append_only and results[3].bounded
    assert results[3].to_table().to_pylist()[-1]["top"] == 10000


def test_errors_tell_where_and_what_to_do(session):
    session.execute(NUMBERS)
    with pytest.raises(millrace.MillraceError) as caught:
        session.query("SELECT n\nFROM numberz")
    error = caught.value
    assert (error.kind, error.line, error.column) == ("user", 2, 6)
    assert "numberz" in error.message and "numbers" in error.hint
    assert "^" in str(error)
    with pytest.raises(millrace.MillraceError, match="numberz"):
        session.table("numberz")
    with pytest.raises(millrace.MillraceError) as caught:
        session.execute("SELECT 1; SELEC 2")
    assert caught.value.line == 1 and caught.value.column == 11


def test_a_query_that_fails_raises_while_it_is_read(session, tmp_path):
    session.execute(f"""
        CREATE TABLE lines (a INT) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/none.csv', 'format' = 'csv')""")
    with pytest.raises(millrace.MillraceError, match="none.csv"):
        session.query("SELECT a FROM lines").read_all()


def test_objects(session):
    session.execute(NUMBERS + "CREATE VIEW halves AS SELECT n / 2 AS h FROM numbers;")
    session.execute(f"""
        CREATE MODEL wear INPUT (t FLOAT, v FLOAT, i FLOAT, condition_level FLOAT) OUTPUT (wear FLOAT)
        WITH ('provider' = 'onnx', 'path' = '{ROOT}/examples/demo/models/wear/1/model.onnx')""")
    assert (session.tables(), session.views(), session.models()) == (["numbers"], ["halves"], ["wear"])
    table = session.table("numbers")
    assert table.comment == "some" and table.schema.names == ["n", "x"] and table.output is None
    assert table.options["connector"] == "datagen"
    assert session.model("wear").output.field("wear").type == pa.float32()
    assert session.view("halves").schema.names == ["h"]
    with millrace.Session() as another:
        assert another.tables() == []


def test_jobs(session):
    session.execute(NUMBERS + ENDLESS + "CREATE TABLE gone (n BIGINT) WITH ('connector' = 'blackhole');")
    job = session.execute("INSERT INTO gone SELECT n FROM numbers")[0].job
    assert job.wait() and job.wait(timeout=0)
    assert job.status == "finished" and job.about()["rows_written"] == 10000
    endless = session.execute("INSERT INTO gone SELECT n FROM ticks")[0].job
    assert not endless.wait(timeout=0.05)
    endless.cancel()
    with pytest.raises(millrace.MillraceError):
        endless.wait()
    assert endless.status == "cancelled"


def test_a_savepoint_stops_a_job(session, tmp_path):
    session.execute(ENDLESS + "CREATE TABLE gone (n BIGINT) WITH ('connector' = 'blackhole');")
    job = session.execute("INSERT INTO gone SELECT n FROM ticks")[0].job
    assert pathlib.Path(job.savepoint(tmp_path, stop=True)).parent == tmp_path
    assert job.wait() and job.status == "finished"


def test_a_query_ends_with_its_reader(session):
    session.execute(ENDLESS)
    reader = session.query("SELECT n FROM ticks")
    assert reader.read_next_batch().num_rows > 0
    del reader
    session.close()
    with pytest.raises(millrace.MillraceError, match="closed"):
        session.tables()


def run(code, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_interrupt_ends_a_wait():
    process = run(f'''
import millrace
session = millrace.Session()
session.execute("""{ENDLESS}""")
reader = session.query("SELECT n FROM ticks WHERE n = -1")
try:
    print("waiting", flush=True)
    reader.read_next_batch()
except KeyboardInterrupt:
    print("interrupted")
''')
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert out == "interrupted\n", errors
    assert process.returncode == 0, errors


def test_a_missing_library_says_what_to_do():
    _, errors = run("import millrace; millrace.Session()", MILLRACE_LIBRARY="/nowhere/libmillrace.so").communicate(timeout=30)
    assert "/nowhere/libmillrace.so" in errors and "./dev build" in errors


def test_the_guide_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python run\n(.*?)^```$", (ROOT / "docs/guide/python.md").read_text(), re.M | re.S)
    assert len(blocks) >= 4
    exec(compile("\n".join(blocks), "python.md", "exec"), {})


def test_versions_agree():
    assert f'version = "{millrace.version()}"' in (ROOT / "python/pyproject.toml").read_text()
