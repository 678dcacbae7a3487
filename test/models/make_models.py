"""Writes the models of this folder: run it with the tests' Python (see MILLRACE_TEST_PYTHON)."""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
FLOAT, INT64, INT32, STRING, BOOL = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.STRING,
    TensorProto.BOOL,
)


def value(name, dtype, shape):
    return helper.make_tensor_value_info(name, dtype, shape)


def save(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="millrace")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def linear():
    """x[2] -> y[1]: 2 x0 + 3 x1 + 1."""
    save(
        "linear",
        [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])],
        [value("x", FLOAT, ["n", 2])],
        [value("y", FLOAT, ["n", 1])],
        [
            numpy_helper.from_array(np.array([[2], [3]], np.float32), "w"),
            numpy_helper.from_array(np.array([1], np.float32), "b"),
        ],
    )


def linear_v2():
    """x[2] -> y[1]: 20 x0 + 30 x1 + 10, a later version of linear."""
    save(
        "linear_v2",
        [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])],
        [value("x", FLOAT, ["n", 2])],
        [value("y", FLOAT, ["n", 1])],
        [
            numpy_helper.from_array(np.array([[20], [30]], np.float32), "w"),
            numpy_helper.from_array(np.array([10], np.float32), "b"),
        ],
    )


def text():
    """text[1] -> same[1], as it came."""
    save(
        "text",
        [helper.make_node("Identity", ["text"], ["same"])],
        [value("text", STRING, ["n", 1])],
        [value("same", STRING, ["n", 1])],
    )


def recommender():
    """user INT64, item INT64, recent FLOAT[-1] -> score FLOAT: dot product of two embeddings + the sum of recent.

    There are 4 users and 4 items: an id out of range fails the run.
    """
    users = np.arange(8, dtype=np.float32).reshape(4, 2)
    items = np.array([[1, 0], [0, 1], [1, 1], [2, 0]], np.float32)
    save(
        "recommender",
        [
            helper.make_node("Gather", ["users", "user"], ["u"], axis=0),
            helper.make_node("Gather", ["items", "item"], ["i"], axis=0),
            helper.make_node("Mul", ["u", "i"], ["ui"]),
            helper.make_node("ReduceSum", ["ui", "one"], ["dot"], keepdims=0),
            helper.make_node("ReduceSum", ["recent", "one"], ["sum"], keepdims=0),
            helper.make_node("Add", ["dot", "sum"], ["score"]),
        ],
        [value("user", INT64, ["n"]), value("item", INT64, ["n"]), value("recent", FLOAT, ["n", "k"])],
        [value("score", FLOAT, ["n"])],
        [
            numpy_helper.from_array(users, "users"),
            numpy_helper.from_array(items, "items"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )


def types():
    """a INT32, b BOOL, m FP32[2, 2] -> a2 INT32 = a + a, nb BOOL = not b, t FP32[2, 2] = m transposed."""
    save(
        "types",
        [
            helper.make_node("Add", ["a", "a"], ["a2"]),
            helper.make_node("Not", ["b"], ["nb"]),
            helper.make_node("Transpose", ["m"], ["t"], perm=[0, 2, 1]),
        ],
        [value("a", INT32, ["n", 1]), value("b", BOOL, ["n", 1]), value("m", FLOAT, ["n", 2, 2])],
        [value("a2", INT32, ["n", 1]), value("nb", BOOL, ["n", 1]), value("t", FLOAT, ["n", 2, 2])],
    )


def one_row():
    """x[1, 2] -> y[1, 2] = -x: made for one row at a time."""
    save(
        "one_row",
        [helper.make_node("Neg", ["x"], ["y"])],
        [value("x", FLOAT, [1, 2])],
        [value("y", FLOAT, [1, 2])],
    )


def running_sum():
    """x[1], state[1] -> y[1] = next[1] = x + state: a server keeps `next` of a sequence for its next request."""
    save(
        "running_sum",
        [helper.make_node("Add", ["x", "state"], ["y"]), helper.make_node("Add", ["x", "state"], ["next"])],
        [value("x", FLOAT, ["n", 1]), value("state", FLOAT, ["n", 1])],
        [value("y", FLOAT, ["n", 1]), value("next", FLOAT, ["n", 1])],
    )


def scikit():
    """classifier: x[2] -> label INT64, probabilities FP32[3]; zipmap: the same with a map; forest: 50 trees."""
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(7)
    x = rng.normal(size=(300, 2)).astype(np.float32)
    label = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0.5)
    classifier = LogisticRegression().fit(x, label)
    for name, options in [("classifier", {"zipmap": False}), ("zipmap", {"zipmap": True})]:
        model = to_onnx(classifier, x[:1], target_opset=17, options={id(classifier): options})
        (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())
    wide = rng.normal(size=(400, 11)).astype(np.float32)
    forest = RandomForestRegressor(50, max_depth=4, random_state=0).fit(wide, wide.sum(axis=1))
    (HERE / "forest.onnx").write_bytes(to_onnx(forest, wide[:1], target_opset=17).SerializeToString())


if __name__ == "__main__":
    linear()
    linear_v2()
    text()
    recommender()
    types()
    one_row()
    running_sum()
    scikit()
