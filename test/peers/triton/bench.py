"""Rows a second through a real Triton: bench.py <the millrace executable>, by `triton.sh bench`.

The same model, `wine` (11 floats, at most 128 rows a request), asked by Millrace over HTTP and gRPC, by Millrace with one
row a request, and by Triton's own load generator with full batches.
"""

import os
import re
import subprocess
import sys
import time

NAMES = [f"c{i}" for i in range(11)]


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


def load_generator(protocol, endpoint, batch, concurrency):
    command = [os.environ["PERF_ANALYZER"], "-m", "wine", "-i", protocol, "-u", endpoint, "-b", str(batch)]
    command += ["--concurrency-range", str(concurrency), "-p", "3000", "-s", "50", "-r", "3"]
    os.chmod(command[0], 0o755)  # pip does not keep it
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Throughput: ([0-9.]+) infer/sec", text)
    return float(found.group(1)) if found else None


def main():
    millrace = sys.argv[1]
    http, grpc = os.environ["MILLRACE_TRITON_ENDPOINT"], os.environ["MILLRACE_TRITON_GRPC"]
    cases = [
        ("Millrace, HTTP", lambda: rows_per_second(millrace, 300_000, {"endpoint": http})),
        ("Millrace, gRPC", lambda: rows_per_second(millrace, 300_000, {"endpoint": grpc})),
        ("perf_analyzer, HTTP", lambda: load_generator("http", http.split("//")[1], 128, 16)),
        ("perf_analyzer, gRPC", lambda: load_generator("grpc", grpc.split("//")[1], 128, 16)),
        (
            "Millrace, HTTP, one row a request",
            lambda: rows_per_second(millrace, 10_000, {"endpoint": http, "max-batch-size": "1"}),
        ),
        ("perf_analyzer, HTTP, one row a request", lambda: load_generator("http", http.split("//")[1], 1, 16)),
    ]
    for name, measure in cases:
        rate = measure()
        print(f"{name:42} " + ("not measured" if rate is None else f"{rate:12,.0f} rows/s"), flush=True)


if __name__ == "__main__":
    main()
