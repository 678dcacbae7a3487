"""A server of the Open Inference Protocol with a fixed answer, which may misbehave; over TLS where wanted."""

import contextlib
import http.server
import json
import random
import socket
import struct
import threading

TENSOR = {"datatype": "FP32", "shape": [-1, 1]}


class Handler(http.server.BaseHTTPRequestHandler):
    """The Open Inference Protocol with one answer, 42 for each row; the model's name says what goes wrong."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        if "moved" in self.path:
            self.answer(307, b"", Location=self.server.elsewhere)
        elif self.path.endswith(("/config", "/stats")):
            self.answer(404, {"error": "not here"})
        elif "/flat" in self.path:
            tensors = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2]}], "outputs": [{"name": "y", "datatype": "FP32", "shape": [1]}]}
            self.answer(200, {"name": "flat", "versions": ["1"], "platform": "none", **tensors})
        elif "/unknown" in self.path:
            self.answer(404, {"error": "Request for unknown model: 'unknown' is not found"})
        elif "/not_ready" in self.path or (self.path.endswith("/ready") and self.server.starting):
            self.answer(503, {"error": "Model is not ready"})
        elif "/models/" in self.path:
            tensors = {"inputs": [{"name": "x", **TENSOR}], "outputs": [{"name": "y", **TENSOR}]}
            self.answer(200, {"name": "m", "versions": ["1"], "platform": "none", **tensors})
        else:
            self.answer(200, {"name": "fixed", "version": "1", "extensions": []})

    def sum_of(self, asked):
        """Of the values of the request's sequence; None of one that has not begun."""
        parameters, sums = asked["parameters"], self.server.sums
        name, (x,) = parameters["sequence_id"], asked["inputs"][0]["data"]
        if not parameters.get("sequence_start") and name not in sums:
            return None
        sums[name] = x + (0 if parameters.get("sequence_start") else sums[name])
        return sums[name]

    def do_POST(self):
        self.server.seen.append((self.path, dict(self.headers)))
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        rows = asked["inputs"][0]["shape"][0]
        y = {"name": "y", "datatype": "FP32", "shape": [rows, 1], "data": [42.0] * rows}
        model = self.path.split("/")[3]
        if model == "flat":
            y |= {"shape": [1], "data": [42.0]}
        if model == "redirect":
            return self.answer(307, b"", Location=self.server.elsewhere)
        if model == "garbage":
            return self.answer(200, b"<html>hello</html>")
        if model == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"outputs":')
            self.close_connection = True
            return None
        if model == "stall":
            return self.server.ended.wait(30)
        if model == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return self.connection.close()
        if model == "brief":  # one inference per connection
            self.close_connection = True
        if model in ("doubled", "sum"):
            fault = self.server.chance.random()
            if fault < 0.15:
                return self.answer(503, {"error": "Exceeds maximum queue size"})
            y["data"] = [2.0 * x for x in asked["inputs"][0]["data"]] if model == "doubled" else [self.sum_of(asked)]
            if y["data"] == [None]:
                return self.answer(400, {"error": "the sequence must specify the START flag on the first request of the sequence"})
            if fault < 0.2:  # the work is done, and nobody hears of it
                self.close_connection = True
                return self.connection.close()
        if model == "rows":
            y |= {"shape": [rows + 1, 1], "data": [42.0] * (rows + 1)}
        if model == "type":
            y |= {"datatype": "BYTES", "data": ["42"] * rows}
        if model == "missing":
            y["name"] = "z"
        return self.answer(200, {"model_name": "m", "model_version": "1", "outputs": [y]})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that goes away is part of the tests


@contextlib.contextmanager
def serve(context=None, elsewhere="", seed=0):
    with Server(("127.0.0.1", 0), Handler) as server:
        server.seen, server.asked = [], []  # paths with their headers; bodies of inferences
        server.elsewhere, server.starting, server.ended = elsewhere, False, threading.Event()
        server.chance, server.sums = random.Random(seed), {}
        server.scheme = "https" if context else "http"
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.url = f"{server.scheme}://localhost:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
