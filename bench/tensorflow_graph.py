"""A frozen TensorFlow graph without TensorFlow: a perceptron of dense layers, written as the protocol buffer that it is."""

import random
import struct

FLOAT = 1


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def shape(*sizes):
    return b"".join(message(2, number(1, size)) for size in sizes)


def node(name, op, inputs=(), **attributes):
    content = message(1, name) + message(2, op) + b"".join(message(3, each) for each in inputs)
    for key, value in attributes.items():
        content += message(5, message(1, key) + message(2, value))
    return message(1, content)


def perceptron(*widths):
    """Layers of these widths, the first the input's `x`; ReLU between them; the last operation is `score`."""
    values = random.Random(7)
    of_floats = number(6, FLOAT)
    graph = node("x", "Placeholder", dtype=of_floats, shape=message(7, shape(-1, widths[0])))
    last = "x"
    for i, (rows, columns) in enumerate(zip(widths, widths[1:])):
        weights = struct.pack(f"<{rows * columns}f", *(values.uniform(-0.1, 0.1) for _ in range(rows * columns)))
        tensor = number(1, FLOAT) + message(2, shape(rows, columns)) + message(4, weights)
        is_last = i == len(widths) - 2
        graph += node(f"weights{i}", "Const", dtype=of_floats, value=message(8, tensor))
        graph += node("score" if is_last else f"product{i}", "MatMul", [last, f"weights{i}"], T=of_floats)
        if not is_last:
            graph += node(f"layer{i}", "Relu", [f"product{i}"], T=of_floats)
        last = f"layer{i}"
    return graph
