"""Process 1 of a sandbox: sets its namespaces up, then does what it is told over a Unix socket.

Law: it imports nothing but the standard library, and ends when the other side is gone; the kernel then ends
everything else in its process namespace. A socket belongs to the network namespace it was made in, whoever uses it:
so sockets are made here and handed out.

    inside.py CONTROL_FD NEW_OPT
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
OPT = Path("/opt")


def main(control_fd: int, new_opt: Path) -> None:
    """Prepare, say so, and obey until the other side hangs up."""
    with socket.socket(fileno=control_fd) as control:
        try:
            raise_loopback()
            cover_opt(new_opt)
        except (OSError, subprocess.CalledProcessError) as error:
            control.send(json.dumps({"error": str(error)}).encode())
            return
        control.send(b"{}")
        while request := control.recv(1 << 20):
            obey(control, json.loads(request))
    os._exit(0)  # nothing of Python's is worth tidying up


def raise_loopback() -> None:
    """Bring `lo` up: a new network namespace has it, down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def cover_opt(new_opt: Path) -> None:
    """Put `new_opt` in the place of /opt; what /opt held stays visible (a Python may live there)."""
    for entry in OPT.iterdir():
        if not (new_opt / entry.name).exists() and entry.is_dir() and not entry.is_symlink():
            (new_opt / entry.name).mkdir()
            bind(entry, new_opt / entry.name)
    bind(new_opt, OPT)


def bind(source: Path, target: Path) -> None:
    """Mount `source` over `target`, with all that is mounted below."""
    subprocess.run(["mount", "--rbind", source, target], check=True, capture_output=True)


def obey(control: socket.socket, request: dict[str, Any]) -> None:
    """Do one thing and answer it, with a descriptor where it was asked for."""
    reap()
    try:
        answer, descriptors = DUTIES[request.pop("do")](**request)
    except OSError as error:
        answer, descriptors = {"error": str(error)}, []
    socket.send_fds(control, [json.dumps(answer).encode()], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def reap() -> None:
    """Bury the processes that ended: process 1 inherits all orphans."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def make_socket() -> tuple[dict[str, Any], list[int]]:
    """Make a TCP socket that will connect inside."""
    return {}, [socket.socket(socket.AF_INET, socket.SOCK_STREAM).detach()]


def listen(port: int) -> tuple[dict[str, Any], list[int]]:
    """Make a listening socket on the inner 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    return {}, [listener.detach()]


def spawn(argv: list[str], env: dict[str, str], folder: str, output: str) -> tuple[dict[str, Any], list[int]]:
    """Start a process with exactly `env`, in `folder`, its output appended to the file `output`."""
    with Path(output).open("ab") as log:
        # Not waited for by this object: `reap` buries it.
        process = subprocess.Popen(argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return {"pid": process.pid}, []


def send_signal(pid: int, number: int) -> tuple[dict[str, Any], list[int]]:
    """Send a signal to an inner process; `alive` tells whether it was there."""
    try:
        os.kill(pid, signal.Signals(number) if number else 0)
    except ProcessLookupError:
        return {"alive": False}, []
    return {"alive": True}, []


DUTIES: dict[str, Callable[..., tuple[dict[str, Any], list[int]]]] = {
    "socket": make_socket,
    "listen": listen,
    "spawn": spawn,
    "signal": send_signal,
}

if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
