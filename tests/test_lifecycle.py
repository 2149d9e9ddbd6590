"""The lifecycle, as a process of its own, against a small Extensions API and a small AWS."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest

from tests.servers.runtime_api import RuntimeApi

TOKEN = "planted-token"
BOOT = Path(__file__).parent.parent / "layer" / "boot.py"


class SmallAws:
    """Answers GetSecretValue with numbered versions; `absent` is not there. Counts in `fetched`."""

    def __init__(self) -> None:
        self.fetched: Queue[str] = Queue()
        aws = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, said = aws.answer(payload.get("SecretId", ""))
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, name: str) -> tuple[int, dict[str, object]]:
        """Return status and body."""
        self.fetched.put(name)
        if name == "absent":
            return 400, {"__type": "ResourceNotFoundException", "message": "no such secret"}
        arn = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf"
        number = self.fetched.qsize()
        return 200, {"ARN": arn, "Name": name, "VersionId": f"v{number}", "SecretString": f"planted-{number}"}

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Life:
    """One sidecar, started as the layer starts it."""

    def __init__(self, api: RuntimeApi, aws: SmallAws, environment: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        self.environment = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_ACCESS_KEY_ID": "AKIAPLANTED",
            "AWS_SECRET_ACCESS_KEY": "planted-key",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": aws.url,
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(self.port),
        } | environment
        command = [sys.executable, "-I", "-S", str(BOOT), "the-name"]
        self._process = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True)
        self.said = ""

    def read(self, target: str) -> tuple[int, bytes, str | None]:
        """Ask the sidecar; return status, body and how it came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", target, headers={"X-Aws-Parameters-Secrets-Token": TOKEN})
        response = connection.getresponse()
        answer = response.status, response.read(), response.headers["X-Sidekey-Cache"]
        connection.close()
        return answer

    def end(self) -> int:
        """Return the exit status, and keep what was said."""
        try:
            self.said = self._process.communicate(timeout=20)[1]
        finally:
            self._process.kill()
        return self._process.returncode


@pytest.fixture
def aws():
    """Give a small AWS."""
    server = SmallAws()
    yield server
    server.close()


@pytest.fixture
def api():
    """Give a small Extensions API."""
    with RuntimeApi() as server:
        yield server


def start(api, aws, **environment: str) -> tuple[Life, list[str]]:
    """Start a life and return it with the events that it registered for."""
    life = Life(api, aws, environment)
    path, headers, body = api.next_call()
    assert (path, headers["Lambda-Extension-Name"]) == ("/register", "the-name")
    return life, body["events"]


LISTED = {"SIDEKEY_PREFETCH": "secretsmanager://db"}


