"""A start of the extension up to a call of the Extensions API, as the layer starts it, watched from outside."""

from __future__ import annotations
import __future__

import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layer.assembly.pinned.bytecode import compile_file, compile_rest, compile_stage
from layer.assembly.stages import stages
from tests.servers.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.servers.authority import Authority
    from tests.servers.scripted import ScriptedServer

ROOT = Path(__file__).parent.parent.parent
LEAN = [sys.executable, "-I", "-S", "-B", "-u", "-X", "utf8=1"]
TOKEN = "planted-token"
IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \| +(\S+)$", re.MULTILINE)
COUNTED = re.compile(r"Collected : (\d+)")
PREFETCH = "secretsmanager://one,secretsmanager://two,ssm:///three"


def lay_out(folder: Path) -> str:
    """Put the extension into `folder` as the layer has it, for this interpreter; return what to start."""
    known = sources()
    described = {
        stage: [(name, str(known[name]), name, known[name].stem == "__init__") for name in names]
        for stage, names in stages(known).items()
    }
    compile_stage(described["start"], str(folder / "start.bundle"))
    compile_stage(described["serve"], str(folder / "serve.bundle"))
    compile_rest(described["rest"], str(folder / "rest.bundle"))
    compile_file(str(ROOT / "layer/boot.py"), str(folder / "boot.pyc"), "boot.py")
    (folder / "lib").symlink_to(Path(sysconfig.get_path("stdlib")).parent)
    return str(folder / "boot.pyc")


def sources() -> dict[str, Path]:
    """Return the modules of the extension, and the one of others that goes into its bundles."""
    own = {_name(path.relative_to(ROOT)): path for path in (ROOT / "extension").rglob("*.py")}
    return own | {"__future__": Path(__future__.__file__)}


def _name(place: Path) -> str:
    return ".".join(place.with_suffix("").parts).removesuffix(".__init__")


def until_register(command: Sequence[str]) -> str:
    """Run until `register` is called, which is never answered; return what was written."""
    with (
        socket.create_server(("127.0.0.1", 0)) as api,
        started(command, f"127.0.0.1:{api.getsockname()[1]}", {}) as process,
        api.accept()[0] as call,
    ):
        assert b"/extension/register" in call.recv(4096)
        return ended(process)


def until_next(
    command: Sequence[str], aws: ScriptedServer, authority: Authority, requests: Sequence[bytes] = ()
) -> str:
    """Run until `next` is called, with a prefetch over TLS before it and reads after it; return what was written."""
    port = free_port()
    settings = {
        "AWS_CA_BUNDLE": authority.bundle,
        "AWS_ENDPOINT_URL": aws.url,
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(port),
        "SIDEKEY_PREFETCH": PREFETCH,
    }
    with RuntimeApi() as api, started(command, api.address, settings) as process:
        assert [api.next_call()[0] for _ in range(2)] == ["/register", "/event/next"]
        read(port, requests)
        return ended(process)


def started(command: Sequence[str], api: str, settings: dict[str, str]) -> subprocess.Popen[str]:
    """Start as Lambda does."""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAPLANTED",
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "planted-key",
        "AWS_SESSION_TOKEN": TOKEN,
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(free_port()),
        **settings,
    }
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> str:
    """End by a signal that is not ignored, and lets valgrind say what it counted; return what was written."""
    process.send_signal(signal.SIGALRM)
    return process.communicate(timeout=60)[1]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def read(port: int, requests: Sequence[bytes]) -> None:
    """Send requests over one connection, each after the answer to the one before."""
    with socket.create_connection(("127.0.0.1", port)) as link:
        for request in requests:
            link.sendall(request)
            assert link.recv(65536).startswith(b"HTTP/1.1 200 ")


def imported(said: str) -> set[str]:
    """Return the modules that `-X importtime` told of."""
    return set(IMPORTED.findall(said))


def counting() -> list[str]:
    """Return the command that counts instructions; a machine without it skips the test."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("valgrind counts instructions: apt-get install valgrind")
    return [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def instructions(said: str) -> int:
    """Return the count."""
    found = COUNTED.search(said)
    assert found, said
    return int(found[1])


def bare() -> int:
    """Return the instructions of an interpreter that starts and ends: the measure, for it differs by build."""
    command = [*counting(), *LEAN, "-c", "pass"]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
    return instructions(done.stderr)
