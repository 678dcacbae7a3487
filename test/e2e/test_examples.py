"""The examples of models run, in the process and on `millrace model-server`, and say what they should."""  # T16

import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "models"
BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"


@pytest.fixture(scope="module")
def server():
    """The address of a server of the examples' models."""
    command = [BINARY, "model-server", "--repository", EXAMPLES / "repository", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield re.search(r"http://[^ ]+:\d+", process.stdout.readline())[0]
        finally:
            process.terminate()


def script(name, server=None, in_process=None):
    """The example's SQL with its models on the server, or all in the process."""
    sql = (EXAMPLES / f"{name}.sql").read_text()
    if in_process:
        path = f"'provider' = 'onnx', 'path' = 'examples/models/repository/{name}/1/model.onnx'"
        return re.sub(r"'provider' = 'triton'[^)]*", path, sql)
    sql = sql.replace("http://localhost:8000", server)
    there = rf"'provider' = 'triton', 'endpoint' = '{server}', 'model-name' = '{name}'"
    return re.sub(r"'provider' = 'onnx'[^)]*", there, sql)


def run(sql):
    done = subprocess.run(
        [BINARY, "run", "--output", "json", "-"], input=sql, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["fraud", "text", "digits", "recommender", "entities"])
def test_the_same_sql_in_the_process_and_on_a_server(server, name):
    rows = run(script(name, in_process=True))
    assert rows
    assert rows == run(script(name, server))


def test_every_example_is_run():
    assert {file.stem for file in EXAMPLES.glob("*.sql")} == {
        *("fraud", "text", "digits", "recommender", "entities", "conversation")
    }


def test_fraud(server):
    rows = run(script("fraud", server))
    refused = [row for row in rows if "risk" in row]
    assert len(refused) == 5
    assert all(row["was_fraud"] and row["risk"] > 0.9 for row in refused)
    windows = [row for row in rows if "window_end" in row]
    assert windows and all(row["payments"] > 2 and row["window_end"].endswith("0:00.000") for row in windows)


def test_text(server):
    topics = {row["id"]: row["topic"] for row in map(json.loads, (EXAMPLES / "data/tickets.json").read_text().splitlines())}
    rows = run(script("text", server))
    assert {row["id"]: row["label"] for row in rows} == topics
    assert all(row["probability"] > 0.9 for row in rows)


def test_digits(server):
    measures, *wrong = run(script("digits", server))
    assert measures["accuracy"] == 1 - len(wrong) / 100  # T3
    assert 0 < len(wrong) < 10, "of 100 images"
    assert all(row["written"] != row["seen"] for row in wrong)


def test_recommender(server):
    rows = run(script("recommender", server))
    films = {viewer: [row["film"] for row in rows if row["viewer"] == viewer] for viewer in (0, 1, 2, 4)}
    assert films[0][:2] == ["Solaris", "Arrival"], "the genre of the viewer, without what was seen"
    assert set(films[1]) == {"Before Sunrise", "Casablanca", "Amelie"}
    assert films[2][0] == "The Sting"
    scores = [row["score"] for row in rows if row["viewer"] == 1]
    assert scores == sorted(scores, reverse=True)


def test_entities(server):
    rows = run(script("entities", server))
    assert [(row["id"], row["entity"], row["tag"]) for row in rows] == [
        (1, "Grace", "PERSON"),
        (1, "Nokia", "COMPANY"),
        (1, "Lima", "PLACE"),
        (2, "Zoe", "PERSON"),
        (2, "Turin", "PLACE"),
        (3, "Acme", "COMPANY"),
        (3, "Chen", "PERSON"),
        (4, "Oslo", "PLACE"),
        (4, "Ida", "PERSON"),
    ]


def test_conversation(server):  # T7
    said = {row["id"]: row["intent"] for row in run(script("conversation", server))}
    assert (said[1], said[3], said[5]) == ("weather", "weather", "travel")
    # The same words, in another conversation.
    assert (said[2], said[4], said[6]) == ("music", "music", "music")
