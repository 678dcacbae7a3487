"""The provider 'triton' against a server that speaks TLS, and against one that misbehaves."""

import os
import pathlib
import re
import socket
import ssl
import subprocess

import pytest
from inference_server import serve

BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"
@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """An authority, and the certificates that it signed: server, expired, other_host, client."""
    folder = tmp_path_factory.mktemp("pki")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test authority")
    for name, days, host in (
        ("server", "2", "localhost"),
        ("expired", "-1", "localhost"),
        ("other_host", "2", "elsewhere.test"),
        ("client", "2", "client"),
    ):
        (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.crt", "-days", days, "-extfile", "names")  # fmt: skip
    return folder


def context_of(pki, name, wants_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{name}.crt", pki / f"{name}.key")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "ca.crt")
    return context


def score(url, model="fixed", rows=2, rest="", **options):
    """Runs rows through the model; rows that fail end the job with their reason."""
    options = {"max-retries": "0", "timeout": "5 s", "on-error": "fail"} | {k.replace("_", "-"): str(v) for k, v in options.items()}
    listed = "".join(f", '{key}' = '{value}'" for key, value in options.items())
    sql = f"""
      CREATE MODEL m INPUT (x FLOAT) OUTPUT (y FLOAT)
        WITH ('provider' = 'triton', 'endpoint' = '{url}', 'model-name' = '{model}'{listed});
      CREATE VIEW scored AS SELECT * FROM ML_PREDICT(
        TABLE (SELECT CAST(x AS FLOAT) AS x FROM (VALUES {', '.join(f'({x})' for x in range(rows))}) AS t (x)), MODEL m, DESCRIPTOR(x), MAP['async', 'false']);
      SELECT y FROM scored;
      {rest}"""
    return subprocess.run(
        [BINARY, "run", "--output", "csv", "-"], input=sql, capture_output=True, text=True, timeout=60,
        env=os.environ | {"MILLRACE_SECRET_TOKEN": "s3cret"},
    )  # fmt: skip


def refused(done, *texts):
    assert done.returncode != 0, done.stdout
    for text in texts:
        assert text in done.stderr, done.stderr
    return done.stderr


def test_own_authority(pki):  # T10
    with serve(context_of(pki, "server")) as server:
        done = score(server.url, tls_ca=pki / "ca.crt", auth_token="${SECRET:token}")
        assert (done.returncode, done.stdout.split()) == (0, ["42.0", "42.0"]), done.stderr
        assert server.seen and all(headers["Authorization"] == "Bearer s3cret" for _, headers in server.seen)


def test_unknown_authority(pki):  # T10, T12
    with serve(context_of(pki, "server")) as server:
        refused(score(server.url), "certificate", "'tls-ca'", server.url)
        assert not server.seen


def test_expired_certificate(pki):  # T10, T12
    with serve(context_of(pki, "expired")) as server:
        refused(score(server.url, tls_ca=pki / "ca.crt"), "expired", server.url)


def test_a_certificate_that_expires_under_a_job(pki):  # T10, T12
    now, later = context_of(pki, "server"), context_of(pki, "expired")
    now.num_tickets = 0  # a session that is resumed shows no certificate
    with serve(now) as server:

        def choose(connection, _, __):
            asked = sum(path.endswith("/infer") for path, _ in server.seen)
            connection.context = now if asked < 3 else later

        now.sni_callback = choose
        done = score(server.url, "brief", tls_ca=pki / "ca.crt", max_batch_size="1", connection_pool_size="1", on_error="null", rows=5, rest="SELECT cause FROM `scored$failed`;")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        answers = [line for line in lines if line in ("42.0", "")]
        assert len(answers) == 5 and set(answers) == {"", "42.0"}, "no row is lost"
        causes = [line for line in lines if "expired" in line]  # the second query runs the model again
        assert len(causes) == 5 and all(server.url in cause for cause in causes), lines


def test_another_hosts_certificate(pki):  # T10, T12
    with serve(context_of(pki, "other_host")) as server:
        refused(score(server.url, tls_ca=pki / "ca.crt"), "localhost", server.url)


def test_no_verification_warns(pki):  # T10
    with serve(context_of(pki, "expired")) as server:
        done = score(server.url, tls_verify="false")
        assert done.stdout.split() == ["42.0", "42.0"], done.stderr
        assert "tls-verify" in done.stderr, "nobody was warned"


def test_client_certificate(pki):  # T10, T12
    with serve(context_of(pki, "server", wants_client=True)) as server:
        refused(score(server.url, tls_ca=pki / "ca.crt"), "'tls-certificate'")
        own = {"tls_certificate": pki / "client.crt", "tls_key": pki / "client.key"}
        done = score(server.url, tls_ca=pki / "ca.crt", **own)
        assert done.stdout.split() == ["42.0", "42.0"], done.stderr
        refused(score(server.url, tls_ca=pki / "ca.crt", tls_certificate=own["tls_certificate"], tls_key="nowhere.key"), "nowhere.key", "readable, and PEM")


def test_plain_server_behind_https(pki):  # T12
    with serve() as server:
        refused(score(server.url.replace("http:", "https:"), tls_ca=pki / "ca.crt"), "TLS", "https://localhost")


def test_no_token_follows_a_redirect(pki):  # T10
    with serve() as thief, serve(context_of(pki, "server"), elsewhere=thief.url) as server:
        for model in ("moved", "redirect"):  # the metadata, and an inference
            done = score(server.url, model, tls_ca=pki / "ca.crt", auth_token="${SECRET:token}")
            text = refused(done, f"the server redirects to '{thief.url}'", "redirects are not followed")
            assert "s3cret" not in text + done.stdout
        assert server.seen and not thief.seen


@pytest.mark.parametrize(
    ("model", "texts"),
    [
        ("reset", ["connection"]),
        ("cut", ["connection"]),
        ("stall", ["Request timed out after 300ms", "attempt 1 of 1"]),
        ("garbage", ["JSON"]),
        ("rows", ["'y'", "[3, 1]"]),
        ("type", ["'y'", "BYTES"]),
        ("missing", ["'y'"]),
    ],
)
def test_a_server_that_misbehaves(pki, model, texts):  # T8, T9, T12
    with serve(context_of(pki, "server")) as server:
        options = {"tls_ca": pki / "ca.crt"}
        timeout = "300 ms" if model == "stall" else "5 s"
        refused(score(server.url, model, timeout=timeout, **options), *texts, server.url)
        # Without 'fail' the rows go on without a result.
        done = score(server.url, model, timeout=timeout, on_error="null", **options)
        assert done.returncode == 0, done.stderr
        assert "42" not in done.stdout


def test_a_server_that_is_not_there():  # T12
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    text = refused(score(f"http://localhost:{port}"), "refused", f"http://localhost:{port}")
    assert re.search(rf"\((127\.0\.0\.1|::1):{port}\)", text), "the address that was tried"
    assert "/v2/health/ready" in text, "the command to try"


def test_a_host_without_address():  # T12
    refused(score("http://no-such-host.invalid:8000"), "no-such-host.invalid", "address")