@pytest.mark.parametrize(
    ("environment", "events"),
    [
        ({}, ["SHUTDOWN"]),
        (LISTED, ["INVOKE", "SHUTDOWN"]),
        (LISTED | {"SIDEKEY_REFRESH": "read"}, ["SHUTDOWN"]),
        ({"SIDEKEY_REFRESH": "invoke"}, ["INVOKE", "SHUTDOWN"]),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, ["INVOKE", "SHUTDOWN"]),
        (LISTED | {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"}, ["SHUTDOWN"]),
    ],
)
def test_registers_for_what_it_needs_and_ends_at_shutdown(api, aws, environment, events):
    """INVOKE only where it is of use, and never on Managed Instances; SHUTDOWN ends with status 0."""
    life, registered = start(api, aws, **environment)
    asked = api.next_call()[0]
    api.shut_down(time.time())

    assert (registered, asked, life.end()) == (events, "/event/next", 0)


def test_a_prefetched_secret_is_there_when_next_is_called(api, aws):
    """The first read is a hit."""
    life, _ = start(api, aws, **LISTED)
    api.next_call()

    assert life.read("/value?ref=secretsmanager://db") == (200, b"planted-1", "hit")
    api.shut_down(time.time())
    assert life.end() == 0


def test_an_invocation_refreshes_what_has_expired(api, aws):
    """The refresh is on its way before the handler asks, and `next` is called at once."""
    life, _ = start(api, aws, SECRETS_MANAGER_TTL="1", SIDEKEY_REFRESH="invoke", **LISTED)
    api.next_call()
    first = aws.fetched.get(timeout=20)

    for _ in range(2000):
        api.invoke(60.0, time.time())
        assert api.next_call()[0] == "/event/next"
        if aws.fetched.qsize():
            break
    api.shut_down(time.time())

    assert (first, aws.fetched.get(timeout=20), life.end()) == ("db", "db", 0)


def test_snap_start_fetches_nothing_before_the_first_invoke(api, aws):
    """Memory after init is cloned: the prefetch waits for the first INVOKE, and a read before it is not kept."""
    life, _ = start(api, aws, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start", **LISTED)
    api.next_call()
    before = aws.fetched.qsize()
    early = [life.read("/value?ref=secretsmanager://other") for _ in range(2)]
    api.invoke(60.0, time.time())
    api.next_call()
    late = life.read("/value?ref=secretsmanager://db")
    api.shut_down(time.time())

    assert before == 0
    assert early == [(200, b"planted-1", "miss"), (200, b"planted-2", "miss")]
    assert late[:2] == (200, b"planted-3")
    assert life.end() == 0


def test_a_taken_port_fails_init_by_name(api, aws):
    """Lambda hears who is probably there."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        life, _ = start(api, aws, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=str(holder.getsockname()[1]))
        path, headers, body = api.next_call()

    assert (path, headers["Lambda-Extension-Function-Error-Type"]) == ("/init/error", "Extension.PortTaken")
    assert "AWS Parameters and Secrets extension" in body["errorMessage"]
    assert life.end() == 1


def test_settings_that_let_nothing_be_served_fail_init_with_every_problem(api, aws):
    """Without a token nobody could ask; the other problems are told along."""
    life, _ = start(api, aws, AWS_SESSION_TOKEN="", SIDEKEY_BATCH="perhaps", SIDEKEY_PREFTECH="x")
    _, headers, body = api.next_call()

    assert headers["Lambda-Extension-Function-Error-Type"] == "Extension.InvalidSettings"
    assert all(word in body["errorMessage"] for word in ("AWS_SESSION_TOKEN", "SIDEKEY_BATCH", "SIDEKEY_PREFETCH?"))
    assert life.end() == 1


def test_bad_settings_beside_sound_ones_are_said_and_outlived(api, aws):
    """The log names each; what is sound is served."""
    life, _ = start(api, aws, SIDEKEY_PREFETCH="secretsmanager://db,nonsense", SECRETS_MANAGER_TTL="forever")
    api.next_call()
    answer = life.read("/value?ref=secretsmanager://db")
    api.shut_down(time.time())

    assert answer == (200, b"planted-1", "hit")
    assert life.end() == 0
    assert "SIDEKEY_PREFETCH, reference 2" in life.said
    assert "SECRETS_MANAGER_TTL" in life.said


def test_a_required_reference_that_cannot_be_had_fails_init(api, aws, tmp_path):
    """Its reason reaches Lambda."""
    config = tmp_path / "sidekey.toml"
    config.write_text('[prefetch."secretsmanager://absent"]\nrequired = true\n')
    life, _ = start(api, aws, SIDEKEY_CONFIG=str(config))
    _, headers, body = api.next_call()

    assert headers["Lambda-Extension-Function-Error-Type"] == "Extension.RequiredMissing"
    assert "secretsmanager://absent" in body["errorMessage"]
    assert life.end() == 1


def test_a_required_reference_that_is_refused_late_fails_init(api, aws, tmp_path):
    """How long init waits for the rest says nothing about what is required."""
    config = tmp_path / "sidekey.toml"
    config.write_text('[prefetch."secretsmanager://absent"]\nrequired = true\n')
    life, _ = start(api, aws, SIDEKEY_CONFIG=str(config), SIDEKEY_PREFETCH_TIMEOUT_MS="0")
    _, headers, body = api.next_call()

    assert headers["Lambda-Extension-Function-Error-Type"] == "Extension.RequiredMissing"
    assert "no such secret" in body["errorMessage"]
    assert life.end() == 1


def test_what_is_required_is_not_checked_before_a_snapshot(api, aws, tmp_path):
    """Nothing is fetched there; the log says so."""
    config = tmp_path / "sidekey.toml"
    config.write_text('[prefetch."secretsmanager://absent"]\nrequired = true\n')
    life, _ = start(api, aws, SIDEKEY_CONFIG=str(config), AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    asked = api.next_call()[0]
    ready = life.read("/ready")
    api.shut_down(time.time())

    assert (asked, ready[:2], life.end()) == ("/event/next", (200, b"ready"), 0)
    assert "required is not checked in init" in life.said


def test_managed_instances_are_served_by_the_daemon_profile(api, aws):
    """The same answers, from aiohttp on uvloop."""
    life, _ = start(api, aws, AWS_LAMBDA_INITIALIZATION_TYPE="lambda-managed-instances", **LISTED)
    api.next_call()
    answer = life.read("/value?ref=secretsmanager://db")
    api.shut_down(time.time())

    assert answer == (200, b"planted-1", "hit")
    assert life.end() == 0
