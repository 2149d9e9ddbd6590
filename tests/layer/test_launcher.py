"""The launcher, of either architecture, drops what misleads and starts the layer's own interpreter."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scripts.stage.sandbox import Sandbox
from scripts.stage.stage import write_script
from tests.layer.needs import QEMU, needed
from tests.layer.roots import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layer.assembly import Architecture
    from tests.layer.built import Layers

pytestmark = pytest.mark.timeout(300)
EMULATORS: dict[Architecture, list[str]] = {"x86_64": [], "arm64": [QEMU]}
HARMLESS = {
    "AWS_REGION": "eu-central-1",
    "LDAP_HOST": "a",
    "PYTHO": "b",
    "TZ": "UTC",
    "SSL_CERT_FILE": "/c",
    "LANGUAGES": "d",
}
OURS = {"LC_ALL": "C", "MALLOC_ARENA_MAX": "1", "OPENSSL_CONF": ""}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Make a sandbox whose /opt has, in the interpreter's place, a script that tells how it was started."""
    sandbox = Sandbox()
    program = sandbox.folder / "opt" / "sidekey" / "bin" / "python3.13"
    program.parent.mkdir(parents=True)
    write_script(
        program,
        f'#!/bin/sh\nprintf "%s\\n" "$@" >{sandbox.folder}/arguments\nenv >{sandbox.folder}/variables\n'
        f"ulimit -c >{sandbox.folder}/core\n",
    )
    with sandbox:
        yield sandbox


def launch(sandbox: Sandbox, command: list[str], environment: dict[str, str]) -> None:
    """Run a command inside, and wait for its end."""
    ended = sandbox.folder / "ended"
    os.mkfifo(ended)
    script = ["/bin/sh", "-c", f'ulimit -S -c $(ulimit -H -c); "$@"; echo >{ended}', "sh", *command]
    sandbox.spawn(script, environment, sandbox.folder, sandbox.folder / "output")
    ended.read_text()


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_starts_the_interpreter_apart_from_the_image(
    built: Layers, sandbox: Sandbox, architecture: Architecture
) -> None:
    """Isolated, without site, writing no bytecode, unbuffered, in UTF-8; the last argument is the file's own name."""
    extension = place(built, sandbox, architecture)

    launch(sandbox, [*map(str, map(needed, EMULATORS[architecture])), str(extension)], {"PATH": "/usr/bin:/bin"})

    arguments = (sandbox.folder / "arguments").read_text().split("\n")[:-1]
    assert arguments == ["-I", "-S", "-B", "-u", "-X", "utf8=1", "/opt/sidekey/boot.pyc", "side key.v2"]
    assert (sandbox.folder / "core").read_text() == "0\n"  # a core dump would hold every secret


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_keeps_what_harms_nobody(built: Layers, sandbox: Sandbox, architecture: Architecture) -> None:
    """Settings, credentials and proxies pass; what steers loaders, C libraries, interpreters and OpenSSL does not."""
    extension = place(built, sandbox, architecture)
    loader = {"LD_PRELOAD": "", "LD_LIBRARY_PATH": "/hostile"}

    environment = {**HOSTILE, **loader, **HARMLESS, "PATH": "/usr/bin:/bin"}
    launch(sandbox, [*map(str, map(needed, EMULATORS[architecture])), str(extension)], environment)

    variables = dict(line.split("=", 1) for line in (sandbox.folder / "variables").read_text().splitlines())
    shell = {"PWD", "OLDPWD", "SHLVL", "_", "PATH"}
    assert {name: value for name, value in variables.items() if name not in shell} == {**HARMLESS, **OURS}


def place(built: Layers, sandbox: Sandbox, architecture: Architecture) -> Path:
    """Put the launcher into /opt/extensions under another name, as a customer may."""
    extension = sandbox.folder / "opt" / "extensions" / "side key.v2"
    extension.write_bytes((built.opt(architecture) / "extensions" / "sidekey").read_bytes())
    extension.chmod(0o755)
    return extension
