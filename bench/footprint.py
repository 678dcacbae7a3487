"""What Millrace takes when it has nothing to do: a job of one row from start to exit, and a shell at its prompt."""

import os
import pathlib
import pty
import select
import subprocess
import time

from measure import MILLRACE, Table, medians, sql, verdict

ONE_ROW = "CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole'); INSERT INTO nowhere VALUES (1);"


def shell_memory():
    """Resident MB of a shell that waits at its prompt."""
    master, terminal = pty.openpty()
    with subprocess.Popen([MILLRACE, "sql"], stdin=terminal, stdout=terminal, stderr=terminal) as shell:
        os.close(terminal)
        seen = ""
        while "millrace>" not in seen:
            if not select.select([master], [], [], 20)[0]:
                raise SystemExit(f"no prompt came: {seen}")
            seen += os.read(master, 4096).decode(errors="replace")
        status = pathlib.Path(f"/proc/{shell.pid}/status").read_text(encoding="utf-8")
        shell.kill()
    os.close(master)
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def jobs_memory(count):
    """Resident MB of a process in which so many small jobs run."""
    script = """CREATE TABLE ticks (id BIGINT, v DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '1');
        CREATE TABLE nowhere (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');\n"""
    script += "INSERT INTO nowhere SELECT MOD(id, 10), COUNT(*) FROM ticks WHERE v > 0 GROUP BY MOD(id, 10);\n" * count
    script += "SELECT 'all run' AS said;\n"
    command = [MILLRACE, "run", "--output", "csv", "--progress", "off", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        run.stdin.write(script.encode())
        run.stdin.close()
        if run.stdout.readline() != b"all run\n":
            raise SystemExit("the jobs did not start")
        time.sleep(5)
        status = pathlib.Path(f"/proc/{run.pid}/status").read_text(encoding="utf-8")
        run.kill()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def report(sizes):
    done = medians({"job": sql(ONE_ROW)}, max(10, sizes.runs))["job"]
    table = Table("Footprint", ["", "value", "aim", ""])
    table.lines.append(["one-row job, start to exit, ms", *verdict(done.wall * 1e3, 100, True)])
    table.lines.append(["… its CPU, ms", f"{done.cpu * 1e3:.0f}", "", ""])
    table.lines.append(["… its peak memory, MB", f"{done.memory:.0f}", "", ""])
    table.lines.append(["shell at its prompt, MB", *verdict(shell_memory(), 80, True)])
    jobs = max(sizes.jobs, 18)
    table.lines.append([f"{jobs:,} jobs in one process, MB", *verdict(jobs_memory(jobs), 4096, True)])
    return [table]
