"""The two commands that show Sidekey: `make run` and `make dev`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = [sys.executable, str(Path(__file__).resolve().parents[2] / "scripts" / "run")]
TOKEN = {"X-Aws-Parameters-Secrets-Token": "sample-session-token"}


def test_run_tells_what_happened_and_ends_by_itself() -> None:
    """A plain account for a pipe: the languages, their timelines, the values, and the rotation seen."""
    done = subprocess.run(RUN, check=False, capture_output=True, text=True, timeout=50)

    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for expected in ("Python", "first read", "sample-password-1", "16 bytes", "Rotation", "sample-password-3"):
        assert expected in done.stdout


@pytest.fixture
def port() -> int:
    """Find a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def sidecar(port: int) -> Iterator[subprocess.Popen[str]]:
    """Start `make dev`'s process, and wait until it has said what to try."""
    environment = {**os.environ, "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(port)}
    with subprocess.Popen([*RUN, "--dev"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("Ctrl-C" in line for line in process.stdout)
        yield process
        process.terminate()  # not killed: it has an extension to end


def test_dev_leaves_the_endpoint_open(sidecar: subprocess.Popen[str], port: int) -> None:
    """What is told to be tried works."""
    request = Request(f"http://127.0.0.1:{port}/value?ref=secretsmanager://demo/api-key", headers=TOKEN)
    with urlopen(request) as answer:
        assert answer.read() == b"sample-api-key"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_ends_when_asked(sidecar: subprocess.Popen[str], port: int, number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM end it with status 0, and the port is free again."""
    sidecar.send_signal(number)

    assert sidecar.wait(20) == 0
    with socket.create_server(("127.0.0.1", port)):
        pass
