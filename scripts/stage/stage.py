"""One function on stage: the emulator in a sandbox, the extension attached, a sample AWS in reach.

    invoke ──► emulator :8080 ──► extension (bind, register) ──► runtime ──► function
                                       └──► moto :5000 (served out here, listening in there)

Law: processes start with exactly the environment they are given; nothing of ours leaks in.
"""

from __future__ import annotations

import compileall
import json
import os
import re
import shlex
import signal
import sys
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.stage.aws import CREDENTIALS, REGION
from scripts.stage.emulator import ROOT, fetch
from scripts.stage.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from scripts.stage.aws import SampleAws

FUNCTIONS = ROOT / "scripts" / "functions"
AWS_PORT, EMULATOR_PORT, RUNTIME_PORT, SIDEKEY_PORT = 5000, 8080, 9001, 2773
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 20
SHUTDOWN_SECONDS = 2.0  # what Lambda gives an extension before it kills
PHASE = re.compile(r"phase (\w+) at (\d+\.\d+)")


@dataclass(frozen=True)
class Function:
    """A function to run: its command (the last word is the handler) and the folder it runs in."""

    command: Sequence[str]
    folder: Path = ROOT


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    sent_at: float
    seconds: float

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)


@dataclass
class Stage:
    """Everything around one function; `with` starts the emulator, whose first invoke starts the rest."""

    function: Function
    aws: SampleAws
    settings: Mapping[str, str] = field(default_factory=dict)
    attached: bool = True
    token: str = CREDENTIALS["AWS_SESSION_TOKEN"]

    def __post_init__(self) -> None:
        """Prepare the sandbox's files."""
        self.sandbox = Sandbox()
        self.folder = self.sandbox.folder
        if self.attached:
            self.attach("sidekey", extension_script(self.folder))
        write_script(self.folder / "runtime", runtime_script(self.folder))

    def __enter__(self) -> Self:
        """Raise the curtain: sandbox, AWS, emulator."""
        compileall.compile_dir(ROOT / "extension", quiet=2)  # as a layer ships bytecode
        self.sandbox.__enter__()
        try:
            self.door = self.aws.serve(self.sandbox.listen(AWS_PORT))
            self.emulator = self._start_emulator()
        except BaseException:
            self.sandbox.end()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End everything at once."""
        self.sandbox.end()
        self.door.close()

    def attach(self, name: str, script: str) -> None:
        """Put an extension into /opt/extensions."""
        write_script(self.folder / "opt" / "extensions" / name, script)

    def environment(self) -> dict[str, str]:
        """Return the environment of the emulator, which its children inherit."""
        return {
            **CREDENTIALS,
            "AWS_SESSION_TOKEN": self.token,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{AWS_PORT}",
            "AWS_LAMBDA_FUNCTION_NAME": "demo",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "20",
            "AWS_REGION": REGION,
            "LANG": "C.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            **self.settings,
        }

    def command(self) -> list[str]:
        """Return the emulator's command line, which ends in the function's own."""
        options = ["--log-level", "warn", "--runtime-api-address", f"127.0.0.1:{RUNTIME_PORT}"]
        address = ["--runtime-interface-emulator-address", f"127.0.0.1:{EMULATOR_PORT}"]
        return [str(fetch()), *options, *address, str(self.folder / "runtime"), *self.function.command]

    def invoke(self, event: object = None) -> Answer:
        """Invoke the function once and wait for its answer."""
        path = "/2015-03-31/functions/function/invocations"
        return self._http(EMULATOR_PORT, "POST", path, {}, json.dumps(event or {}).encode())

    def read(self, target: str, **headers: str) -> Answer:
        """Ask the extension, as the function would."""
        return self._http(SIDEKEY_PORT, "GET", target, {"X-Aws-Parameters-Secrets-Token": self.token, **headers})

    def phases(self) -> dict[str, float]:
        """Return when the extension (last started) reached each phase; it tells at log level debug."""
        return {name: float(at) for name, at in PHASE.findall(self.log() + self.extension_log())}

    def runtime_starts(self) -> list[float]:
        """Return when the function's runtime was started, each time."""
        return [float(line) for line in self._text("runtime.starts").split()]

    def extension_starts(self) -> list[int]:
        """Return the inner process ids of the extension, each time it was started."""
        return [int(line) for line in self._text("extension.pids").split()]

    def extension_log(self) -> str:
        """Return what the extension wrote."""
        return self._text("extension.log")

    def log(self) -> str:
        """Return what the emulator and the function wrote."""
        return self._text("emulator.log")

    def signal_extension(self, number: signal.Signals) -> None:
        """Send a signal to the extension's process."""
        self.sandbox.signal(self.extension_starts()[-1], number)

    def shut_down(self) -> float:
        """End as Lambda does, by SHUTDOWN; return the seconds until the extension and the emulator were gone."""
        begun = time.monotonic()
        self.sandbox.signal(self.emulator, signal.SIGTERM)
        self.wait(lambda: not self.sandbox.alive(self.emulator), "the emulator's end")
        return time.monotonic() - begun

    def wait(self, happened: Callable[[], bool], what: str) -> None:
        """Wait until something has happened."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            if time.monotonic() > patience:
                msg = f"waited {PATIENCE_SECONDS} s for {what} in vain\n{self.log()}\n{self.extension_log()}"
                raise TimeoutError(msg)
            time.sleep(POLL_SECONDS)

    def _start_emulator(self) -> int:
        """Start the emulator and wait until it listens."""
        pid = self.sandbox.spawn(self.command(), self.environment(), self.function.folder, self.folder / "emulator.log")
        self.wait(lambda: self._listens(EMULATOR_PORT), "the emulator")
        return pid

    def _listens(self, port: int) -> bool:
        """Tell whether somebody listens on a port of the sandbox."""
        try:
            self.sandbox.connect(port).close()
        except OSError:
            return False
        return True

    def _http(self, port: int, method: str, target: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        """Make one request into the sandbox, over a connection of its own."""
        connection = HTTPConnection("127.0.0.1", port)
        sent_at, begun = time.time(), time.monotonic()
        connection.sock = self.sandbox.connect(port, seconds=60)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read()
            seconds = time.monotonic() - begun
            return Answer(response.status, content, dict(response.getheaders()), sent_at, seconds)
        finally:
            connection.close()

    def _text(self, name: str) -> str:
        """Return a file of the sandbox's folder, empty if it is not there yet."""
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""


def extension_script(folder: Path, *, python: str = sys.executable) -> str:
    """Return the file for /opt/extensions that runs the extension of this tree, its output kept apart."""
    pids, log = shlex.quote(str(folder / "extension.pids")), shlex.quote(str(folder / "extension.log"))
    command = shlex.join([python, "-I", "-S", "-B", "-u", "-X", "utf8", str(ROOT / "layer" / "boot.py")])
    return f'#!/bin/sh\necho $$ >>{pids}\nexec {command} "${{0##*/}}" >>{log} 2>&1\n'


def runtime_script(folder: Path) -> str:
    """Return the script that notes when the runtime is started, and becomes it."""
    return f'#!/bin/sh\ndate +%s.%N >>{shlex.quote(str(folder / "runtime.starts"))}\nexec "$@"\n'


def write_script(path: Path, text: str) -> None:
    """Write an executable file."""
    path.write_text(text)
    path.chmod(0o755)
