"""What Millrace takes when it has nothing to do: a job of one row from start to exit, and a shell at its prompt."""

import os
import pathlib
import pty
import select
import subprocess

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


def report(sizes):
    done = medians({"job": sql(ONE_ROW)}, max(10, sizes.runs))["job"]
    table = Table("Footprint", ["", "value", "aim", ""])
    table.lines.append(["one-row job, start to exit, ms", *verdict(done.wall * 1e3, 100, True)])
    table.lines.append(["… its CPU, ms", f"{done.cpu * 1e3:.0f}", "", ""])
    table.lines.append(["… its peak memory, MB", f"{done.memory:.0f}", "", ""])
    table.lines.append(["shell at its prompt, MB", *verdict(shell_memory(), 80, True)])
    return [table]
