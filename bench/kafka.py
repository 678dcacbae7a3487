"""From Kafka to Kafka: how long a record takes through a job, beside a broker of its own on the same machine."""

import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from measure import MILLRACE, ROOT, Table, verdict

sys.path.insert(0, str(ROOT / "test" / "peers" / "kafka"))

PARTITIONS = 2
RATE = 100_000  # records a second


def table(name, columns, servers, options):
    given = {"connector": "kafka", "topic": name, "properties.bootstrap.servers": servers, "format": "json"} | options
    return f"CREATE TABLE {name} ({columns}) WITH ({', '.join(f'{k!r} = {v!r}' for k, v in given.items())});\n"


def milliseconds(text):
    """Of a time as a row tells it, in UTC."""
    return datetime.datetime.fromisoformat(text.rstrip("Z") + "+00:00").timestamp() * 1000


def latencies(servers, topic, until_ms):
    """Milliseconds from the time a record was made until the broker had the row that came of it."""
    from confluent_kafka import Consumer, TopicPartition  # pylint: disable=import-outside-toplevel

    consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, i, 0) for i in range(PARTITIONS)])
    found, ended, seen = [], 0, 0
    while ended < PARTITIONS:
        for message in consumer.consume(10_000, timeout=5):
            if message.error():
                ended += 1
                continue
            seen += 1
            if seen % 20 == 0:
                made = milliseconds(json.loads(message.value())["made"])
                found.append((made, message.timestamp()[1] - made))
    consumer.close()
    return seen, [latency for made, latency in found if made >= until_ms]


def report(sizes):
    if "MILLRACE_KAFKA_JARS" not in os.environ:
        table_of_none = Table("Kafka to Kafka: not measured", [""])
        table_of_none.notes.append("needs a broker: test/peers/kafka/kafka.sh with ./dev bench kafka")
        return [table_of_none]
    from broker import Broker  # pylint: disable=import-outside-toplevel
    from confluent_kafka.admin import AdminClient, NewTopic  # pylint: disable=import-outside-toplevel

    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(folder)
        admin = AdminClient({"bootstrap.servers": broker.servers})
        topics = [NewTopic("made", PARTITIONS, 1),
                  NewTopic("passed", PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"})]
        for created in admin.create_topics(topics).values():
            created.result(30)
        passing = (
            f"SET 'execution.checkpointing.interval' = '1 s'; SET 'execution.checkpointing.dir' = '{folder}/state';"
            + table("made", "id BIGINT, v DOUBLE, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'", broker.servers,
                    {"scan.startup.mode": "earliest-offset"})
            + table("passed", "id BIGINT, v DOUBLE, made TIMESTAMP_LTZ(3)", broker.servers,
                    {"properties.linger.ms": "1"})
            + "INSERT INTO passed SELECT id, v * 2, at FROM made;"
        )
        making = (
            f"CREATE TABLE rows_of (id BIGINT, v DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '{RATE}',"
            f" 'number-of-rows' = '{sizes.kafka}', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1',"
            f" 'fields.id.end' = '{sizes.kafka}');\n"
            + table("made", "id BIGINT, v DOUBLE", broker.servers,
                    {"properties.linger.ms": "1", "sink.delivery-guarantee": "none"})
            + "INSERT INTO made SELECT id, v FROM rows_of;"
        )
        begun_ms = time.time() * 1000
        with subprocess.Popen([MILLRACE, "run", "-e", passing], stderr=subprocess.PIPE) as job:
            try:
                subprocess.run([MILLRACE, "run", "-e", making], check=True, capture_output=True)
                time.sleep(2)
                if job.poll() is not None:
                    raise SystemExit(job.stderr.read().decode())
            finally:
                job.kill()
        seen, found = latencies(broker.servers, "passed", begun_ms + 1000 * sizes.kafka / RATE / 3)
        del admin
        broker.kill()
    found.sort()
    result = Table(f"Kafka to Kafka, {RATE:,} rows/s, at least once", ["", "value", "aim", ""])
    result.lines.append(["p99, ms from made to stored", *verdict(found[len(found) * 99 // 100], 20, True)])
    result.lines.append(["median, ms", f"{statistics.median(found):.0f}", "", ""])
    result.lines.append(["rows that arrived", f"{seen:,}", f"{sizes.kafka:,}", ""])
    return [result]
