"""Runs processes, and measures their CPU time and memory; the tables of the report."""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("MILLRACE_BUILD", ROOT / "build" / "release"))
MILLRACE = BUILD / "millrace"
LIMITS = BUILD / "bench_limits"
DATA = BUILD / "bench-data"
RESOLUTION = 1e-3  # seconds of CPU time that differences are good to


@dataclasses.dataclass
class Run:
    """One run, or the median of several."""

    cpu: float  # seconds of user and system time
    wall: float = 0.0  # seconds
    memory: float = 0.0  # peak MB


@dataclasses.dataclass
class Sizes:
    """How much is done."""

    rows: int  # of the chain: a multiple of its 18 points
    events: int  # of nexmark
    forest: int  # rows that are scored
    linear: int
    jobs: int  # that run side by side
    kafka: int  # records from topic to topic
    runs: int  # of each case; the median counts


@dataclasses.dataclass
class Table:
    title: str
    header: list
    lines: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)

    def __str__(self):
        cells = [self.header, *self.lines]
        widths = [max(len(line[i]) for line in cells) for i in range(len(self.header))]
        shown = [
            "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths)))
            for line in cells
        ]
        rule = "  ".join("-" * w for w in widths)
        return "\n".join([self.title, "", shown[0], rule, *shown[1:], *([""] if self.notes else []), *self.notes])


def process(*command, stdin=""):
    """Runs a command to its end: the `Run`, and what it printed."""
    start = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        child.stdin.write(stdin.encode())
        child.stdin.close()
        printed = child.stdout.read().decode()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {child.returncode}:\n{stdin}\n{printed}")
    return Run(used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss / 1024), printed


def sql(script):
    """A case: Millrace runs the script."""
    return lambda: process(MILLRACE, "run", "-", stdin=script)[0]


def limit(*arguments):
    """A case: a native loop, which measures itself; its last line is rows and seconds."""
    return lambda: Run(float(process(LIMITS, *map(str, arguments))[1].splitlines()[-1].split()[1]))


def medians(cases, runs):
    """The median of each of the named cases; their runs take turns, so that all see the same machine."""
    done = {name: [] for name in cases}
    for _ in range(runs):
        for name, case in cases.items():
            done[name].append(case())
    return {
        name: Run(*(statistics.median(values) for values in zip(*map(dataclasses.astuple, each))))
        for name, each in done.items()
    }


def verdict(value, aim, at_most=False):
    """The last cells of a line: a ratio, its aim, and whether it is met."""
    met = value <= aim if at_most else value >= aim
    return [f"{value:.2f}", f"{'<=' if at_most else '>='} {aim:g}", "ok" if met else "MISSED"]


def per_second(rows, cpu):
    return f"{rows / max(cpu, RESOLUTION):,.0f}"
