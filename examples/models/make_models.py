"""Trains the models of this folder and writes them with their data: run it with the tests' Python.

Everything is seeded and needs no network; it takes some seconds.
"""

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.datasets import load_digits
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

HERE = pathlib.Path(__file__).parent
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
ML, MS = "ai.onnx.ml", "com.microsoft"


def node(op, inputs, outputs, domain="", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), domain=domain, **attributes)


def value(name, dtype, *shape):
    return helper.make_tensor_value_info(name, dtype, ["n", *shape])


def constant(name, values, dtype=None):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def write_graph(name, nodes, inputs, outputs, constants):
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    domains = [helper.make_opsetid(*each) for each in (("", 17), (ML, 3), (MS, 1))]
    model = helper.make_model(graph, opset_imports=domains, producer_name="millrace")
    model.ir_version = 8
    write_model(name, model)


def write_model(name, model):
    file = HERE / "repository" / name / "1" / "model.onnx"
    file.parent.mkdir(parents=True, exist_ok=True)
    model.opset_import.sort(key=lambda each: each.domain)  # the converter's order changes from run to run
    onnx.checker.check_model(model)
    onnx.save(model, file)
    print(f"{name}: {file.stat().st_size} bytes")


def write_rows(name, rows):
    (HERE / "data").mkdir(exist_ok=True)
    (HERE / "data" / f"{name}.json").write_text("".join(json.dumps(row) + "\n" for row in rows))


def from_sklearn(classifier, name, input_type, extra, outputs, constants=()):
    """The classifier's graph with the nodes `extra` behind it, which read `label` and `probabilities`."""
    model = convert_sklearn(
        classifier, name, initial_types=[input_type], target_opset={"": 17, ML: 3}, options={"zipmap": False}
    )
    model.graph.node.extend(extra)
    model.graph.initializer.extend(constants)
    kept = [each for each in model.graph.output if each.name in outputs]
    del model.graph.output[:]
    model.graph.output.extend(kept + [each for each in outputs.values() if each])
    write_model(name, model)


def fraud():
    """Payments: amount, hour of the day, kilometres from home and payments in the hour before -> risk."""
    rng = np.random.default_rng(5)

    def payments(rows):
        fraudulent = rng.uniform(size=rows) < 0.2
        amount = np.where(fraudulent, rng.gamma(2, 150, rows), rng.gamma(2, 30, rows)).round(2)
        hour = np.where(fraudulent, rng.normal(3, 5, rows), rng.normal(14, 4, rows)).round() % 24
        distance = np.where(fraudulent, rng.gamma(1, 300, rows), rng.gamma(1, 40, rows)).round(1)
        recent = rng.poisson(np.where(fraudulent, 2, 0.5))
        return np.stack([amount, hour, distance, recent], axis=1).astype(np.float32), fraudulent

    x, y = payments(4000)
    model = GradientBoostingClassifier(n_estimators=40, max_depth=3, learning_rate=0.2, random_state=0).fit(x, y)
    from_sklearn(
        model,
        "fraud",
        ("payment", FloatTensorType([None, 4])),
        [node("Gather", "probabilities second", "risk", axis=1)],
        {"risk": value("risk", FLOAT)},
        [constant("second", 1, np.int64)],
    )
    x, y = payments(300)
    start = np.datetime64("2026-01-01T00:00:00")
    write_rows(
        "payments",
        [
            {
                "id": i + 1,
                "card": f"card-{i % 7}",
                **{name: round(float(v), 2) for name, v in zip(("amount", "hour", "distance", "recent"), row, strict=True)},
                "ts": str(start + 10 * i).replace("T", " "),
                "was_fraud": bool(fraudulent),
            }
            for i, (row, fraudulent) in enumerate(zip(x, y, strict=True))
        ],
    )


TICKETS = {
    "billing": ["i was charged twice for my {}", "please send the invoice of my {}", "the price of the {} on my bill is wrong",
                "i want my money back for the {}", "my card was charged but the {} was cancelled", "refund the {} please"],
    "shipping": ["where is my {}", "the {} has not arrived", "the parcel with the {} is late", "track the delivery of my {}",
                 "the courier left the {} at the wrong address", "when will the {} be delivered"],
    "technical": ["the {} does not start", "my {} shows an error", "the {} crashes after the update", "how do i reset the {}",
                  "the screen of my {} is black", "the {} is not working any more"],
}  # fmt: skip
THINGS = ["phone", "laptop", "lamp", "router", "watch", "camera", "printer", "keyboard"]


