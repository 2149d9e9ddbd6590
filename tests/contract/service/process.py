"""The whole service as a process of its own: in the lean profile beside a small Lambda, or standing alone.

front   layer/boot.py, as on Lambda        back   python -m extension, as a sidecar elsewhere
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.stage.aws import CREDENTIALS, REGION
from tests.contract.client import Client, Reply, converse
from tests.servers.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

ROOT = Path(__file__).parents[3]
PROFILES = ("front", "back")
PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
TOKEN = CREDENTIALS["AWS_SESSION_TOKEN"]
TOKEN_LINE = f"X-Aws-Parameters-Secrets-Token: {TOKEN}"
COMMANDS = {
    "front": [sys.executable, "-I", "-S", str(ROOT / "layer" / "boot.py"), "sidekey"],
    "back": [sys.executable, "-m", "extension"],
}
PATIENCE_SECONDS = 20.0


def free_port() -> int:
    """Return a port that nobody listens on, and that the system gives to nobody who asks for any."""
    port = random.randrange(20_000, 32_000)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return free_port()
    return port


class Service:
    """Use as a context manager. `settings` are environment variables; an empty one is left out."""

    def __init__(
        self, profile: str, url: str, settings: Mapping[str, str] | None = None, command: Sequence[str] = ()
    ) -> None:
        """Prepare a service whose AWS is at `url`, started by `command` if one is given."""
        self.profile = profile
        self.port = int((settings or {}).get(PORT) or free_port())
        self.address = ("127.0.0.1", self.port)
        self.status: int | None = None
        self._command = command or COMMANDS[profile]
        given = {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
            PORT: str(self.port),
            "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "debug",
            **(settings or {}),
        }
        self.environment = {name: value for name, value in given.items() if value}

    def __enter__(self) -> Self:
        """Start it, and wait until it listens (and, on Lambda, has called `next`)."""
        with contextlib.ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile())
            if self.profile == "front":
                self.api = stack.enter_context(RuntimeApi())
                self.environment["AWS_LAMBDA_RUNTIME_API"] = self.api.address
            self.process = subprocess.Popen(self._command, env=self.environment, cwd=ROOT, stderr=self._log)
            stack.callback(self._end)
            self._await()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def _await(self) -> None:
        if self.profile == "front":
            calls = [self.api.next_call()[0] for _ in range(2)]
            assert calls == ["/register", "/event/next"], self.log()
        else:
            wait_for(self._listens)

    def _listens(self) -> bool:
        with contextlib.suppress(ConnectionError):
            Client(self.address).close()
            return True
        assert self.process.poll() is None, self.log()
        return False

    def wait_until_ready(self) -> None:
        """Wait until the prefetch is done."""
        wait_for(lambda: self.get("/ready").status == 200)

    def stop(self) -> int:
        """End it as its host would, and return the exit status."""
        if self.profile == "front":
            self.api.shut_down(time.time())
        else:
            self.process.terminate()
        self.status = self.process.wait(timeout=PATIENCE_SECONDS)
        return self.status

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def log(self) -> str:
        """Return what was logged so far."""
        self._log.seek(0)
        return self._log.read().decode()

    def get(self, target: str, *headers: str, token: str | None = TOKEN, method: str = "GET") -> Reply:
        """Ask over a connection of its own."""
        own = () if token is None else (f"X-Aws-Parameters-Secrets-Token: {token}",)
        with Client(self.address) as client:
            return client.get(target, *own, *headers, method=method).reply(to_head=method == "HEAD")

    def json(self, target: str) -> Any:
        """Return the body of a success."""
        reply = self.get(target)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def refused(
        self, target: str, *headers: str, token: str | None = TOKEN, method: str = "GET"
    ) -> tuple[int, str, str]:
        """Return status, type and sentence of a refusal."""
        reply = self.get(target, *headers, token=token, method=method)
        said = json.loads(reply.body)
        return reply.status, said["__type"], said["message"]

    def raw(self, *pieces: bytes) -> bytes:
        """Send bytes, then nothing more, and return all that comes back."""
        return converse(self.address, pieces)


def wait_for(condition: Any) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)
