"""Models as a stream through `kill -9`: a new process serves what was served before, from the checkpoint alone."""

import base64
import json
import os
import pathlib
import random
import re

import onnx
import pytest
from test_state import OFTEN, run, start, wait_for

MODELS = pathlib.Path(__file__).parents[1] / "models"
HAS_TENSORFLOW = "MILLRACE_TENSORFLOW" in os.environ
PMML = """<PMML version="4.4"><Header/><DataDictionary>
<DataField name="a" optype="continuous" dataType="double"/><DataField name="b" optype="continuous" dataType="double"/>
<DataField name="score" optype="continuous" dataType="double"/></DataDictionary>
<RegressionModel functionName="regression"><MiningSchema><MiningField name="a"/><MiningField name="b"/>
<MiningField name="score" usageType="target"/></MiningSchema><RegressionTable intercept="5">
<NumericPredictor name="a" coefficient="7"/><NumericPredictor name="b" coefficient="11"/></RegressionTable>
</RegressionModel></PMML>"""
JOB = """
CREATE TABLE updates (k BIGINT, type STRING, location STRING, version INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/updates.csv', 'format' = 'csv');
CREATE TABLE asked (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{rows}', 'rows-per-second' = '1000',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '{rows}');
CREATE TABLE scored (id BIGINT, version STRING, score FLOAT) WITH ('connector' = 'filesystem', 'path' = '{folder}/scored/', 'format' = 'csv');
CREATE MODEL line INPUT (a FLOAT, b FLOAT) OUTPUT (score FLOAT)
  WITH ('provider' = 'stream', 'source' = 'updates', 'key' = 'k', 'tensorflow.outputs' = 'score');
INSERT INTO scored SELECT id, v, score FROM ML_PREDICT(
  TABLE (SELECT id, MOD(id / 2, {kinds}) AS k, CAST(id AS FLOAT) AS a, CAST(1 AS FLOAT) AS b FROM asked){by},
  MODEL line, DESCRIPTOR(a, b), MAP['version-column', 'v']);
"""


def write_models(folder):
    """The file of each type, and what it makes of a and b."""
    model = onnx.load(MODELS / "linear.onnx")
    model.graph.node[-1].output[0] = model.graph.output[0].name = "score"
    onnx.save(model, folder / "line.onnx")
    (folder / "line.pmml").write_text(PMML)
    (folder / "line.pb").write_bytes((MODELS / "linear.pb").read_bytes())
    return {
        "pmml": ("line.pmml", lambda a, b: 7 * a + 11 * b + 5),
        "onnx": ("line.onnx", lambda a, b: 2 * a + 3 * b + 1),
        "tensorflow": ("line.pb", lambda a, b: 2 * a + 3 * b + 1),
    }


