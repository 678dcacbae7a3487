"""The wine models of the real data in TensorFlow's two forms, compared with what TensorFlow itself recorded."""

import csv
import pathlib

import numpy as np
import pytest
from test_real_data import DATA, WINE, columns, pytestmark, query  # noqa: F401

RECORDED = pathlib.Path(__file__).parent / "wine_tensorflow.csv"  # written by record_tensorflow.py


@pytest.mark.parametrize("form, path, output", [
    ("frozen", "optimized_WineQuality.pb", "`dense_3/Sigmoid` ARRAY<FLOAT>"),
    ("saved", "saved_model/1", "outputs ARRAY<FLOAT>"),
])
def test_every_wine_is_scored_as_tensorflow_does(form, path, output):  # T16
    scored = query(
        f"CREATE TABLE wine ({columns(WINE, 'FLOAT')}, quality INT) WITH ('connector' = 'filesystem', "
        f"'path' = '{DATA}/wine/winequality_red.csv', 'format' = 'csv', 'csv.field-delimiter' = ';');"
        f"CREATE MODEL quality_of INPUT ({columns(WINE, 'FLOAT')}) OUTPUT ({output}) "
        f"WITH ('provider' = 'tensorflow', 'path' = '{DATA}/wine/{path}');"
        f"SELECT ARRAY_POSITION(s, ARRAY_MAX(s)) - 1, ARRAY_MAX(s) FROM "
        f"(SELECT quality_of({', '.join(f'`{name}`' for name in WINE)}) AS s FROM wine)"
    )
    with open(RECORDED) as file:
        recorded = [row[:2] if form == "frozen" else row[2:] for row in csv.reader(file)]
    assert len(scored) == 1599
    assert [row[0] for row in scored] == [row[0] for row in recorded]
    np.testing.assert_allclose(
        [float(row[1]) for row in scored], [float(row[1]) for row in recorded], rtol=0, atol=1e-6
    )
