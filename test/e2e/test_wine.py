"""The example of models as a stream."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"


def test_wines_are_scored_by_the_models_of_their_time():  # M1, M2, M6, M8
    done = subprocess.run([BINARY, "run", "examples/wine/wine.sql"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| *(red|white) *\| 2026-01-01 00:00:(\d\d)\S* \| *\S+ \| *([\d.]+) \|", done.stdout, re.M)
    assert sorted((second, kind, round(float(quality), 3)) for kind, second, quality in rows) == [
        ("01", "red", 5.2),
        ("02", "white", 5.2),
        ("03", "red", 5.4),
        ("12", "red", 5.75),
        ("13", "white", 5.375),
        ("25", "red", 5.21),
    ]
    assert "red_3.onnx" in done.stdout