@pytest.mark.parametrize("by", [" PARTITION BY k", ""], ids=["keyed", "broadcast"])
@pytest.mark.parametrize("kinds", [
    ["pmml", "onnx"],
    pytest.param(["pmml", "onnx", "tensorflow"], marks=pytest.mark.skipif(
        not HAS_TENSORFLOW, reason="run test/models/tensorflow.sh with <this test>")),
], ids="-".join)  # fmt: skip
def test_models_of_each_type_are_created_and_restored(tmp_path, kinds, by):  # M4, M5
    models, saved = write_models(tmp_path), tmp_path / "saved"
    (tmp_path / "updates.csv").write_text(
        "".join(f"{k},{kind},{tmp_path}/{models[kind][0]},{k + 1}\n" for k, kind in enumerate(kinds)))  # fmt: skip
    count = 10_000 if "tensorflow" in kinds else 3000  # its library takes seconds to load
    sql = JOB.format(folder=tmp_path, rows=count, kinds=len(kinds), by=by)
    options = [*OFTEN, "--set", "parallelism.default=2", "--checkpoints", saved]
    chance, restore = random.Random(len(kinds)), []

    def seen():
        lines = [line for file in sorted((tmp_path / "scored").glob("[!._]*")) for line in file.read_text().split()]
        return {int(line.split(",")[0]): line.split(",")[1:] for line in lines}, len(lines)

    for _ in range(2):
        job = start(*options, *restore, "-e", sql)
        before = max(seen()[0], default=0)
        enough = 100 + 400 * chance.random()

        def served():  # rows of each key by each subtask, of which one reads the even numbers
            new = [id for id in seen()[0] if id > before]
            return len(new) > enough and len({(id % 2, id // 2 % len(kinds)) for id in new}) == 2 * len(kinds)

        wait_for(served, job)
        job.kill()
        job.wait()
        # From now on only the checkpoint has the models.
        for file, _ in models.values():
            (tmp_path / file).unlink(missing_ok=True)
        restore = ["--restore", saved]
    done = run(*options, *restore, "-e", sql)
    assert done.returncode == 0, done.stderr
    rows, lines = seen()
    assert sorted(rows) == list(range(1, count + 1)) and lines == count
    for id, (version, score) in rows.items():
        k = id // 2 % len(kinds)
        assert (version, float(score)) == (str(k + 1), models[kinds[k]][1](id, 1)), id


def larger(model, megabytes):
    """The ONNX model with a tensor more that nobody uses."""
    more = onnx.helper.make_tensor("more", onnx.TensorProto.UINT8, [megabytes << 20], bytes(megabytes << 20), raw=True)
    model.graph.initializer.append(more)
    return model.SerializeToString()


@pytest.mark.parametrize("kind", ["pmml", "onnx", pytest.param("tensorflow", marks=pytest.mark.skipif(not HAS_TENSORFLOW, reason="as above"))])
def test_a_version_that_is_no_model_is_told_and_the_one_before_serves(tmp_path, kind):  # M6
    good = tmp_path / write_models(tmp_path)[kind][0]
    bad = {"cut": good.read_bytes()[: len(good.read_bytes()) // 2], "noise": random.Random(1).randbytes(20_000), "nothing": b""}
    other = {"pmml": PMML.replace('name="b"', 'name="c"'), "onnx": (MODELS / "text.onnx"), "tensorflow": (MODELS / "lookup.pb")}[kind]
    bad["schema"] = other.encode() if kind == "pmml" else other.read_bytes()
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    versions = [good, *(tmp_path / name for name in bad)]
    (tmp_path / "updates.csv").write_text("".join(f"0,{kind},{path},{i + 1}\n" for i, path in enumerate(versions)))
    sql = f"""
      CREATE TABLE updates (k BIGINT, type STRING, location STRING, version INT)
        WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/updates.csv', 'format' = 'csv');
      CREATE MODEL line INPUT (a FLOAT, b FLOAT) OUTPUT (score FLOAT) WITH ('provider' = 'stream', 'source' = 'updates');
      CREATE VIEW scored AS SELECT * FROM ML_PREDICT(
        TABLE (SELECT CAST(a AS FLOAT) AS a, CAST(1 AS FLOAT) AS b FROM (VALUES (1), (2), (3)) AS t (a)), MODEL line, DESCRIPTOR(a, b), MAP['version-column', 'v']);
      SELECT v, a FROM scored WHERE score IS NOT NULL;
      SELECT version, reason FROM `scored$quarantined`;"""
    done = run("--output", "csv", "-e", sql)
    assert done.returncode == 0, done.stderr
    for a in range(1, 4):
        assert f"1,{a}.0" in done.stdout, done.stdout
    for version in range(2, 6):
        reasons = re.findall(rf'^{version},"?(.+)', done.stdout, re.M)
        assert len(reasons) == 1 and len(reasons[0]) > 15, (version, done.stdout)


def test_a_record_of_many_megabytes(tmp_path):  # M1, M3
    write_models(tmp_path)
    data = base64.b64encode(larger(onnx.load(tmp_path / "line.onnx"), 16)).decode()
    (tmp_path / "updates.json").write_text(json.dumps({"version": 1, "data": data}) + "\n")
    sql = f"""
      CREATE TABLE updates (version INT, data BYTES) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/updates.json', 'format' = 'json');
      CREATE MODEL line INPUT (a FLOAT, b FLOAT) OUTPUT (score FLOAT)
        WITH ('provider' = 'stream', 'source' = 'updates', 'type' = 'onnx'{{more}});
      CREATE VIEW scored AS SELECT * FROM ML_PREDICT(
        TABLE (SELECT CAST(1 AS FLOAT) AS a, CAST(1 AS FLOAT) AS b), MODEL line, DESCRIPTOR(a, b));
      SELECT score FROM scored;
      SELECT reason FROM `scored$quarantined`;"""
    done = run("--output", "csv", "-e", sql.format(more=""))
    assert done.returncode == 0 and "6.0" in done.stdout, done.stderr
    done = run("--output", "csv", "-e", sql.format(more=", 'max-model-size' = '10 mb'"))
    assert done.returncode == 0 and "6.0" not in done.stdout
    assert "and 10485760 are allowed" in done.stdout, done.stdout
