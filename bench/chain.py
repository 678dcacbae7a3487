"""A chain of steps on sensor readings, a day of 18 points at one a second: from csv and JSON lines into blackhole."""

import datetime
import math

from measure import DATA, RESOLUTION, Table, limit, medians, per_second, sql, verdict

POINTS = 18
STEPS = [
    "v * 1.8 + 32",
    "LEAST(GREATEST(v, 20), 120)",
    "v - 60.5",
    "SIGN(v) * LOG1P(ABS(v))",
    "FLOOR(v * 1000) / 1000",
    "v * v",
    "SQRT(v + 1)",
    "CASE WHEN ABS(v) < 1.05 THEN 0 ELSE v END",
    "(v - 1.5) / 0.7",
]
LEVEL = "CASE WHEN v > 1.2 THEN 2 WHEN v > 0.8 THEN 1 ELSE 0 END"


def make_data(rows):
    """Files with `rows` readings, made once: csv and json, by format."""
    files = {name: DATA / f"readings-{rows}.{name}" for name in ("csv", "json")}
    if all(file.exists() for file in files.values()):
        return files
    DATA.mkdir(parents=True, exist_ok=True)
    start = datetime.datetime(2024, 1, 1)
    parts = {name: open(f"{file}.part", "w", encoding="utf-8") for name, file in files.items()}
    for second in range(rows // POINTS):
        ts = start + datetime.timedelta(seconds=second)
        for point in range(POINTS):
            v = round(20 + 35 * math.sin(second / 3600 + point), 3)
            parts["csv"].write(f"plant-1/pump-{point:02},{ts},{v}\n")
            parts["json"].write(f'{{"point":"plant-1/pump-{point:02}","ts":"{ts}","v":{v}}}\n')
    for name, part in parts.items():
        part.close()
        (DATA / f"readings-{rows}.{name}.part").rename(files[name])
    return files


def script(format_name, file, steps):
    """`steps` views on top of each other; none: the readings as they are."""
    views = [*STEPS[: steps - 1], LEVEL] if steps else []
    lines = [
        "CREATE TABLE o0 (point STRING, ts TIMESTAMP(3), v DOUBLE) WITH ("
        f"'connector' = 'filesystem', 'path' = '{file}', 'format' = '{format_name}');",
        "CREATE TABLE nowhere (point STRING, ts TIMESTAMP(3), v DOUBLE) WITH ('connector' = 'blackhole');",
    ]
    for i, step in enumerate(views):
        lines.append(f"CREATE VIEW o{i + 1} AS SELECT point, ts, {step} AS v FROM o{i};")
    return "\n".join([*lines, f"INSERT INTO nowhere SELECT * FROM o{len(views)};"])


def report(sizes):
    rows = sizes.rows
    files, empty = make_data(rows), make_data(POINTS)
    cases = {}
    for name in files:
        cases[name, "start"] = sql(script(name, empty[name], 0))
        cases[name, "parsing"] = limit("decode", name, files[name])
        for steps in (0, 3, 5, 10):
            cases[name, steps] = sql(script(name, files[name], steps))
    for steps in (3, 5, 10):
        cases["fused", steps] = limit("fused", files["csv"], steps)
    done = medians(cases, sizes.runs)

    def net(name, steps):
        return max(done[name, steps].cpu - done[name, "start"].cpu, RESOLUTION)

    tables = []
    for name in files:
        parsing = done[name, "parsing"].cpu
        table = Table(
            f"Chain of operators from {name}: {rows:,} rows; the limit is parsing alone",
            ["operators", "rows / CPU s", "CPU s", "peak MB", "parsing CPU s", "of its rate", "aim", ""],
        )
        for steps in (0, 3, 5, 10):
            aim = {3: 0.8, 10: 0.7}.get(steps) if name == "csv" else None
            share = parsing / net(name, steps)
            table.lines.append(
                [
                    str(steps),
                    per_second(rows, net(name, steps)),
                    f"{net(name, steps):.3f}",
                    f"{done[name, steps].memory:.0f}",
                    f"{parsing:.3f}",
                    *(verdict(share, aim) if aim else [f"{share:.2f}", "", ""]),
                ]
            )
        tables.append(table)
    table = Table(
        "Operators alone, without source and sink; the limit is one loop over the same doubles",
        ["operators", "rows / CPU s", "CPU s", "loop CPU s", "times it", "aim", ""],
        notes=["The planner merges the views of a chain into one operator."],
    )
    for steps in (3, 5, 10):
        alone = min(max(net(name, steps) - net(name, 0), RESOLUTION) for name in files)
        loop = done["fused", steps].cpu
        table.lines.append(
            [str(steps), per_second(rows, alone), f"{alone:.3f}", f"{loop:.3f}", *verdict(alone / loop, 2, True)]
        )
    grown = net("csv", 10) / net("csv", 3)
    table.lines.append(["10 against 3, from csv", "", "", "", *verdict(grown, 1.5, True)])
    return [*tables, table]
