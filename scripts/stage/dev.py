"""`make dev`: the extension as a sidecar of this machine, with a sample AWS, its endpoint open until Ctrl-C.

Law: it listens on loopback alone, and nothing of it is left afterwards.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

from scripts.stage.aws import CREDENTIALS, REGION, SAMPLE_REFERENCES, SampleAws
from scripts.stage.emulator import ROOT
from scripts.stage.paint import Paint

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
PASSED_ON = ("PARAMETERS_SECRETS_EXTENSION_", "SIDEKEY_", "SECRETS_MANAGER_", "SSM_PARAMETER_STORE_")
TARGETS = (
    "/value?ref=secretsmanager://demo/database%23password",
    "/secretsmanager/get?secretId=demo/database",
    "/systemsmanager/parameters/get?name=/demo/licence&withDecryption=true",
    "/systemsmanager/parameters/by-path?path=/demo/limits/&withDecryption=true",
    "/status",
)


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; return the extension's own status if it ends before."""
    state = SimpleNamespace(asked=False, process=None)

    def end(*_: object) -> None:
        state.asked = True
        if state.process is not None:
            state.process.terminate()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with SampleAws() as aws:
        aws.fill()
        if state.asked:
            return os.EX_OK
        # A session of its own: Ctrl-C reaches the extension through `end`, once.
        state.process = subprocess.Popen(command(), env=environment(aws.endpoint, os.environ), start_new_session=True)
        print(*hints(Paint.of(sys.stdout, os.environ), os.environ.get(PORT, "2773")), sep="\n", flush=True)
        status = state.process.wait()
    return os.EX_OK if state.asked else status or os.EX_SOFTWARE


def command() -> list[str]:
    """Return what starts the extension of this tree."""
    return [sys.executable, "-I", "-S", "-B", "-u", "-X", "utf8", str(ROOT / "layer" / "boot.py"), "sidekey"]


def environment(endpoint: str, ours: Mapping[str, str]) -> dict[str, str]:
    """Return the extension's environment: the sample AWS, and the settings somebody tries out."""
    tried = {name: value for name, value in ours.items() if name.startswith(PASSED_ON)}
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "PATH": ours.get("PATH", os.defpath),
        "SIDEKEY_PREFETCH": ",".join(SAMPLE_REFERENCES),
        **tried,
    }


def hints(paint: Paint, port: str) -> list[str]:
    """Say what to try."""
    token = f"X-Aws-Parameters-Secrets-Token: {CREDENTIALS['AWS_SESSION_TOKEN']}"
    lines = [f"  curl -H '{token}' 'http://127.0.0.1:{port}{target}'" for target in TARGETS]
    return [
        "",
        paint("  Sidekey", "bold") + f" listens on 127.0.0.1:{port}; try",
        "",
        *lines,
        "",
        paint("  Ctrl-C ends it.", "dim"),
        "",
    ]
