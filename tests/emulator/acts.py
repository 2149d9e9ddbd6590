"""What the emulator tests are made of."""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from scripts.stage.stage import RUNTIME_PORT, Function

if TYPE_CHECKING:
    from typing import Self

    from scripts.stage.sandbox import Sandbox

PROBE = Function([sys.executable, "-m", "awslambdaric", "app.handler"], Path(__file__).with_name("probe"))
DEBUG = {"PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "debug"}
API_KEY = "/value?ref=secretsmanager://demo/api-key"
TAP_PORT = 9002


class Tap:
    """Stands between the extension and the Extensions API inside a sandbox, and keeps what was asked."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.asked = b""
        self._sandbox = sandbox

    def __enter__(self) -> Self:
        """Listen."""
        self._listener = self._sandbox.listen(TAP_PORT)
        self._thread = Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; what is being passed on ends with the sandbox."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the end
            while True:
                near, _peer = self._listener.accept()
                far = self._sandbox.connect(RUNTIME_PORT, seconds=None)
                Thread(target=self._pass_on, args=(near, far, True), daemon=True).start()
                Thread(target=self._pass_on, args=(far, near, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, keep: bool) -> None:
        with source, target, contextlib.suppress(OSError):  # one side has ended
            while piece := source.recv(65536):
                self.asked += piece if keep else b""
                target.sendall(piece)


def through_tap(script: str) -> str:
    """Make an extension's script talk to the tap."""
    return script.replace("exec ", f"export AWS_LAMBDA_RUNTIME_API=127.0.0.1:{TAP_PORT}\nexec ", 1)


def noting_its_status(script: str, exits: Path) -> str:
    """Make an extension's script note the exit status; one that is killed notes nothing."""
    return script.replace("exec ", "", 1) + f"echo $? >>{exits}\n"
