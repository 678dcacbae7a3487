"""Writes the rows that the queries are over: data/*.csv, the same each time."""

import pathlib
import random

HERE = pathlib.Path(__file__).parent
NULL = "NULL"


def stamp(ms):
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"2024-02-{28 + hours // 24:02} {hours % 24:02}:{minutes:02}:{seconds:02}.{ms:03}"


def events(values):
    """Times move on by some seconds and are up to 9 s out of order, with some ties; the hour before midnight."""
    now = 23 * 3_600_000 + 300_000
    for i in range(300):
        now += values.choice([0, 500, 1000, 3000, 7000, 20000])
        ts = max(now - values.choice([0, 0, 0, 1000, 4500, 9000]), 0)
        cents = values.randint(-99999, 99999)
        yield [
            i,
            NULL if i % 23 == 0 else values.choice("aabbcde"),
            NULL if i % 13 == 0 else values.randint(-20, 20),
            values.randint(-10**12, 10**12),
            NULL if i % 17 == 0 else values.randint(-4000, 4000) / 16,
            NULL if i % 19 == 0 else f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}",
            NULL if i % 29 == 0 else values.choice(["true", "false"]),
            values.choice(["lime", "Mango", "plum", "fig", " pear ", "東京"]),
            f"2024-{values.randint(1, 12):02}-{values.randint(1, 28):02}",
            stamp(ts),
        ]


def late(values):
    """Times that jump back, some by more than the watermark allows."""
    now = 60_000
    for i in range(80):
        now += values.choice([1000, 2000, 4000])
        ts = now - values.choice([0, 0, 0, 3000, 20000, 45000])
        yield [i, values.choice("abc"), values.randint(0, 9), stamp(max(ts, 0))]


def clicks(values):
    """Instants around the night in which New York's clocks go on by an hour."""
    now = 1_709_956_800_000  # 2024-03-09 04:00 UTC
    for i in range(120):
        now += values.choice([0, 60_000, 900_000, 1_800_000, 3_600_000])
        yield [i, now - values.choice([0, 0, 120_000]), values.randint(0, 99)]


def write(name, rows):
    text = "".join(",".join(str(value) for value in row) + "\n" for row in rows)
    (HERE / "data" / f"{name}.csv").write_text(text)


if __name__ == "__main__":
    write("events", events(random.Random(7)))
    write("late", late(random.Random(8)))
    write("clicks", clicks(random.Random(9)))
