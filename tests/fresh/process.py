"""The sidecar as a process of its own, started as the layer starts it, under a small Extensions API."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.stage.aws import CREDENTIALS, REGION
from scripts.stage.emulator import ROOT
from tests.fresh.sidecar import TOKEN, ask
from tests.servers.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from tests.fresh.sidecar import Seen

PATIENCE_SECONDS = 20
_MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw", re.MULTILINE)


class Process:
    """Use as a context manager; it has called `next` for the first time when the block begins."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        """Take a free port; the log goes to `folder`."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self.api = RuntimeApi()
        self.log = folder / "sidecar.log"
        self._environment = {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(self.port),
            **environment,
        }

    def __enter__(self) -> Self:
        self.api.__enter__()
        with self.log.open("w") as log:
            command = [sys.executable, "-I", "-S", "-X", "utf8", str(ROOT / "layer" / "boot.py"), "sidekey"]
            self._process = subprocess.Popen(command, env=self._environment, stderr=log)
        self.pid = self._process.pid
        self.await_next()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.send_signal(signal.SIGCONT)
        self.api.shut_down(time.time())
        try:
            self.status = self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()
            self.api.__exit__()

    def await_next(self) -> None:
        """Wait until it asks for the next event."""
        while self.api.next_call()[0] != "/event/next":
            pass

    def invoke(self, seconds: float = 60.0) -> None:
        """Begin an invocation, and wait until it asks for the next one."""
        self.api.invoke(seconds, time.time())
        self.await_next()

    def connect(self) -> socket.socket:
        """Connect as a client."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)

    def read(self, target: str, token: str = TOKEN) -> Seen:
        """Ask as a function does."""
        return ask(HTTPConnection("127.0.0.1", self.port, timeout=30), target, token)

    def freeze(self) -> None:
        """Stop it, and wait until it stands still."""
        self._process.send_signal(signal.SIGSTOP)
        until(lambda: ") T " in Path(f"/proc/{self.pid}/stat").read_text())

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def memory(self) -> bytes:
        """Return all that it could write to: what a snapshot would hold."""
        return image(self.pid)

    def status_of(self, field: str) -> int:
        """Return a number of /proc/PID/status, in its own unit."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition(f"{field}:")[2].split()[0])

    def descriptors(self) -> int:
        """Count its open files and sockets."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


def image(pid: int) -> bytes:
    """Return a process's writable memory."""
    found = bytearray()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for begin, end in _MAPPING.findall(Path(f"/proc/{pid}/maps").read_text()):
            memory.seek(int(begin, 16))
            found += memory.read(int(end, 16) - int(begin, 16)) or b""
    return bytes(found)


def until(happened: Callable[[], bool]) -> None:
    """Wait until something is so."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < patience, "waited in vain"
        time.sleep(0.001)
