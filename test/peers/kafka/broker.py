"""One Kafka broker (KRaft, on loopback) that tests start, kill and start again."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from free_ports import free_ports

CONFIG = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},SECURED://127.0.0.1:{secured},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SECURED://127.0.0.1:{secured}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_ada="lovelace";
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""
LOGGING = """
Configuration:
  Appenders: {Console: {name: C, target: SYSTEM_ERR, PatternLayout: {pattern: "%d %p %m (%c)%n"}}}
  Loggers: {Root: {level: WARN, AppenderRef: {ref: C}}}
"""
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"  # a UUID in base64; one that begins with "-" would read as an option


class Broker:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port, secured, controller = free_ports(3)
        self.servers = f"127.0.0.1:{self.port}"
        self.secured_servers = f"127.0.0.1:{secured}"  # for user ada, with the password lovelace
        (self.folder / "log4j2.yaml").write_text(LOGGING)
        (self.folder / "server.properties").write_text(
            CONFIG.format(port=self.port, secured=secured, controller=controller, folder=self.folder))
        format = subprocess.run([*self.java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER,
                                 "-c", self.folder / "server.properties"], capture_output=True, text=True, timeout=60)
        assert format.returncode == 0, format.stdout + format.stderr
        self.start()

    def java(self):
        jars = os.environ["MILLRACE_KAFKA_JARS"]
        return ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                f"-Dlog4j2.configurationFile=file:{self.folder}/log4j2.yaml", "-cp", f"{jars}/*"]

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*self.java(), "kafka.Kafka", self.folder / "server.properties"],
                                            stdout=log, stderr=log)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
                time.sleep(0.1)
        raise AssertionError("the broker does not come up: " + (self.folder / "log").read_text()[-3000:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
