"""Real data through `millrace run`, compared with what Python computes from the same files."""

import csv
import io
import os
import pathlib
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MILLRACE = ROOT / os.environ.get("MILLRACE_BUILD", "build/release") / "millrace"
DATA = pathlib.Path(os.environ.get("MILLRACE_TEST_DATA", ROOT.parent / "shared/data"))

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data in {DATA}: set MILLRACE_TEST_DATA to its folder"
)

WINE = (
    "fixed_acidity volatile_acidity citric_acid residual_sugar chlorides free_sulfur_dioxide "
    "total_sulfur_dioxide density pH sulphates alcohol"
).split()
SENSORS = (
    "Accelerometer1RMS Accelerometer2RMS Current Pressure Temperature Thermocouple Voltage".split()
    + ["Volume Flow RateRMS"]
)


def query(sql):
    """The rows of the script's last query, as text."""
    command = [str(MILLRACE), "run", "--output", "csv", "-e", sql]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(done.stdout)))


def columns(names, sql_type):
    return ", ".join(f"`{name}` {sql_type}" for name in names)


@pytest.fixture(scope="module")
def wine():
    rows = np.loadtxt(DATA / "wine/winequality_red.csv", delimiter=";")
    assert rows.shape == (1599, 12)
    return rows


def wine_script(model_path, element):
    """Tables and model; the rows are written by a job that scores each of them."""
    path = DATA / "wine/winequality_red.csv"
    arguments = ", ".join(f"CAST(`{name}` AS {element})" for name in WINE)
    return (
        f"CREATE TABLE wine ({columns(WINE, 'DOUBLE')}, quality INT) WITH ('connector' = 'filesystem', "
        f"'path' = '{path}', 'format' = 'csv', 'csv.field-delimiter' = ';');"
        f"CREATE MODEL quality_of INPUT ({columns(WINE, element)}) OUTPUT (variable {element}) "
        f"WITH ('provider' = 'onnx', 'path' = '{model_path}');"
        f"SELECT quality_of({arguments}) AS score FROM wine"
    )


def save(model, tensor_type, path):
    from skl2onnx import to_onnx

    onnx = to_onnx(model, initial_types=[("X", tensor_type([None, len(WINE)]))], target_opset=17)
    path.write_bytes(onnx.SerializeToString())


def test_every_wine_is_scored_by_a_linear_model(wine, tmp_path):  # T16
    from skl2onnx.common.data_types import DoubleTensorType
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(wine[:, :11], wine[:, 11])
    save(model, DoubleTensorType, tmp_path / "linear.onnx")
    scores = [float(row[0]) for row in query(wine_script(tmp_path / "linear.onnx", "DOUBLE"))]
    np.testing.assert_allclose(scores, model.predict(wine[:, :11]), rtol=0, atol=1e-6)


def test_every_wine_is_scored_by_a_forest(wine, tmp_path):  # T16
    import onnxruntime
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(50, max_depth=8, random_state=1).fit(wine[:, :11], wine[:, 11])
    save(model, FloatTensorType, tmp_path / "forest.onnx")
    one_thread = onnxruntime.SessionOptions()  # several add up the trees in another order
    one_thread.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(tmp_path / "forest.onnx", one_thread)
    expected = session.run(None, {"X": wine[:, :11].astype(np.float32)})[0][:, 0]
    scores = [float(row[0]) for row in query(wine_script(tmp_path / "forest.onnx", "FLOAT"))]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["LinearRegression", "GeneralizedLinearRegressionGamma", "DecisionTreeClassification", "MultilayerPerceptron"]
)
def test_every_wine_is_graded_by_pmml(name):  # T16, M1
    """As the reference evaluator does: `test/diff/pmml`. The documents' names have spaces, and some use fewer columns."""
    arguments = ", ".join(f"`{column}`" for column in WINE)
    rows = query(
        f"CREATE TABLE wine ({columns(WINE, 'DOUBLE')}, graded INT) WITH ('connector' = 'filesystem', "
        f"'path' = '{DATA / 'wine/winequality_red.csv'}', 'format' = 'csv', 'csv.field-delimiter' = ';');"
        f"CREATE MODEL grade INPUT ({columns(WINE, 'DOUBLE')}) OUTPUT (quality DOUBLE) "
        f"WITH ('provider' = 'pmml', 'path' = '{DATA}/wine/winequality{name}.pmml');"
        f"SELECT grade({arguments}) AS quality FROM wine"
    )
    recorded = (ROOT / f"test/diff/pmml/recorded/winequality{name}.csv").read_text().split()[1:]
    assert len(recorded) == 1599
    np.testing.assert_allclose([float(row[0]) for row in rows], [float(v) for v in recorded], rtol=0, atol=1e-9)


def test_the_sensors_of_the_pump_are_cast_filtered_and_unpivoted():
    path = DATA / "skab/valve1"
    expected = []
    for file in sorted(path.glob("*.csv")):
        for row in csv.DictReader(file.open(), delimiter=";"):
            if float(row["anomaly"]) == 1:
                expected += [(row["datetime"], s, float(row[s])) for s in SENSORS if float(row[s]) > 1]
    pairs = ", ".join(f"ROW('{name}', `{name}`)" for name in SENSORS)
    rows = query(
        f"CREATE TABLE pump (`datetime` TIMESTAMP(3), {columns(SENSORS, 'DOUBLE')}, anomaly DOUBLE, "
        f"changepoint DOUBLE) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv', "
        "'csv.field-delimiter' = ';', 'csv.header' = 'true');"
        "SELECT DATE_FORMAT(`datetime`, 'yyyy-MM-dd HH:mm:ss'), sensor, v FROM pump "
        f"CROSS JOIN UNNEST(ARRAY[{pairs}]) AS u (sensor, v) WHERE CAST(anomaly AS INT) = 1 AND v > 1"
    )
    actual = [(time, sensor, float(value)) for time, sensor, value in rows]
    assert len(expected) > 10000
    assert sorted(actual) == sorted(expected)
