"""Rows a second through a real Triton: bench.py <the millrace executable> [<case>], by `triton.sh bench`.

The same model, `wine` (11 floats, at most 128 rows a request), asked in turns by Millrace and by Triton's own load generator,
with the same rows a request and the same number of requests under way; the median of five rounds. A case is http, grpc or
one_row; without one all are measured.
"""

import os
import re
import statistics
import subprocess
import sys
import time

NAMES = [f"c{i}" for i in range(11)]
CONCURRENCY = 16
ROUNDS = 5


def script(rows, options):
    columns = ", ".join(f"{name} FLOAT" for name in NAMES)
    with_options = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
    return f"""
CREATE TABLE wine ({columns}) WITH ('connector' = 'datagen', 'rows-per-second' = '0', 'number-of-rows' = '{rows}', 'seed' = '1');
CREATE TABLE scored (quality FLOAT) WITH ('connector' = 'blackhole');
CREATE MODEL quality INPUT ({columns}) OUTPUT (q FLOAT) WITH ('provider' = 'triton', 'model-name' = 'wine', {with_options});
INSERT INTO scored SELECT q FROM ML_PREDICT(TABLE wine, MODEL quality, DESCRIPTOR({", ".join(NAMES)}));
"""


def rows_per_second(millrace, rows, options):
    """The time of `rows` without that of a job with hardly any."""

    def seconds(n):
        start = time.monotonic()
        subprocess.run([millrace, "run", "-e", script(n, options)], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - start

    return rows / max(seconds(rows) - seconds(128), 1e-3)


def load_generator(protocol, endpoint, batch):
    command = [os.environ["PERF_ANALYZER"], "-m", "wine", "-i", protocol, "-u", endpoint.split("//")[1], "-b", str(batch)]
    command += ["--concurrency-range", str(CONCURRENCY), "-p", "2000", "-s", "999", "-r", "3"]
    os.chmod(command[0], 0o755)  # pip does not keep it
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Throughput: ([0-9.]+) infer/sec", text)
    return float(found.group(1)) if found else 0.0


def main():
    millrace, *wanted = sys.argv[1:]
    http, grpc = os.environ["MILLRACE_TRITON_ENDPOINT"], os.environ["MILLRACE_TRITON_GRPC"]
    cases = {"http": (http, 1_000_000, 128), "grpc": (grpc, 1_000_000, 128), "one_row": (http, 10_000, 1)}
    for case in wanted or cases:
        endpoint, rows, batch = cases[case]
        # The engine has more requests ready than it may send.
        options = {"endpoint": endpoint, "max-batch-size": str(batch), "connection-pool-size": str(CONCURRENCY)}
        protocol = "grpc" if case == "grpc" else "http"
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(rows_per_second(millrace, rows, options))
            theirs.append(load_generator(protocol, endpoint, batch))
        rate, limit = statistics.median(ours), statistics.median(theirs)
        ratio = f"{rate / limit:5.2f}" if limit else "  not measured"
        print(f"{case:8} Millrace {rate:12,.0f} rows/s   perf_analyzer {limit:12,.0f} rows/s   ratio {ratio}", flush=True)


if __name__ == "__main__":
    main()
