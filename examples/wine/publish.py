"""Publishes versions of models to a Kafka topic, as ModelDescriptor messages. Needs the package confluent-kafka.

    publish.py --servers localhost:9092 --topic models red=models/red_1.onnx white=models/white_1.onnx
    publish.py --servers localhost:9092 --topic models --location red=models/red_2.onnx

The key of a record is the data type, so that a compacted topic keeps the newest version of each.
"""

import argparse
import pathlib

TYPES = {".pb": 0, ".pmml": 2, ".onnx": 3}


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number, content):
    """A text, bytes, or an integer, as Protocol Buffers write it."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def descriptor(data_type, path, by_location=False):
    path = pathlib.Path(path)
    content = field(6, str(path.resolve())) if by_location else field(5, path.read_bytes())
    return field(1, path.stem) + field(3, data_type) + field(4, TYPES[path.suffix]) + content


def main():
    from confluent_kafka import Producer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", default="localhost:9092")
    parser.add_argument("--topic", default="models")
    parser.add_argument("--location", action="store_true", help="send the files' paths, not their bytes")
    parser.add_argument("models", nargs="+", metavar="DATATYPE=FILE")
    given = parser.parse_args()
    producer = Producer({"bootstrap.servers": given.servers})
    for model in given.models:
        data_type, path = model.split("=", 1)
        producer.produce(given.topic, key=data_type, value=descriptor(data_type, path, given.location))
    raise SystemExit(1 if producer.flush(30) else 0)


if __name__ == "__main__":
    main()
