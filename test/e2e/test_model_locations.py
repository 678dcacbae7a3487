"""Versions of a model that are not in their records but at a location: over HTTP and in an S3 store. // M1"""

import hashlib
import hmac
import http.server
import os
import pathlib
import subprocess
import threading
import urllib.parse

import pytest

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"
MODEL = pathlib.Path("test/models/linear.onnx").read_bytes()
ACCESS, SECRET, REGION = "AKID", "very/secret+key", "eu-test-1"


class Store(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.seen.append(self.path)
        path = urllib.parse.unquote(self.path)
        if path == "/down":
            self.answer(404)
        elif path.startswith("/models/") and "Authorization" in self.headers and not self.is_signed():
            self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code><Message>Check your key.</Message></Error>")
        elif path.startswith("/models/private") and "Authorization" not in self.headers:
            self.answer(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
        else:
            self.answer(200, MODEL)

    def is_signed(self):
        """AWS's signature version 4 of a GET, from its specification."""
        scheme, _, fields = self.headers["Authorization"].partition(" ")
        fields = dict(field.strip().split("=", 1) for field in fields.split(","))
        access, day, region, service, end = fields["Credential"].split("/")
        signed = fields["SignedHeaders"].split(";")
        canonical = "".join(f"{name}:{self.headers[name].strip()}\n" for name in signed)
        request = f"GET\n{self.path}\n\n{canonical}\n{';'.join(signed)}\n{self.headers['x-amz-content-sha256']}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{scheme}\n{self.headers['X-Amz-Date']}\n{day}/{region}/{service}/{end}\n{digest}"
        key = b"AWS4" + SECRET.encode()
        for part in (day, region, service, end, text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        assert scheme == "AWS4-HMAC-SHA256" and {"host", "x-amz-content-sha256", "x-amz-date"} <= set(signed)
        return (access, region, service) == (ACCESS, REGION, "s3") and hmac.compare_digest(key.hex(), fields["Signature"])


@pytest.fixture
def store():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.seen, server.url = [], f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def run(location, options="", **environment):
    """A row that the model scores, and the quarantined versions."""
    sql = f"""CREATE VIEW updates AS SELECT '{location}' AS location;
        CREATE MODEL line INPUT (a FLOAT, b FLOAT) OUTPUT (y FLOAT)
        WITH ('provider' = 'stream', 'source' = 'updates', 'type' = 'onnx'{options});
        CREATE VIEW points AS SELECT CAST(1 AS FLOAT) AS a, CAST(1 AS FLOAT) AS b;
        CREATE VIEW scored AS SELECT * FROM ML_PREDICT(TABLE points, MODEL line, DESCRIPTOR(a, b));
        SELECT 'y', CAST(y AS STRING) FROM scored;
        SELECT 'refused', reason FROM `scored$quarantined`;"""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [BINARY, "run", "-e", sql, "--output", "csv"], capture_output=True, text=True, timeout=60, env=clean | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_over_http(store):
    assert run(store.url + "/a%20model.onnx") == ["y,6.0"]
    lines = run(store.url + "/down")
    assert lines[-1].startswith("refused,the server answers 404"), lines


def keys(secret=SECRET):
    return f", 's3.region' = '{REGION}', 's3.access-key' = '{ACCESS}', 's3.secret-key' = '{secret}'"


def test_from_an_s3_store(store):
    options = f", 's3.endpoint' = '{store.url}'"
    assert run("s3://models/private/a model, ünïcode.onnx", options + keys()) == ["y,6.0"]
    assert store.seen[0] == "/models/private/a%20model%2C%20%C3%BCn%C3%AFcode.onnx"
    assert run("s3://models/open.onnx", options) == ["y,6.0"]  # without keys, and so unsigned

    assert "403, AccessDenied: Access Denied" in run("s3://models/private/a.onnx", options)[-1]
    assert "SignatureDoesNotMatch: Check your key." in run("s3://models/a.onnx", options + keys("another"))[-1]
    assert "names no object" in run("s3://models", options)[-1]


def test_s3_keys_of_the_environment_and_of_secrets(store):
    aws = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": store.url}
    assert run("s3://models/private/a.onnx", **aws) == ["y,6.0"]
    secret = f", 's3.endpoint' = '{store.url}'" + keys("${SECRET:store_key}")
    assert run("s3://models/private/a.onnx", secret, MILLRACE_SECRET_STORE_KEY=SECRET) == ["y,6.0"]
