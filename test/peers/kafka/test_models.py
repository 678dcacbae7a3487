"""Models as a stream, with both topics in Kafka: the wines of examples/wine."""

import json
import pathlib
import struct
import sys

import pytest

from test_kafka import EARLIEST, Job, cluster, table  # noqa: F401

WINE = pathlib.Path(__file__).parents[3] / "examples" / "wine"
sys.path.insert(0, str(WINE))
from publish import descriptor, field  # noqa: E402

MEASURES = ("fixed_acidity volatile_acidity citric_acid residual_sugar chlorides free_sulfur_dioxide "
            "total_sulfur_dioxide density pH sulphates alcohol").split()
DOUBLES = ", ".join(f"{name} DOUBLE" for name in MEASURES)


def wine(data_type, number):
    """A WineRecord of 8 % alcohol: red_1 gives it 4.5, red_2 and white_1 give it 5."""
    alcohol = bytes([11 << 3 | 1]) + struct.pack("<d", 8)
    return {"key": data_type, "value": alcohol + field(12, data_type) + field(13, number)}


def model(data_type, name, **how):
    return {"key": data_type, "value": descriptor(data_type, WINE / "models" / f"{name}.onnx", **how)}


@pytest.mark.parametrize("join", ["keyed", "broadcast"])
def test_models_arrive_while_the_job_runs(cluster, tmp_path, join):  # M1, M2, M3, M5, M11  # noqa: F811
    wines, models, scores = cluster.topic(2), cluster.topic(2), cluster.topic()
    proto = {"format": "protobuf", "protobuf.schema": str(WINE / "wine.proto")}
    sql = (
        f"SET 'execution.checkpointing.interval' = '5 s'; SET 'parallelism.default' = '2'; "
        f"SET 'execution.checkpointing.dir' = '{tmp_path}/checkpoints';"
        + table(cluster, "wine", f"{DOUBLES}, dataType STRING, ts BIGINT", wines,
                **{"scan.startup.mode": "latest-offset", "protobuf.message": "WineRecord"} | proto)
        + table(cluster, "model_updates", "name STRING, dataType STRING, modeltype STRING, data BYTES, location STRING",
                models, **EARLIEST | {"protobuf.message": "ModelDescriptor"} | proto)
        + table(cluster, "scores", "dataType STRING, ts BIGINT, quality DOUBLE", scores)
        + f"CREATE MODEL quality INPUT ({DOUBLES}) OUTPUT (quality DOUBLE) "
          f"WITH ('provider' = 'stream', 'source' = 'model_updates', 'key' = 'dataType');"
        + f"INSERT INTO scores SELECT dataType, ts, quality FROM ML_PREDICT(TABLE wine"
        + (" PARTITION BY dataType" if join == "keyed" else "")
        + f", MODEL quality, DESCRIPTOR({', '.join(MEASURES)}));"
    )

    def quality_of(data_type, wanted, sent):
        """Sends wines until one has the wanted quality: models and wines come on topics of their own."""
        for number in range(sent, sent + 100):
            cluster.send(wines, [wine(data_type, number)])
            found = [json.loads(message.value()) for message in cluster.read(scores)]
            if any(row["dataType"] == data_type and row["quality"] == wanted for row in found):
                return number + 1
        pytest.fail(f"no {data_type} wine has the quality {wanted}: {found[-3:]}")

    # An older version and the newest of each key are there before the job is; one is no model.
    cluster.send(models, [model("red", "red_2"), model("white", "white_1", by_location=True), model("red", "red_1"),
                          {"key": "rose", "value": field(3, "rose") + field(4, 3) + field(5, b"no model")}])
    before_latest = 1000
    cluster.send(wines, [wine("red", before_latest)])
    with Job(sql, tmp_path):
        sent = quality_of("red", 4.5, 0)
        sent = quality_of("white", 5.0, sent)
        cluster.send(models, [model("red", "red_2")])
        quality_of("red", 5.0, sent)
    assert not [message for message in cluster.read(scores) if json.loads(message.value())["ts"] == before_latest]
