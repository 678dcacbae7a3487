"""Writes the TensorFlow models of this folder: run `tensorflow.sh make`."""

import pathlib
import shutil

import tensorflow as tf

HERE = pathlib.Path(__file__).parent
v1 = tf.compat.v1


def frozen(name, build):
    graph = tf.Graph()
    with graph.as_default():
        build()
    definition = graph.as_graph_def()
    definition.ClearField("library")
    (HERE / f"{name}.pb").write_bytes(definition.SerializeToString(deterministic=True))


def linear():
    """x[2] -> score: 2 x0 + 3 x1 + 1."""
    x = v1.placeholder(tf.float32, [None, 2], name="x")
    tf.add(tf.matmul(x, [[2.0], [3.0]], name="product"), [1.0], name="score")


def lookup():
    """index INT32 -> value INT32, of a table of four: another index fails the run."""
    index = v1.placeholder(tf.int32, [None], name="index")
    with tf.control_dependencies([v1.assert_less(index, 4)]):
        tf.gather([0, 10, 20, 30], tf.identity(index), name="value")


class Saved(tf.Module):
    """serving_default: number INT64, text STRING -> doubled, exclaimed; not: flag -> opposite."""

    def __init__(self):
        super().__init__()
        self.factor = tf.Variable(2, dtype=tf.int64)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "number"), tf.TensorSpec([None], tf.string, "text")])
    def score(self, number, text):
        return {"a_doubled": number * self.factor, "exclaimed": tf.strings.join([text, "!"])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.bool, "flag")])
    def opposite(self, flag):
        return {"opposite": tf.logical_not(flag)}


frozen("linear", linear)
frozen("lookup", lookup)
shutil.rmtree(HERE / "saved_model", ignore_errors=True)
model = Saved()
tf.saved_model.save(model, str(HERE / "saved_model"), signatures={"serving_default": model.score, "not": model.opposite})
(HERE / "saved_model" / "fingerprint.pb").unlink(missing_ok=True)
