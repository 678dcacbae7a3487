"""Writes what TensorFlow itself makes of the wines, the class and its score, for test_tensorflow.py.

Run it with a Python that has tensorflow: record_tensorflow.py <folder of the real data>
"""

import pathlib
import sys

import numpy as np
import tensorflow as tf

data = pathlib.Path(sys.argv[1]) / "wine"
rows = np.loadtxt(data / "winequality_red.csv", delimiter=";")[:, :11].astype(np.float32)

graph = tf.compat.v1.GraphDef()
graph.ParseFromString((data / "optimized_WineQuality.pb").read_bytes())
with tf.Graph().as_default() as frozen:
    tf.import_graph_def(graph, name="")
    with tf.compat.v1.Session(graph=frozen) as session:
        of_frozen = session.run("dense_3/Sigmoid:0", {"dense_1_input:0": rows})

saved = tf.saved_model.load(str(data / "saved_model/1")).signatures["predict"]
of_saved = saved(tf.constant(rows))["outputs"].numpy()

with open(pathlib.Path(__file__).parent / "wine_tensorflow.csv", "w") as out:
    for frozen_scores, saved_scores in zip(of_frozen, of_saved):
        cells = []
        for scores in (frozen_scores, saved_scores):
            cells += [str(int(scores.argmax())), f"{scores.max():.9g}"]
        out.write(",".join(cells) + "\n")