def tickets(things):
    rows = [(text.format(thing), topic) for topic, texts in TICKETS.items() for text in texts for thing in things]
    return [text for text, _ in rows], [topic for _, topic in rows]


def text():
    """Text classification: message[1] STRING -> label STRING, probability FLOAT."""
    x, y = tickets(THINGS)
    words = TfidfVectorizer(lowercase=False, token_pattern="[a-z]+")
    model = make_pipeline(words, LogisticRegression(C=20)).fit(x, y)
    from_sklearn(
        model,
        "text",
        ("message", StringTensorType([None, 1])),
        [node("ReduceMax", "probabilities", "probability", axes=[1], keepdims=0)],
        {"label": None, "probability": value("probability", FLOAT)},
    )
    write_rows(
        "tickets",
        [
            {"id": 1, "message": "Where is the tablet that I ordered?", "topic": "shipping"},
            {"id": 2, "message": "You charged my card twice!", "topic": "billing"},
            {"id": 3, "message": "After the update my phone shows an error", "topic": "technical"},
            {"id": 4, "message": "I want a refund, the invoice is wrong", "topic": "billing"},
            {"id": 5, "message": "The printer does not start any more", "topic": "technical"},
            {"id": 6, "message": "My parcel has not arrived", "topic": "shipping"},
        ],
    )


def digits():
    """Image classification: 8x8 pixels of 0 to 16 -> label INT64, probability FLOAT."""
    images, labels = load_digits(return_X_y=True)
    images = images.astype(np.float32)
    model = MLPClassifier((32,), random_state=0, max_iter=300).fit(images[:1500], labels[:1500])
    from_sklearn(
        model,
        "digits",
        ("pixels", FloatTensorType([None, 64])),
        [node("ReduceMax", "probabilities", "probability", axes=[1], keepdims=0)],
        {"label": None, "probability": value("probability", FLOAT)},
    )
    unseen = zip(images[1500:], labels[1500:], strict=True)
    write_rows(
        "digits",
        [{"id": i + 1, "written": int(label), "pixels": [int(v) for v in image]} for i, (image, label) in enumerate(unseen)][:100],
    )


FILMS = ["Alien", "Blade Runner", "Solaris", "Arrival", "Notting Hill", "Amelie", "Before Sunrise", "Casablanca",
         "Heat", "Ronin", "Bullitt", "The Sting"]  # fmt: skip


def recommender():
    """A viewer and the films seen last -> the three best others, their scores, and how sure they are.

    Viewer and film factors come from the ratings of 30 viewers, each of whom likes one genre: alternating least squares.
    """
    rng = np.random.default_rng(3)
    genre_of_film, genre_of_viewer = np.arange(12) // 4, np.arange(30) % 3
    ratings = np.where(genre_of_viewer[:, None] == genre_of_film, 5, 2) + rng.normal(0, 0.5, (30, 12))
    viewers, films = rng.normal(0, 1, (30, 4)), rng.normal(0, 1, (12, 4))
    for _ in range(20):
        viewers = np.linalg.solve(films.T @ films + 0.1 * np.eye(4), films.T @ ratings.T).T
        films = np.linalg.solve(viewers.T @ viewers + 0.1 * np.eye(4), viewers.T @ ratings).T
    write_graph(
        "recommender",
        [
            node("Gather", "viewers viewer", "taste", axis=0),
            node("MatMul", "taste films", "all"),
            node("OneHot", "seen depth penalty", "marked", axis=-1),
            node("ReduceSum", "marked one", "penalties", keepdims=0),
            node("Add", "all penalties", "left"),
            node("TopK", "left three", "scores best", axis=1),
            node("Gather", "titles best", "films_to_see", axis=0),
            node("ReduceMax", "scores", "top_score", axes=[1], keepdims=0),
        ],
        [value("viewer", INT64), value("seen", INT64, "k")],
        [value("films_to_see", STRING, 3), value("scores", FLOAT, 3), value("top_score", FLOAT)],
        [
            constant("viewers", viewers, np.float32),
            constant("films", films.T, np.float32),
            constant("depth", 12, np.int64),
            constant("penalty", [0, -100], np.float32),
            constant("one", [1], np.int64),
            constant("three", [3], np.int64),
            constant("titles", np.array(FILMS, object)),
        ],
    )
    write_rows(
        "viewers",
        [
            {"viewer": 0, "seen": [0, 1]},
            {"viewer": 1, "seen": [4]},
            {"viewer": 2, "seen": [8, 9, 10]},
            {"viewer": 4, "seen": [4, 5, 0]},
        ],
    )


