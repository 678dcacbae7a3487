"""The demonstration runs, and both ways to the model give the same scores."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parents[2]


def test_demo():
    # run.sh itself compares the scores of the process, of the server and of the saved plan.
    done = subprocess.run(["examples/demo/run.sh", "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    readings = re.findall(r"^(press-\d) +[\d.]+ +[\d.]+ +[\d.]+ +(idle|normal|heavy) +([\d.]+) ", done.stdout, re.M)
    assert len(readings) == 80
    worst = {machine: max(float(wear) for m, _, wear in readings if m == machine) for machine, _, _ in readings}
    assert worst["press-4"] > 0.7, "the press that wears out was not found"
    assert max(wear for machine, wear in worst.items() if machine != "press-4") < 0.5
    assert "ALERT" in done.stdout
    assert "by hash" in done.stdout, "the plan shows no exchange"
    assert "byte for byte" in done.stdout
    assert "\033" not in done.stdout, "colours although nobody watches"


def test_wrong_arguments():
    done = subprocess.run(["examples/demo/run.sh", "--slow"], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
