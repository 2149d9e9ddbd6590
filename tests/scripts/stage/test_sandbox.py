"""Sandboxes: private, controllable, gone when they end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.stage.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Make a sandbox."""
    with Sandbox() as made:
        yield made


def test_connects_and_listens_inside(sandbox: Sandbox) -> None:
    """Sockets are handed out: both ends are held here, and the connection is in there."""
    with sandbox.listen(2773) as listener, sandbox.connect(2773) as near:
        far, _peer = listener.accept()
        with far:
            far.sendall(b"hello")

            assert near.recv(10) == b"hello"


def test_ports_of_two_sandboxes_do_not_meet(sandbox: Sandbox) -> None:
    """The same port is free in each."""
    with Sandbox() as other, sandbox.listen(2773) as one, other.listen(2773) as two:
        assert one.getsockname() == two.getsockname()


def test_a_taken_port_is_an_error_here(sandbox: Sandbox) -> None:
    """What is refused inside is refused here."""
    with sandbox.listen(2773), pytest.raises(OSError, match="in use"):
        sandbox.listen(2773)


def test_runs_with_exactly_the_given_environment(sandbox: Sandbox) -> None:
    """Nothing of ours leaks in, and output goes to its file."""
    output = sandbox.folder / "output"

    pid = sandbox.spawn(["/bin/sh", "-c", "env; pwd; ls /opt"], {"A": "1"}, Path("/usr"), output)
    _ended(sandbox, pid)

    lines = output.read_text().split()
    assert {"A=1", "/usr", "extensions"} <= set(lines)
    assert "HOME" not in output.read_text()


def test_signals_inner_processes(sandbox: Sandbox) -> None:
    """A process is there until it is killed."""
    pid = sandbox.spawn(["sleep", "1000"], ENVIRONMENT, Path("/"), sandbox.folder / "output")

    assert sandbox.signal(pid, signal.SIGKILL)
    _ended(sandbox, pid)
    assert not sandbox.signal(pid, signal.SIGKILL)


def test_leaves_neither_process_nor_folder() -> None:
    """When it ends, what it ran ends with it."""
    with Sandbox() as sandbox:
        folder = sandbox.folder
        sandbox.spawn(["sh", "-c", "sleep 1000; :", str(folder)], ENVIRONMENT, Path("/"), folder / "output")
        assert str(folder) in _command_lines()

    assert not folder.exists()
    assert str(folder) not in _command_lines()


def _ended(sandbox: Sandbox, pid: int) -> None:
    patience = time.monotonic() + 20
    while sandbox.alive(pid):
        assert time.monotonic() < patience


def _command_lines() -> str:
    lines = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return b"\n".join(lines).decode(errors="replace")
