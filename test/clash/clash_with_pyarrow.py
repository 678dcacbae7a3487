"""The same with a user's own pyarrow imported first: clash_with_pyarrow.py ENGINE GRPC_PROBE"""

import ctypes
import os
import sys

import pyarrow as pa
import pyarrow.compute as pc

SQL = (
    "SELECT CASE WHEN REGEXP_REPLACE(s, '[0-9]+', '#') = 'order # of #' THEN 1 "
    "ELSE CAST('wrong' AS INT) END FROM (VALUES ('order 1234 of 56')) AS t (s)"
)


def run_engine(engine):
    arguments = [b"millrace", b"run", b"-e", SQL.encode()]
    argv = (ctypes.c_char_p * len(arguments))(*arguments)
    return engine.millrace_main(len(arguments), argv)


def run_pyarrow():
    replaced = pc.replace_substring_regex(pa.array(["order 1234 of 56"]), pattern=r"\d+", replacement="#")
    return 0 if replaced.to_pylist() == ["order # of #"] else 1


def main():
    run_pyarrow()
    engine = ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW | os.RTLD_LOCAL)
    probe = ctypes.CDLL(sys.argv[2], mode=os.RTLD_NOW | os.RTLD_LOCAL)
    for _ in range(2):
        for name, use in (
            ("pyarrow", run_pyarrow),
            ("engine", lambda: run_engine(engine)),
            ("gRPC", probe.clash_grpc_probe),
        ):
            if (wrong := use()) != 0:
                sys.exit(f"{name} is wrong ({wrong})")
    print("no clash")


main()