PEOPLE = ["Alice", "Bob", "Chen", "Dora", "Emil", "Fatima", "Grace", "Hugo"]
PLACES = ["Berlin", "Paris", "Shanghai", "Lima", "Oslo", "Cairo", "Boston", "Kyoto"]
FIRMS = ["Siemens", "Toyota", "Nokia", "Philips", "Bosch", "Sony", "Haier", "Intel"]
SENTENCES = ["P flew to L", "P lives in L", "P works for F in L", "F hired P", "F opened a plant in L", "P met P in L",
             "the engineer P left F", "F and F build a plant near L", "P from F visited L", "yesterday P moved to L",
             "P joined F", "the mayor of L met P", "P called F from L", "F moved from L to L"]  # fmt: skip
LENGTH = 16


def entities():
    """Named entities: sentence[1] STRING -> tokens STRING[16], tags STRING[16], both filled with ''.

    A word's tag is told from itself and its two neighbours, so that an unknown name is known by its context.
    """
    rng = np.random.default_rng(8)
    choices, tag_of = {"P": PEOPLE, "L": PLACES, "F": FIRMS}, {"P": "PERSON", "L": "PLACE", "F": "COMPANY"}
    known = sorted({word for s in SENTENCES for word in s.split() if word not in tag_of} | {*PEOPLE, *PLACES, *FIRMS})
    number = {word: i + 2 for i, word in enumerate(known)}  # 0: beyond the sentence, 1: not known
    tags = ["O", "PERSON", "PLACE", "COMPANY"]
    x, y = [], []
    for sentence in SENTENCES * 60:
        words = [rng.choice(choices[word]) if word in choices else word for word in sentence.split()]
        hidden = [1 if s in choices and rng.uniform() < 0.4 else number[w] for s, w in zip(sentence.split(), words, strict=True)]
        around = [0, *hidden, 0]
        x += [around[i : i + 3] for i in range(len(hidden))]
        y += [tags.index(tag_of.get(word, "O")) for word in sentence.split()]
    size = len(known) + 2
    one_hot = np.concatenate([np.eye(size)[np.array(x)[:, i]] for i in range(3)], axis=1)
    model = LogisticRegression(C=10, max_iter=500).fit(one_hot, y)
    tables = model.coef_.T.reshape(3, size, len(tags))
    write_graph(
        "entities",
        [
            node("Tokenizer", "sentence", "cut", MS, mark=0, mincharnum=1, pad_value="", separators=[" "]),
            node("Squeeze", "cut axis1", "words"),  # [n, longest]
            node("Shape", "words", "shape"),
            node("Gather", "shape zero", "rows", axis=0),
            node("Concat", "rows length", "filler_shape", axis=0),
            node("Expand", "empty filler_shape", "filler"),
            node("Concat", "words filler", "filled", axis=1),
            node("Slice", "filled zero length axis1", "tokens"),
            node("LabelEncoder", "tokens", "ids", ML, keys_strings=["", *known], values_int64s=[0, *number.values()], default_int64=1),
            node("Slice", "ids zero minus_one axis1", "but_last"),
            node("Slice", "ids axis1 far axis1", "but_first"),
            node("Slice", "ids zero axis1 axis1", "first"),
            node("Mul", "first zero", "edge"),
            node("Concat", "edge but_last", "before", axis=1),
            node("Concat", "but_first edge", "after", axis=1),
            *[node("Gather", f"table_{side} {side}", f"score_{side}", axis=0) for side in ("before", "ids", "after")],
            node("Sum", "score_before score_ids score_after bias", "score"),
            node("ArgMax", "score", "best", axis=2, keepdims=0),
            node("LabelEncoder", "best", "tag", ML, keys_int64s=list(range(len(tags))), values_strings=tags, default_string="O"),
            node("Equal", "ids zero", "is_filler"),
            node("Where", "is_filler empty tag", "tags"),
        ],
        [value("sentence", STRING, 1)],
        [value("tokens", STRING, LENGTH), value("tags", STRING, LENGTH)],
        [
            constant("axis1", [1], np.int64),
            constant("zero", [0], np.int64),
            constant("minus_one", [-1], np.int64),
            constant("far", [LENGTH], np.int64),
            constant("length", [LENGTH], np.int64),
            constant("empty", np.array([""], object)),
            constant("bias", model.intercept_, np.float32),
            *[constant(f"table_{side}", t, np.float32) for side, t in zip(("before", "ids", "after"), tables, strict=True)],
        ],
    )
    write_rows(
        "sentences",
        [
            {"id": 1, "sentence": "Grace works for Nokia in Lima"},
            {"id": 2, "sentence": "yesterday Zoe moved to Turin"},
            {"id": 3, "sentence": "Acme hired Chen"},
            {"id": 4, "sentence": "the mayor of Oslo met Ida"},
        ],
    )


