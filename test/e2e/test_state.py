"""State that outlives a run: checkpoints, restores and what goes wrong with them, as users of `millrace run` see it."""

import os
import pathlib
import random
import re
import signal
import subprocess
import time

import pytest

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"

NUMBERS = """
CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{rows}', 'rows-per-second' = '{rate}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '{rows}');
"""
COPY = NUMBERS + """
CREATE TABLE kept (id BIGINT) WITH ('connector' = 'filesystem', 'path' = '{out}/', 'format' = 'csv');
INSERT INTO kept SELECT id FROM numbers;
"""
NAMED = ["--set", "pipeline.name=job"]
OFTEN = [*NAMED, "--set", "execution.checkpointing.interval=100 ms"]


def start(*arguments, log=None):
    stderr = subprocess.PIPE if log is None else open(log, "ab")
    return subprocess.Popen([BINARY, "run", *arguments], stdout=subprocess.DEVNULL, stderr=stderr, text=True)


def run(*arguments):
    return subprocess.run([BINARY, "run", *arguments], capture_output=True, text=True, timeout=60)


def numbers(folder):
    """The rows that can be seen."""
    rows = []
    for path in sorted(pathlib.Path(folder).glob("[!._]*")):
        rows += [int(line) for line in path.read_text().split()]
    return sorted(rows)


def checkpoints(folder):
    return sorted(folder.glob("job/chk-*/manifest.json"), key=lambda path: int(path.parent.name[4:]))


def wait_for(condition, process, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.02)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_files_through_kills_are_those_of_a_run_without(tmp_path, parallelism):  # P2
    out, saved, rows = tmp_path / "out", tmp_path / "saved", 6000
    chance = random.Random(parallelism)
    sql = COPY.format(rows=rows, rate=3000, out=out)
    options = [*OFTEN, "--set", f"parallelism.default={parallelism}", "--checkpoints", saved]
    restore = []
    for _ in range(4):
        job = start(*options, *restore, "-e", sql)
        wait_for(lambda: checkpoints(saved), job)
        time.sleep(0.1 + 0.3 * chance.random())
        job.kill()
        job.wait()
        # Whatever the moment: what can be seen is committed, once.
        seen = numbers(out)
        assert len(seen) == len(set(seen))
        restore = ["--restore", saved]
    done = run(*options, *restore, "-e", sql)
    assert done.returncode == 0, done.stderr
    assert "restored from " + str(saved / "job" / "chk-") in done.stderr
    assert numbers(out) == list(range(1, rows + 1))


COUNTS = NUMBERS + """
CREATE TABLE nowhere (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
CREATE VIEW {view} AS SELECT MOD(id, 10) AS k, COUNT(*) AS n FROM numbers GROUP BY MOD(id, 10){more};
INSERT INTO nowhere SELECT * FROM {view};
"""


def test_a_savepoint_of_another_script(tmp_path):
    saved = tmp_path / "saved"
    first = COUNTS.format(rows=100, rate=0, view="counts", more="")
    other = COUNTS.format(rows=100, rate=0, view="totals", more=", MOD(id, 2)")
    assert run(*NAMED, "--checkpoints", saved, "-e", first).returncode == 0
    same = run(*NAMED, "--restore", saved, "-e", first)
    assert same.returncode == 0, same.stderr
    assert re.search(r"^  kept: .*counts", same.stderr, re.M) and "left behind" not in same.stderr

    refused = run(*NAMED, "--restore", saved, "-e", other)
    assert refused.returncode == 1
    assert "state that the script has no use for" in refused.stderr and "counts" in refused.stderr
    setting = "execution.state-recovery.ignore-unclaimed-state"
    assert setting in refused.stderr
    taken = run(*NAMED, "--restore", saved, "--set", f"{setting}=true", "-e", other)
    assert taken.returncode == 0, taken.stderr
    assert re.search(r"^  left behind: .*counts", taken.stderr, re.M)
    assert re.search(r"^  new: .*totals", taken.stderr, re.M)


def test_a_plan_is_restored_too(tmp_path):
    plan, saved = tmp_path / "plan.json", tmp_path / "saved"
    sql = COUNTS.format(rows=100, rate=0, view="counts", more="")
    assert run(*NAMED, "--save-plan", plan, "--checkpoints", saved, "-e", sql).returncode == 0
    done = run("--plan", plan, "--restore", saved / "job")
    assert done.returncode == 0 and "kept: " in done.stderr, done.stderr


def test_restores_from_nowhere(tmp_path):
    done = run("--restore", tmp_path, "-e", COUNTS.format(rows=1, rate=0, view="v", more=""))
    assert done.returncode == 1 and "holds no complete checkpoint" in done.stderr


def test_a_damaged_checkpoint_is_passed_over(tmp_path):  # P2
    saved = tmp_path / "saved"
    sql = COPY.format(rows=100000, rate=1000, out=tmp_path / "out")
    options = [*OFTEN, "--set", "execution.checkpointing.num-retained=3", "--checkpoints", saved]
    job = start(*options, "-e", sql)
    wait_for(lambda: len(checkpoints(saved)) == 3, job)
    job.kill()
    job.wait()
    newest = checkpoints(saved)[-1]
    newest.write_bytes(newest.read_bytes()[:-40])
    job = start(*options, "--restore", saved, "-e", sql)
    text = "".join(job.stderr.readline() for _ in range(4))
    job.kill()
    job.wait()
    assert f"the checkpoint {newest.parent} is damaged; an older one is restored" in text
    assert f"restored from {saved}/job/chk-" in text and f"restored from {newest.parent}" not in text


def test_a_full_disk_under_checkpoints(tmp_path):
    """The job goes on while the disk is full, and checkpoints do when there is room again."""
    disk, log, rows = tmp_path / "disk", tmp_path / "log", 30000
    disk.mkdir()
    sql = COPY.format(rows=rows, rate=10000, out=tmp_path / "out")
    command = f'mount -t tmpfs -o size=64k none "{disk}" && dd if=/dev/zero of="{disk}/ballast" bs=4k count=15 && exec "$@"'
    if subprocess.run(["unshare", "-rm", "sh", "-c", f'mount -t tmpfs none "{disk}"'], capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    options = [*OFTEN, "--checkpoints", disk, "-e", sql]
    with open(log, "wb") as stderr:
        job = subprocess.Popen(["unshare", "-rm", "sh", "-c", command, "sh", BINARY, "run", *options], stderr=stderr)
    try:
        wait_for(lambda: log.read_text().count("a checkpoint failed") >= 2, job)
        assert "No space left on device" in log.read_text()
        assert numbers(tmp_path / "out") == []
        pathlib.Path(f"/proc/{job.pid}/root{disk}/ballast").unlink()
        assert job.wait(timeout=60) == 0, log.read_text()
    finally:
        job.kill()
    assert numbers(tmp_path / "out") == list(range(1, rows + 1))


def test_rows_that_nobody_would_see_are_told(tmp_path):
    job = start("-e", f"""CREATE TABLE endless (id BIGINT) WITH ('connector' = 'datagen');
        CREATE TABLE kept (id BIGINT) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/out/', 'format' = 'csv');
        INSERT INTO kept SELECT id FROM endless;""")
    line = job.stderr.readline() + job.stderr.readline()
    job.send_signal(signal.SIGINT)
    job.wait()
    assert "table 'kept' shows rows when their checkpoint is complete" in line
    assert "execution.checkpointing.interval" in line
