"""Functions for the tests of the provider `python`."""

import os
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def predict(batch):
    """a, b -> a + b."""
    return pc.add(batch.column("a"), batch.column("b"))


def several(batch):
    """number, text -> a dict of columns of other types than declared; print goes to the standard error output."""
    print("scoring", batch.num_rows, "rows")
    return {"half": np.asarray(batch.column("number")) / 2, "texts": [[text] for text in batch.column("text").to_pylist()]}


def picky(batch):
    """a -> 10 / a; 0 raises, -1 ends the process, -2 takes too long."""
    values = batch.column("a").to_pylist()
    if -1 in values:
        os._exit(3)
    if -2 in values:
        time.sleep(60)
    return pa.array([None if value is None else 10 // value for value in values])


def short(batch):
    return [1]


def wrong(batch):
    return {"other": batch.column(0)}