TALK = {
    "weather": "what is the weather today|will it rain tomorrow|is it sunny|how cold is it|do i need an umbrella|rain or sun",
    "travel": "book a flight|i need a train ticket|when does the train leave|find me a hotel|is the flight late|a ticket please",
    "music": "play a song|turn the music up|who sings this song|play some jazz|next song please|stop the music",
}


def conversation():
    """What a conversation is about: message[1] and what was said before (state) -> intent STRING, confidence FLOAT."""
    x, y = zip(*[(text, topic) for topic, texts in TALK.items() for text in texts.split("|")], strict=True)
    words = CountVectorizer(token_pattern="[a-z]+")
    model = LogisticRegression(C=10).fit(words.fit_transform(x), y)
    known = list(words.get_feature_names_out())
    topics = list(model.classes_)
    # Words that are not known, and the tokenizer's fillers, weigh nothing.
    weights = np.concatenate([np.zeros((1, len(topics))), model.coef_.T])
    write_graph(
        "conversation",
        [
            node("Tokenizer", "message", "cut", MS, mark=0, mincharnum=1, pad_value="", separators=[" "]),
            node("Squeeze", "cut axis1", "words"),
            node("LabelEncoder", "words", "ids", ML, keys_strings=known, values_int64s=list(range(1, len(known) + 1)), default_int64=0),
            node("Gather", "weights ids", "weight", axis=0),
            node("ReduceSum", "weight axis1", "said", keepdims=0),
            node("Mul", "before half", "remembered"),
            node("Add", "said remembered", "after"),
            node("Softmax", "after", "probabilities", axis=1),
            node("ReduceMax", "probabilities", "confidence", axes=[1], keepdims=0),
            node("ArgMax", "after", "best", axis=1, keepdims=0),
            node("LabelEncoder", "best", "intent", ML, keys_int64s=list(range(len(topics))), values_strings=topics, default_string=""),
        ],
        [value("message", STRING, 1), value("before", FLOAT, len(topics))],
        [value("intent", STRING), value("confidence", FLOAT), value("after", FLOAT, len(topics))],
        [constant("axis1", [1], np.int64), constant("half", 0.5, np.float32), constant("weights", weights, np.float32)],
    )
    (HERE / "repository" / "conversation" / "config.pbtxt").write_text(
        "sequence_batching {\n"
        "  max_sequence_idle_microseconds: 600000000\n"
        '  state [ { input_name: "before" output_name: "after" } ]\n'
        "}\n"
    )
    write_rows(
        "messages",
        [
            {"id": 1, "user_id": "ann", "message": "Will it rain today"},
            {"id": 2, "user_id": "ben", "message": "Play a song"},
            {"id": 3, "user_id": "ann", "message": "And in Berlin"},
            {"id": 4, "user_id": "ben", "message": "And in Berlin"},
            {"id": 5, "user_id": "ann", "message": "Then book a flight"},
            {"id": 6, "user_id": "ben", "message": "Louder"},
        ],
    )


if __name__ == "__main__":
    for make in (fraud, text, digits, recommender, entities, conversation):
        make()
