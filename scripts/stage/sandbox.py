"""A sandbox: private user, mount, network and process namespaces, so that runs neither meet nor leave anything.

Law: whatever was started inside ends with the sandbox, and the sandbox ends with us, even if we are killed.
Works as root and without.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

INSIDE = Path(__file__).with_name("inside.py")
NAMESPACES = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
START_SECONDS = 20
END_SECONDS = 5
CAP_SYS_ADMIN = 21


class SandboxError(Exception):
    """The sandbox cannot be had, or refused something; the message says why and what to do."""


class Sandbox:
    """Private namespaces whose /opt is `folder/opt`; `folder` is removed at the end."""

    def __init__(self) -> None:
        """Prepare the folder; `start` (or `with`) makes the namespaces."""
        self.folder = Path(tempfile.mkdtemp(prefix="sidekey-"))
        (self.folder / "opt" / "extensions").mkdir(parents=True)
        self._turn = Lock()  # one question at a time
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start."""
        try:
            return self.start()
        except BaseException:
            self.end()
            raise

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End."""
        self.end()

    def start(self) -> Self:
        """Make the namespaces and wait until they are set up."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        ours.settimeout(START_SECONDS)
        with theirs:
            self._process = _unshared(theirs.fileno(), self.folder / "opt")
        try:
            said = ours.recv(1 << 16)
        except TimeoutError:
            said = b""
        if said != b"{}":
            raise SandboxError(self._complaint(said))
        return self

    def end(self) -> None:
        """End all that runs inside, and remove the folder."""
        if self._control:
            self._control.close()  # process 1 ends at this, and the kernel ends all others before it is gone
        if self._process:
            _buried(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, port: int, seconds: float | None = 30) -> socket.socket:
        """Connect to a port of the inner 127.0.0.1."""
        link = self._socket({"do": "socket"})
        link.settimeout(seconds)
        try:
            link.connect(("127.0.0.1", port))
        except OSError:
            link.close()
            raise
        return link

    def listen(self, port: int) -> socket.socket:
        """Listen on the inner 127.0.0.1, to be served from out here."""
        return self._socket({"do": "listen", "port": port})

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], folder: Path, output: Path) -> int:
        """Start a process inside with exactly `env`; return its inner process id."""
        answer, _none = self._ask(
            {"do": "spawn", "argv": [*argv], "env": {**env}, "folder": str(folder), "output": str(output)}
        )
        return int(answer["pid"])

    def signal(self, pid: int, number: signal.Signals) -> bool:
        """Send a signal to an inner process; False if there is none."""
        return bool(self._ask({"do": "signal", "pid": pid, "number": int(number)})[0]["alive"])

    def alive(self, pid: int) -> bool:
        """Tell whether an inner process is still there."""
        return bool(self._ask({"do": "signal", "pid": pid, "number": 0})[0]["alive"])

    def _socket(self, request: dict[str, Any]) -> socket.socket:
        """Ask for something that comes as a socket."""
        return socket.socket(fileno=self._ask(request)[1][0])

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """Have process 1 do something; its refusal is an OSError, as it would be here."""
        assert self._control is not None, "the sandbox has not been started"
        with self._turn:
            self._control.send(json.dumps(request).encode())
            said, descriptors, _flags, _address = socket.recv_fds(self._control, 1 << 16, 1)
        answer = json.loads(said or b'{"error": "the sandbox has ended"}')
        if "error" in answer:
            raise OSError(answer["error"])
        return answer, descriptors

    def _complaint(self, said: bytes) -> str:
        """Say why there are no namespaces."""
        assert self._process is not None
        self._process.kill()
        _nothing, errors = self._process.communicate()
        reason = json.loads(said).get("error") if said else (errors.strip().splitlines() or ["no reason given"])[-1]
        return (
            f"This machine does not let us make private namespaces ({reason}): "
            "allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0), "
            "run as root, or start the container with --privileged."
        )


def _buried(process: subprocess.Popen[str]) -> None:
    """Wait for the end of the namespaces; kill what does not end."""
    try:
        process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # --kill-child takes process 1 along
        process.communicate()


def may_make_namespaces() -> bool:
    """Tell whether we hold CAP_SYS_ADMIN: root in a container often does not."""
    status = Path("/proc/self/status").read_text()
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    return bool(effective >> CAP_SYS_ADMIN & 1)


def _unshared(control_fd: int, new_opt: Path) -> subprocess.Popen[str]:
    """Start process 1 in namespaces of its own; if we may not, in a user namespace that makes us root inside."""
    user = [] if may_make_namespaces() else ["--user", "--map-root-user"]
    command = [sys.executable, "-I", "-S", "-B", str(INSIDE), str(control_fd), str(new_opt)]
    try:
        return subprocess.Popen(
            ["unshare", *user, *NAMESPACES, *command],
            pass_fds=[control_fd],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    except FileNotFoundError:
        msg = "The command `unshare` is missing: install the package util-linux."
        raise SandboxError(msg) from None
