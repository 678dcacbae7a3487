"""The millrace binary as its users meet it: output, exit codes, signals, the shell."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import pytest

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]) / "millrace"
NUMBERS = """
CREATE TABLE numbers (id BIGINT, v INT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '{rows}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '{rows}');
CREATE TABLE nowhere (id BIGINT, v INT) WITH ('connector' = 'blackhole');
"""
ENDLESS = """
CREATE TABLE endless (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000');
CREATE TABLE nowhere (id BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT id FROM endless;
"""


def millrace(*arguments, stdin="", **options):
    return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True, timeout=60, **options)


def test_insert_runs_to_its_end():
    done = millrace("run", "-e", NUMBERS.format(rows=1000) + "INSERT INTO nowhere SELECT * FROM numbers")
    assert done.returncode == 0, done.stderr
    assert "1,000 rows read, 1,000 written, 0 rejected" in done.stderr
    assert done.stdout == ""


def test_select_prints_an_aligned_table():
    done = millrace("run", "-e", "SELECT * FROM (VALUES (1, 'ab'), (22, CAST(NULL AS STRING))) AS t (n, s)")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "+----+------+\n|  n | s    |\n+----+------+\n|  1 | ab   |\n| 22 | NULL |\n+----+------+\n2 rows\n"
    )


@pytest.mark.parametrize("output, expected", [("csv", "1,ab\n"), ("json", '{"n":1,"s":"ab"}\n')])
def test_select_prints_records(output, expected):
    done = millrace("run", "--output", output, "-e", "SELECT 1 AS n, 'ab' AS s")
    assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_a_changelog_is_shown_as_what_it_leaves():
    done = millrace("run", "-e", NUMBERS.format(rows=100) + "SELECT COUNT(*) AS n FROM numbers")
    assert done.returncode == 0, done.stderr
    assert "| 100 |" in done.stdout and "1 row\n" in done.stdout


def test_script_file_and_standard_input(tmp_path):
    script = tmp_path / "job.sql"
    script.write_text("SELECT 1 AS one;\n")
    for done in (millrace("run", str(script)), millrace("run", "-", stdin="SELECT 1 AS one;"),
                 millrace("sql", stdin="SELECT 1 AS one;")):
        assert done.returncode == 0, done.stderr
        assert "|   1 |" in done.stdout


def test_errors_show_the_line_and_a_caret(tmp_path):
    script = tmp_path / "job.sql"
    script.write_text("SELECT 1;\nSELECT a\nFORM t;\n")
    done = millrace("run", str(script))
    assert done.returncode == 1
    assert done.stdout == "", "a statement ran although the script cannot be parsed"
    assert f"{script}:3:" in done.stderr
    lines = done.stderr.splitlines()
    quoted = next(i for i, line in enumerate(lines) if "FORM t" in line)
    assert lines[quoted + 1].endswith("^")
    assert "\033" not in done.stderr


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["run", "--sett", "a=b", "x.sql"], "--sett"),
        (["run", "--output", "xml", "-e", "SELECT 1"], "csv, json, table"),
        (["rum", "x.sql"], "run"),
        (["run"], "-e"),
        (["run", "/no/such/file.sql"], "/no/such/file.sql"),
        (["run", "--set", "paralelism.default=2", "-e", "SELECT 1"], "parallelism.default"),
        (["run", "--set", "nonsense", "-e", "SELECT 1"], "nonsense"),
        (["run", "--plan", "/no/such/plan.json"], "/no/such/plan.json"),
        ([], "help"),
    ],
)
def test_wrong_command_lines(arguments, told):
    done = millrace(*arguments)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert done.stdout == ""


def test_an_unreadable_script(tmp_path):
    done = millrace("run", str(tmp_path))  # a folder: root may read every file
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr


@pytest.mark.parametrize("command", [[], ["run"], ["sql"], ["explain"], ["functions"], ["connectors"]])
def test_help(command):
    done = millrace(*command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_version():
    assert re.fullmatch(r"millrace \d+\.\d+\.\d+\n", millrace("--version").stdout)


def test_full_disk_behind_standard_output():
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "run", "-e", "SELECT 1"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_a_reader_that_leaves(tmp_path):
    command = f"{BINARY} run -e \"$SQL\" | head -n 1"
    sql = NUMBERS.format(rows=1000000) + "SELECT * FROM numbers"
    done = subprocess.run(["bash", "-c", command], env={**os.environ, "SQL": sql}, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("+-")
    assert "error" not in done.stderr


def test_set_reaches_the_session():
    done = millrace("run", "--set", "parallelism.default=3", "-e", "SET")
    assert "| parallelism.default | 3     |" in done.stdout


def test_plan_saved_and_loaded_runs_the_same(tmp_path):
    plan = tmp_path / "plan.json"
    sql = NUMBERS.format(rows=500) + "SELECT id, v * 0 AS z FROM numbers WHERE id > 490"
    direct = millrace("run", "-e", sql)
    saved = millrace("run", "--save-plan", str(plan), "-e", sql)
    loaded = millrace("run", "--plan", str(plan))
    assert direct.returncode == saved.returncode == loaded.returncode == 0, saved.stderr + loaded.stderr
    assert direct.stdout == saved.stdout == loaded.stdout
    assert json.loads(plan.read_text()) == json.loads(millrace("explain", "--json", "-e", sql).stdout)
    assert millrace("run", "--save-plan", "/dev/full", "-e", sql).returncode == 1


def test_explain_runs_nothing():
    done = millrace("explain", "-e", ENDLESS)
    assert done.returncode == 0, done.stderr
    assert "endless" in done.stdout and "nowhere" in done.stdout


def test_metrics_name_the_operators():
    done = millrace("run", "--metrics", "-e", NUMBERS.format(rows=10) + "INSERT INTO nowhere SELECT * FROM numbers")
    assert "rows in" in done.stderr and "numbers" in done.stderr


def test_progress_can_be_switched_off():
    done = millrace("run", "--progress", "off", "-e", NUMBERS.format(rows=10) + "INSERT INTO nowhere SELECT * FROM numbers")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("sql", [ENDLESS, ENDLESS.replace("INSERT INTO nowhere ", "")])
def test_interrupt_cancels_cleanly(sql):
    process = subprocess.Popen([BINARY, "run", "-e", sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)  # it runs
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "cancelled" in stderr


def test_reference_from_the_specs():
    listed = millrace("connectors").stdout
    assert re.search(r"^datagen +\S", listed, re.M)
    described = millrace("connectors", "datagen").stdout
    assert "rows-per-second" in described
    assert "## datagen" in millrace("connectors", "--markdown").stdout
    assert "COUNT" in millrace("functions", "count").stdout
    assert "parallelism.default" in millrace("settings").stdout
    unknown = millrace("connectors", "datagem")
    assert unknown.returncode == 2 and "datagen" in unknown.stderr


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, *arguments, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(BINARY, [str(BINARY), *arguments], {**os.environ, "TERM": "xterm", **(env or {})})
        self.seen = ""
        self.at = 0  # behind what was waited for last

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text not in self.seen[self.at :]:
            assert time.monotonic() < end, f"{text!r} did not come: {self.seen!r}"
            if select.select([self.fd], [], [], 0.2)[0]:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
        self.at = self.seen.index(text, self.at) + len(text)

    def exit_code(self):
        while True:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_shell(tmp_path):
    shell = Terminal("sql", env={"XDG_STATE_HOME": str(tmp_path)})
    shell.wait_for("millrace> ")
    shell.type("SELECT 'a;b' AS s,\n")
    shell.wait_for("...> ")
    shell.type("1 + 1 AS two;\n")
    shell.wait_for("| a;b |   2 |")
    shell.wait_for("1 row in")
    shell.wait_for("millrace> ")
    shell.type("SELECT oops;\n")
    shell.wait_for("error:")
    shell.wait_for("millrace> ")
    shell.type("CREATE TABLE readings (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');\n")
    shell.wait_for("created")
    shell.wait_for("millrace> ")
    shell.type("SELECT * FROM rea\t;\n")  # completes the name, then runs without an end
    shell.wait_for(" id |")
    shell.type("\x03")
    shell.wait_for("cancelled")
    shell.wait_for("millrace> ")
    shell.type("SELECT dropped\x03")
    shell.wait_for("millrace> ")
    shell.type("quit\n")
    assert shell.exit_code() == 0
    assert "SELECT * FROM readings" in (tmp_path / "millrace" / "history").read_text().replace("\\040", " ")


def test_second_interrupt_leaves_at_once():
    shell = Terminal("run", "-e", ENDLESS)
    shell.wait_for("rows read")
    shell.type("\x03\x03")
    assert shell.exit_code() == 130
