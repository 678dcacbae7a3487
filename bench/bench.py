"""The end-to-end benchmarks: bench.py [--quick] [--runs N] [topic]."""

import argparse

import chain
import footprint
import kafka
import nexmark
import scoring
from measure import Sizes

TOPICS = {"chain": chain, "nexmark": nexmark, "scoring": scoring, "footprint": footprint, "kafka": kafka}
FULL = {"rows": 18 * 86_400, "events": 2_000_000, "forest": 500_000, "linear": 3_000_000,
        "jobs": 10_008, "kafka": 1_800_000}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each case; their median counts")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--smoke", action="store_true", help="hardly any data: only whether everything works")
    parser.add_argument("topic", nargs="?", default="", help=f"part of a name: {', '.join(TOPICS)}")
    arguments = parser.parse_args()
    wanted = [name for name in TOPICS if arguments.topic in name]
    if not wanted:
        parser.error(f"no topic matches '{arguments.topic}': there are {', '.join(TOPICS)}")
    part = 1000 if arguments.smoke else 10 if arguments.quick else 1
    sizes = Sizes(
        **{name: count // part // 18 * 18 for name, count in FULL.items()},
        runs=1 if arguments.smoke else arguments.runs,
    )
    for name in wanted:
        for table in TOPICS[name].report(sizes):
            # So little data says nothing about speed.
            print(table.title if arguments.smoke else f"{table}\n", flush=True)


if __name__ == "__main__":
    main()
