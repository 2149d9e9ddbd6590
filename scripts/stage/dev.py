"""`make dev`: the extension as a sidecar of this machine, with a sample AWS, its endpoint open until Ctrl-C.

Law: it listens on loopback alone, and nothing of it is left afterwards.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
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


class EndError(Exception):
    """Somebody asked us to end, by Ctrl-C or SIGTERM."""


def main() -> int:
    """Serve until somebody asks us to end; return the extension's own status if it ends before."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        with SampleAws() as aws:
            aws.fill()
            return serve(environment(aws.endpoint, os.environ))
    except EndError:
        return os.EX_OK


def _end(*_: object) -> None:
    """Unwind once; a second Ctrl-C does not disturb that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise EndError


def serve(env: Mapping[str, str]) -> int:
    """Run the extension, say what to try once it listens, and return its status."""
    # A session of its own: Ctrl-C reaches the extension through us, as SIGTERM.
    process = subprocess.Popen(command(), env=env, start_new_session=True)
    try:
        port = int(env.get(PORT, "2773"))
        while process.poll() is None and not listens(port):
            time.sleep(0.02)
        if process.returncode is None:
            print(*hints(Paint.of(sys.stdout, os.environ), port), sep="\n", flush=True)
        return process.wait() or os.EX_SOFTWARE
    finally:
        process.terminate()
        process.wait()


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


def listens(port: int) -> bool:
    """Tell whether somebody listens on this machine's loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def hints(paint: Paint, port: int) -> list[str]:
    """Say what to try."""
    token = f"X-Aws-Parameters-Secrets-Token: {CREDENTIALS['AWS_SESSION_TOKEN']}"
    return [
        "",
        paint("  Sidekey", "bold") + f" listens on 127.0.0.1:{port}, a sample AWS behind it. Try",
        "",
        *(f"  curl -H '{token}' 'http://127.0.0.1:{port}{target}'" for target in TARGETS),
        "",
        paint("  Ctrl-C ends it.", "dim"),
        "",
    ]
