"""The kafka connectors of the millrace binary against a real broker and a public client."""

import json
import os
import pathlib
import random
import subprocess
import threading
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from broker import Broker

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]) / "millrace"


class Cluster:
    """The broker, and what tests do with the public client."""

    def __init__(self, folder):
        self.broker = Broker(folder)
        self.servers = self.broker.servers
        self.admin = AdminClient({"bootstrap.servers": self.servers})
        self.topics = 0

    def topic(self, partitions=1):
        self.topics += 1
        name = f"topic{self.topics}"
        self.create(name, partitions)
        return name

    def create(self, name, partitions=1):
        self.admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)

    def send(self, topic, records):
        """`records`: values, or dicts of what `produce` takes."""
        producer = Producer({"bootstrap.servers": self.servers})
        for record in records:
            if not isinstance(record, dict):
                record = {"value": record}
            producer.produce(topic, **record)
            producer.poll(0)
        assert producer.flush(30) == 0

    def read(self, topic, until=None, timeout=30):
        """All committed messages; waits until there are `until` of them."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "reader", "enable.auto.commit": False,
                             "isolation.level": "read_committed", "enable.partition.eof": True})
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, i, 0) for i in partitions])
        messages, ended, give_up = [], set(), time.monotonic() + timeout
        while len(ended) < len(partitions) or (until is not None and len(messages) < until):
            assert time.monotonic() < give_up, f"{len(messages)} messages after {timeout} s"
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                ended.add(message.partition())
            else:
                ended.discard(message.partition())
                messages.append(message)
        consumer.close()
        return messages


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("kafka"))
    yield cluster
    cluster.broker.kill()


def table(cluster, name, columns, topic, **options):
    given = {"connector": "kafka", "topic": topic, "properties.bootstrap.servers": cluster and cluster.servers}
    given |= {key.replace("__", "."): value for key, value in options.items()}
    if "value.format" not in given:
        given.setdefault("format", "json")
    given = {key: value for key, value in given.items() if value is not None}
    text = ", ".join(f"'{key}' = '{value}'" for key, value in given.items())
    return f"CREATE TABLE {name} ({columns}) WITH ({text});\n"


EARLIEST = {"scan.startup.mode": "earliest-offset"}
ALL = EARLIEST | {"scan.bounded.mode": "latest-offset"}


def run(sql, **options):
    return subprocess.run([BINARY, "run", "--output", "json", "-e", sql], capture_output=True, text=True,
                          timeout=60, **options)


def rows(sql):
    done = run(sql)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class Job:
    """A job in the background."""

    def __init__(self, sql, folder):
        self.log = open(folder / "job.log", "ab+")
        self.process = subprocess.Popen([BINARY, "run", "-e", sql], stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def text(self):
        self.log.seek(0)
        return self.log.read().decode()


def test_topic_to_topic(cluster):
    source, target = cluster.topic(2), cluster.topic(3)
    cluster.send(source, [json.dumps({"id": i, "name": f"n{i}"}) for i in range(1000)])
    done = run(table(cluster, "s", "id BIGINT, name STRING", source, **ALL) +
               table(cluster, "t", "id BIGINT, name STRING", target) +
               "INSERT INTO t SELECT id, UPPER(name) FROM s WHERE MOD(id, 2) = 0;")
    assert done.returncode == 0, done.stderr
    values = sorted((json.loads(m.value()) for m in cluster.read(target)), key=lambda v: v["id"])
    assert values == [{"id": i, "name": f"N{i}"} for i in range(0, 1000, 2)]


@pytest.mark.parametrize("mode, expected", [
    ({"scan.startup.mode": "earliest-offset"}, [0, 1, 2, 3, 4, 5]),
    ({"scan.startup.mode": "latest-offset"}, []),
    ({"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": "3000"}, [3, 4, 5]),
    ({"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": "3500"}, [4, 5]),
    ({"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": "partition:0,offset:2"}, [2, 3, 4, 5]),
    ({"scan.startup.mode": "group-offsets", "properties.group.id": "half"}, [3, 4, 5]),
    ({"scan.startup.mode": "group-offsets", "properties.group.id": "none",
      "properties.auto.offset.reset": "earliest"}, [0, 1, 2, 3, 4, 5]),
    ({"scan.startup.mode": "earliest-offset", "scan.bounded.mode": "specific-offsets",
      "scan.bounded.specific-offsets": "partition:0,offset:4"}, [0, 1, 2, 3]),
    ({"scan.startup.mode": "earliest-offset", "scan.bounded.mode": "timestamp",
      "scan.bounded.timestamp-millis": "2000"}, [0, 1]),
    ({"scan.startup.mode": "earliest-offset", "scan.bounded.mode": "group-offsets",
      "properties.group.id": "half"}, [0, 1, 2]),
])
def test_where_reading_begins_and_ends(cluster, mode, expected):
    topic = cluster.topic()
    cluster.send(topic, [{"value": json.dumps({"id": i}), "timestamp": 1000 * i + 1} for i in range(6)])
    group = Consumer({"bootstrap.servers": cluster.servers, "group.id": "half"})
    group.commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)
    group.close()
    options = {"scan.bounded.mode": "latest-offset"} | mode
    found = rows(table(cluster, "s", "id BIGINT", topic, **options) + "SELECT id FROM s;")
    assert [row["id"] for row in found] == expected


def test_a_group_without_offsets_says_what_to_do(cluster):
    topic = cluster.topic()
    done = run(table(cluster, "s", "id BIGINT", topic, **{"properties.group.id": "new"}) + "SELECT id FROM s;")
    assert done.returncode != 0
    assert "no offset" in done.stderr and "auto.offset.reset" in done.stderr


def test_metadata_is_read_and_written(cluster):
    source, target = cluster.topic(), cluster.topic()
    cluster.send(source, [{"value": '{"id":7}', "key": b"k", "timestamp": 1234567,
                           "headers": [("a", b"1"), ("b", None)]}])
    metadata = ("id BIGINT, p INT METADATA FROM 'partition' VIRTUAL, o BIGINT METADATA FROM 'offset' VIRTUAL, "
                "t STRING METADATA FROM 'topic' VIRTUAL, ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', "
                "tt STRING METADATA FROM 'timestamp-type' VIRTUAL, headers MAP<STRING, BYTES> METADATA")
    sql = table(cluster, "s", metadata, source, **ALL)
    found = rows(sql + "SELECT id, p, o, t, tt, CAST(headers['a'] AS STRING) AS a, headers['b'] IS NULL AS b FROM s;")
    assert found == [{"id": 7, "p": 0, "o": 0, "t": source, "tt": "CreateTime", "a": "1", "b": True}]
    done = run(sql + table(cluster, "t", metadata, target) + "INSERT INTO t SELECT id, ts, headers FROM s;")
    assert done.returncode == 0, done.stderr
    (message,) = cluster.read(target)
    assert json.loads(message.value()) == {"id": 7}
    assert message.timestamp()[1] == 1234567
    assert message.headers() == [("a", b"1"), ("b", None)]


def test_keys(cluster):
    source, target = cluster.topic(), cluster.topic()
    key = {"key.format": "json", "key.fields": "k_id", "key.fields-prefix": "k_", "value.fields-include": "EXCEPT_KEY",
           "value.format": "json"}
    cluster.send(source, [{"key": '{"id":1}', "value": '{"v":"a"}'}, {"key": '{"id":2}', "value": '{"v":"b"}'}])
    sql = table(cluster, "s", "k_id BIGINT, v STRING", source, **ALL, **key)
    assert rows(sql + "SELECT k_id, v FROM s;") == [{"k_id": 1, "v": "a"}, {"k_id": 2, "v": "b"}]
    done = run(sql + table(cluster, "t", "k_id BIGINT, v STRING", target, **key) + "INSERT INTO t SELECT * FROM s;")
    assert done.returncode == 0, done.stderr
    assert [(m.key(), m.value()) for m in cluster.read(target)] == [(b'{"id":1}', b'{"v":"a"}'),
                                                                    (b'{"id":2}', b'{"v":"b"}')]


def test_poison_records_leave_at_the_rejected_port(cluster):
    topic = cluster.topic()
    cluster.send(topic, ['{"id":1}', "poison", {"value": None}, '{"id":2}'])
    done = run(table(cluster, "s", "id BIGINT", topic, **ALL) +
               "CREATE TABLE shown (id BIGINT) WITH ('connector' = 'print');\n"
               "INSERT INTO shown SELECT id FROM s;")
    assert done.returncode == 0, done.stderr
    assert "+I[1]\n+I[2]\n" in done.stdout
    assert "2 rejected" in done.stderr


def test_an_unknown_topic_is_suggested(cluster):
    topic = cluster.topic()
    done = run(table(cluster, "s", "id BIGINT", topic + "x", **ALL) + "SELECT id FROM s;")
    assert done.returncode != 0
    assert f"there is no topic '{topic}x'" in done.stderr and "did you mean" in done.stderr


@pytest.mark.parametrize("servers", ["127.0.0.1:1", "no-such-host.invalid:9092"])
@pytest.mark.parametrize("statement", ["SELECT id FROM t;", "INSERT INTO t VALUES (1);"])
def test_a_broker_that_is_not_there(servers, statement):
    done = run(table(None, "t", "id BIGINT", "x", **EARLIEST, **{"properties.bootstrap.servers": servers}) + statement)
    assert done.returncode != 0
    assert servers in done.stderr and "is the broker running" in done.stderr


def sasl(cluster, password):
    return {"properties.bootstrap.servers": cluster.broker.secured_servers, "properties.security.protocol": "SASL_PLAINTEXT",
            "properties.sasl.mechanism": "PLAIN", "properties.sasl.username": "ada", "properties.sasl.password": password}


def test_a_password(cluster):
    source, target = cluster.topic(), cluster.topic()
    cluster.send(source, ['{"id":1}'])
    right, wrong = sasl(cluster, "lovelace"), sasl(cluster, "byron")
    assert rows(table(cluster, "s", "id BIGINT", source, **ALL, **right) + "SELECT id FROM s;") == [{"id": 1}]
    refused = run(table(cluster, "s", "id BIGINT", source, **ALL, **wrong) + "SELECT id FROM s;")
    assert refused.returncode != 0
    assert "uthentication failed" in refused.stderr and "byron" not in refused.stderr
    written = run(table(cluster, "t", "id BIGINT", target, **wrong) + "INSERT INTO t VALUES (1);")
    assert written.returncode != 0 and "uthentication failed" in written.stderr


def test_exactly_once_without_checkpoints_is_warned_of(cluster, tmp_path):
    source, target = cluster.topic(), cluster.topic()
    once = {"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": target}
    for options, warned in [(EARLIEST, True), (ALL, False)]:
        with Job(table(cluster, "s", "id BIGINT", source, **options) + table(cluster, "t", "id BIGINT", target, **once) +
                 "INSERT INTO t SELECT id FROM s;", tmp_path) as job:
            wait_for(lambda: warned == ("table 't' shows rows when their checkpoint" in job.text()) and
                     (warned or job.process.poll() == 0))
        os.truncate(tmp_path / "job.log", 0)


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_partitions_added_while_running(cluster, tmp_path):
    source, target = cluster.topic(), cluster.topic()
    sql = (table(cluster, "s", "id BIGINT", source, **EARLIEST,
                 **{"scan.topic-partition-discovery.interval": "200 ms"}) +
           table(cluster, "t", "id BIGINT", target) + "INSERT INTO t SELECT id FROM s;")
    with Job(sql, tmp_path):
        cluster.send(source, ['{"id":1}'])
        cluster.read(target, until=1)
        cluster.admin.create_partitions([NewPartitions(source, 2)])[source].result(30)
        time.sleep(0.5)  # the public client has to see it, too
        cluster.send(source, [{"value": '{"id":2}', "partition": 1}])
        assert {json.loads(m.value())["id"] for m in cluster.read(target, until=2)} == {1, 2}


def test_upsert_round_trip(cluster):
    source, target = cluster.topic(), cluster.topic()
    cluster.send(source, [json.dumps({"user": u}) for u in ["a", "b", "a", "c", "a", "b"]])
    upsert = {"connector": "upsert-kafka", "key.format": "json", "value.format": "json"}
    totals = table(cluster, "totals", "`user` STRING, n BIGINT, PRIMARY KEY (`user`) NOT ENFORCED", target, **upsert)
    done = run(table(cluster, "s", "`user` STRING", source, **ALL) + totals +
               "INSERT INTO totals SELECT `user`, COUNT(*) FROM s GROUP BY `user`;")
    assert done.returncode == 0, done.stderr
    newest = {json.loads(m.key())["user"]: json.loads(m.value())["n"] for m in cluster.read(target)}
    assert newest == {"a": 3, "b": 2, "c": 1}
    cluster.send(target, [{"key": '{"user":"b"}', "value": None}])
    bounded = table(cluster, "totals", "`user` STRING, n BIGINT, PRIMARY KEY (`user`) NOT ENFORCED", target, **upsert,
                    **{"scan.bounded.mode": "latest-offset"})
    found = rows(bounded + "SELECT `user`, n FROM totals;")
    assert sorted((row["user"], row["n"]) for row in found) == [("a", 3), ("c", 1)]


def test_a_broker_that_goes_and_comes_back(cluster, tmp_path):
    source, target = cluster.topic(2), cluster.topic(2)
    sql = (table(cluster, "s", "id BIGINT", source, **EARLIEST) + table(cluster, "t", "id BIGINT", target) +
           "INSERT INTO t SELECT id FROM s;")
    with Job(sql, tmp_path) as job:
        cluster.send(source, [json.dumps({"id": i}) for i in range(500)])
        cluster.read(target, until=100)
        cluster.broker.kill()
        time.sleep(1)
        cluster.broker.start()
        cluster.send(source, [json.dumps({"id": i}) for i in range(500, 1000)])
        found = {json.loads(m.value())["id"] for m in cluster.read(target, until=1000, timeout=60)}
        assert found == set(range(1000))
        assert job.process.poll() is None, job.text()


def test_exactly_once_through_kills(cluster, tmp_path, request):
    """P2: rows and a keyed count are those of a run without a crash, whenever the process is killed: at any moment, and
    right after a checkpoint is complete, before what is in it is committed."""
    chance = random.Random(7)
    kills, keys = request.config.getoption("--kills"), 7
    source, target, totals = cluster.topic(2), cluster.topic(2), cluster.topic(2)
    checkpoints = tmp_path / "checkpoints"
    rows_sent = 400 * (kills + 2)
    once = {"sink.delivery-guarantee": "exactly-once"}
    sql = (f"SET 'execution.checkpointing.interval' = '300 ms'; SET 'pipeline.name' = 'once';"
           f"SET 'execution.checkpointing.dir' = '{checkpoints}';" +
           table(cluster, "s", "id BIGINT", source, **EARLIEST) +
           table(cluster, "t", "id BIGINT", target, **once, **{"sink.transactional-id-prefix": target}) +
           table(cluster, "n", "k BIGINT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED", totals, **once,
                 **{"connector": "upsert-kafka", "key.format": "json", "value.format": "json",
                    "sink.transactional-id-prefix": totals}) +
           f"EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT id FROM s WHERE MOD(id, 3) <> 0;"
           f"INSERT INTO n SELECT MOD(id, {keys}), COUNT(*) FROM s GROUP BY MOD(id, {keys}); END;")

    def feed():
        for start in range(0, rows_sent, 40):
            cluster.send(source, [json.dumps({"id": i}) for i in range(start, start + 40)])
            time.sleep(0.1)

    feeder = threading.Thread(target=feed)
    feeder.start()
    expected = [i for i in range(rows_sent) if i % 3 != 0]
    job = Job(sql, tmp_path)
    try:
        for kill in range(kills):
            time.sleep(0.4 + 0.8 * chance.random())
            if kill % 2 == 0:
                time.sleep(0.4 * chance.random())
            else:
                before = newest(checkpoints)
                wait_for(lambda: newest(checkpoints) > before)
            assert job.process.poll() is None, job.text()
            job.kill()
            restore = f"SET 'execution.state-recovery.path' = '{checkpoints}';" if newest(checkpoints) else ""
            job = Job(restore + sql, tmp_path)
        feeder.join()
        cluster.read(target, until=len(expected), timeout=60)
        time.sleep(1)
    finally:
        job.kill()
        feeder.join()
    assert sorted(json.loads(m.value())["id"] for m in cluster.read(target)) == expected
    counts = {}
    for message in cluster.read(totals):
        row = json.loads(message.value())
        # A count that is written again, or is too low, was restored wrongly.
        assert row["n"] > counts.get(row["k"], 0), row
        counts[row["k"]] = row["n"]
    assert counts == {k: len(range(k, rows_sent, keys)) for k in range(keys)}


def newest(checkpoints):
    """The id of the newest complete checkpoint; 0: there is none."""
    return max((int(path.parent.name[4:]) for path in checkpoints.glob("once/chk-*/manifest.json")), default=0)


def test_an_upsert_table_is_aggregated_by_its_newest_rows(cluster):
    topic = cluster.topic()
    changes = [("a", 1), ("b", 5), ("a", 3), ("c", 9), ("b", None)]
    cluster.send(topic, [{"key": json.dumps({"k": k}), "value": None if v is None else json.dumps({"k": k, "v": v})}
                         for k, v in changes])
    upsert = {"connector": "upsert-kafka", "key.format": "json", "value.format": "json",
              "scan.bounded.mode": "latest-offset"}
    found = rows(table(cluster, "s", "k STRING, v INT, PRIMARY KEY (k) NOT ENFORCED", topic, **upsert) +
                 "SELECT SUM(v) AS total, COUNT(*) AS n FROM s WHERE v > 2;")
    assert found == [{"total": 12, "n": 2}]
