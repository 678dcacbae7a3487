"""The public Triton client against `millrace model-server`: test_model_server.py <the millrace executable>.

Runs with the Python of test/peers/triton/triton.sh, which has tritonclient.
"""

import contextlib
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.http as client
from tritonclient.utils import InferenceServerException

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models"


@contextlib.contextmanager
def server(executable):
    """A server of some test models on free ports; gives its addresses of HTTP and gRPC."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("linear", "text", "types", "running_sum"):
            version = pathlib.Path(folder, name, "1")
            version.mkdir(parents=True)
            shutil.copy(MODELS / f"{name}.onnx", version / "model.onnx")
        pathlib.Path(folder, "running_sum", "config.pbtxt").write_text(
            'sequence_batching { state [ { input_name: "state" output_name: "next" } ] }'
        )
        command = [executable, "model-server", "--repository", folder, "--port", "0", "--grpc-port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = ""
        for line in process.stdout:
            said += line
            if found := re.search(r"http://([^ ]+) and grpc://([^ ]+)", line):
                break
        else:
            raise AssertionError(f"the server ended: {said}")
        try:
            yield found.groups()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0, "the server did not stop in good order"


def tensor(name, values, datatype, binary=True):
    made = client.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def check_health(triton):
    assert triton.is_server_live() and triton.is_server_ready()
    assert triton.is_model_ready("linear") and triton.is_model_ready("linear", "1")
    assert not triton.is_model_ready("nonsense")
    assert "binary_tensor_data" in triton.get_server_metadata()["extensions"]
    assert triton.get_model_metadata("linear")["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert triton.get_model_config("linear")["max_batch_size"] > 0
    assert [each["state"] for each in triton.get_model_repository_index()] == ["READY"] * 4


def check_repository(triton):
    triton.unload_model("text")
    assert not triton.is_model_ready("text")
    triton.load_model("text")
    assert triton.is_model_ready("text")
    try:
        triton.load_model("nonsense")
    except InferenceServerException as error:
        assert error.status() in ("400", "StatusCode.INVALID_ARGUMENT"), error
    else:
        raise AssertionError("a model that is not there was loaded")


def check_sequences(triton):
    api = grpc_client if isinstance(triton, grpc_client.InferenceServerClient) else client
    for x, start, end, expected in ((1, True, False, 1), (2, False, False, 3), (3, False, True, 6)):
        made = api.InferInput("x", [1, 1], "FP32")
        made.set_data_from_numpy(np.array([[x]], np.float32))
        answer = triton.infer("running_sum", [made], sequence_id=42, sequence_start=start, sequence_end=end)
        assert answer.as_numpy("y").tolist() == [[expected]]
    try:
        triton.infer("running_sum", [made], sequence_id=42)
    except InferenceServerException as error:
        assert "START flag" in error.message(), error
    else:
        raise AssertionError("a sequence that has ended went on")


def check_grpc(triton):
    """Health, metadata, inference and mistakes over gRPC."""
    assert triton.is_server_live() and triton.is_server_ready()
    assert triton.is_model_ready("linear") and not triton.is_model_ready("nonsense")
    assert "binary_tensor_data" in triton.get_server_metadata().extensions
    metadata = triton.get_model_metadata("linear")
    assert [(each.name, each.datatype, list(each.shape)) for each in metadata.inputs] == [("x", "FP32", [-1, 2])]
    assert triton.get_model_config("linear").config.max_batch_size > 0
    assert {each.state for each in triton.get_model_repository_index().models} == {"READY"}
    x = grpc_client.InferInput("x", [2, 2], "FP32")
    x.set_data_from_numpy(np.array([[1, 1], [0, 2]], np.float32))
    for compression in (None, "gzip"):
        result = triton.infer("linear", [x], request_id="7", compression_algorithm=compression)
        np.testing.assert_array_equal(result.as_numpy("y"), [[6], [7]])
        assert result.get_response().id == "7"
    words = np.array([["a"], ["grüß"], [""]], object)
    text = grpc_client.InferInput("text", [3, 1], "BYTES")
    text.set_data_from_numpy(words)
    same = triton.infer("text", [text]).as_numpy("same")
    assert [[w.decode() for w in row] for row in same] == words.tolist()
    large = grpc_client.InferInput("x", [1000, 2], "FP32")
    large.set_data_from_numpy(np.ones((1000, 2), np.float32))
    assert triton.infer("linear", [large]).as_numpy("y").shape == (1000, 1)
    wrong = grpc_client.InferInput("x", [1, 3], "FP32")
    wrong.set_data_from_numpy(np.ones((1, 3), np.float32))
    for model, made, status in (("linear", wrong, "INVALID_ARGUMENT"), ("nonsense", x, "NOT_FOUND")):
        try:
            triton.infer(model, [made])
        except InferenceServerException as error:
            assert error.status() == f"StatusCode.{status}", error
        else:
            raise AssertionError(f"{model} took a wrong request")
    statistics = triton.get_inference_statistics("linear").model_stats[0]
    assert statistics.inference_stats.success.count > 0 and statistics.inference_stats.fail.count > 0


def check_inference(triton):
    x = np.array([[1, 1], [0, 2]], np.float32)
    for binary_in in (True, False):
        for binary_out in (True, False):
            for compression in (None, "gzip"):
                result = triton.infer(
                    "linear",
                    [tensor("x", x, "FP32", binary_in)],
                    outputs=[client.InferRequestedOutput("y", binary_data=binary_out)],
                    request_id="7",
                    request_compression_algorithm=compression,
                )
                np.testing.assert_array_equal(result.as_numpy("y"), [[6], [7]])
                assert result.get_response()["id"] == "7"
    words = np.array([["a"], ["grüß"], [""]], object)
    for binary in (True, False):
        same = triton.infer("text", [tensor("text", words, "BYTES", binary)]).as_numpy("same")
        assert [[w.decode() for w in row] for row in same] == words.tolist()
    types = triton.infer(
        "types",
        [
            tensor("a", np.array([[3]], np.int32), "INT32"),
            tensor("b", np.array([[True]]), "BOOL"),
            tensor("m", np.array([[[1, 2], [3, 4]]], np.float32), "FP32"),
        ],
    )
    assert types.as_numpy("a2").tolist() == [[6]]
    assert types.as_numpy("nb").tolist() == [[False]]
    assert types.as_numpy("t").tolist() == [[[1, 3], [2, 4]]]


def check_parallel(triton):
    x = np.ones((64, 2), np.float32)
    requests = [triton.async_infer("linear", [tensor("x", x, "FP32")]) for _ in range(50)]
    for request in requests:
        np.testing.assert_array_equal(request.get_result().as_numpy("y"), np.full((64, 1), 6))


def check_mistakes(triton):
    wrong = [
        ("nonsense", tensor("x", np.ones((1, 2), np.float32), "FP32"), "404"),
        ("linear", tensor("z", np.ones((1, 2), np.float32), "FP32"), "400"),
        ("linear", tensor("x", np.ones((1, 3), np.float32), "FP32"), "400"),
        ("linear", tensor("x", np.ones((1, 2), np.float64), "FP64"), "400"),
    ]
    for model, made, status in wrong:
        try:
            triton.infer(model, [made])
        except InferenceServerException as error:
            assert error.status() == status, error
        else:
            raise AssertionError(f"{model} took a wrong request")


def main():
    with server(sys.argv[1]) as (http, grpc):
        triton = client.InferenceServerClient(http, concurrency=8)
        for check in (
            check_health,
            check_inference,
            check_parallel,
            check_mistakes,
            check_sequences,
            check_repository,
        ):
            check(triton)
            print("passed:", check.__name__)
        triton = grpc_client.InferenceServerClient(grpc)
        for check in (check_grpc, check_sequences, check_repository):
            check(triton)
            print("passed over gRPC:", check.__name__)


if __name__ == "__main__":
    main()
