"""Writes the models of this example: three lines over the 11 measurements of a wine. Needs the package onnx."""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent / "models"
VOLATILE_ACIDITY, SULPHATES, ALCOHOL = 1, 9, 10


def save(name, weights, base):
    w = np.zeros((11, 1))
    for column, weight in weights.items():
        w[column] = weight
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["wine", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["quality"])],
        name,
        [helper.make_tensor_value_info("wine", TensorProto.DOUBLE, ["n", 11])],
        [helper.make_tensor_value_info("quality", TensorProto.DOUBLE, ["n", 1])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(np.array([float(base)]), "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="millrace")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    save("red_1", {ALCOHOL: 0.5}, 0.5)
    save("red_2", {ALCOHOL: 0.25, VOLATILE_ACIDITY: -1, SULPHATES: 1}, 3)
    save("white_1", {ALCOHOL: 0.25}, 3)
