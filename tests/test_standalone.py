"""The standalone sidecar, as a process of its own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

BOOT = Path(__file__).parent.parent / "layer" / "boot.py"
SOUND = {"AWS_SESSION_TOKEN": "planted-token", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


def start(environment: dict[str, str]) -> tuple[subprocess.Popen[str], int]:
    """Start a sidecar on a free port; return it with the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = {"AWS_REGION": "eu-west-1", "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(port)} | environment
    command = [sys.executable, "-I", "-S", str(BOOT)]
    return subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, text=True), port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_a_signal_and_leaves_with_status_0(number):
    """SIGTERM (a container's end) and SIGINT (Ctrl-C) drain it."""
    process, port = start(SOUND)
    said = process.stderr.readline()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=20) as response:
        body = response.read()
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    process.send_signal(number)
    rest = process.communicate(timeout=20)[1]

    assert (said, body) == (f"[sidekey] info: serving on 127.0.0.1:{port}\n", b"healthy")
    assert (process.returncode, rest) == (0, "")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)  # a core dump would hold every secret


def test_leaves_with_status_2_and_every_reason_where_nothing_can_be_served():
    """Without a token nobody could ask."""
    process, _ = start({"SIDEKEY_BATCH": "perhaps"})
    said = process.communicate(timeout=20)[1]

    assert process.returncode == 2
    assert "AWS_SESSION_TOKEN" in said
    assert "SIDEKEY_BATCH" in said


def test_leaves_with_status_2_where_its_port_is_taken():
    """The sentence names the port and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = {"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(holder.getsockname()[1])}
        process, _ = start(SOUND | taken)
        said = process.communicate(timeout=20)[1]

    assert process.returncode == 2
    assert "is taken" in said
