"""Brings every locked file into one folder and checks it, once.

Law: a file in the folder has the locked hash; anything else is fetched anew or refused.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Literal

from layer.assembly import BuildError
from layer.assembly.lock import RENEW
from layer.assembly.mirrors import addresses, mirrors
from layer.assembly.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from layer.assembly import Architecture
    from layer.assembly.lock import Locked

TIMEOUT_SECONDS = 60


def bring(entries: Iterable[Locked], folder: Path) -> dict[Locked, Path]:
    """Return the file of each entry, fetching what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {entry: folder / entry.file_name for entry in entries}
    missing = [entry for entry, path in places.items() if not path.exists() or sha256(path) != entry.sha256]
    packages = [entry for entry in missing if entry.kind == "package"]
    bases = mirrors() if packages else ()
    for entry in packages:
        fetch_package(entry, addresses(bases, entry.path), places[entry])
    for group in group_wheels(entry for entry in missing if entry.kind != "package"):
        fetch_wheels(group, folder)
    return places


def sha256(path: Path) -> str:
    """Return a file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_address(address: str) -> bytes:
    """Return what lies at `address`."""
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - apt's own mirrors
        return bytes(answer.read())


def fetch_package(entry: Locked, places: list[str], target: Path, read: Callable[[str], bytes] = read_address) -> None:
    """Write a Debian package to `target`, from the first place that has it."""
    name = f"{entry.name} {entry.version} ({entry.architecture})"
    content, reasons = _first(places, read)
    if content is None:
        gone = reasons and all(isinstance(reason, urllib.error.HTTPError) and reason.code == 404 for reason in reasons)  # noqa: PLR2004
        said = f"is no longer on this machine's mirrors; {RENEW}" if gone else f"cannot be fetched: {reasons[-1]}"
        msg = f"the package {name} {said}"
        raise BuildError(msg)
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        msg = f"the package {name} is not the one that was locked (its SHA-256 differs): nothing is built from it"
        raise BuildError(msg)
    partial = target.with_name(f".{target.name}.partial")
    partial.write_bytes(content)
    partial.replace(target)


def _first(places: list[str], read: Callable[[str], bytes]) -> tuple[bytes | None, list[OSError]]:
    reasons: list[OSError] = []
    for place in places:
        try:
            return read(place), reasons
        except OSError as error:  # urllib's errors are OSErrors
            reasons.append(error)
    return None, reasons


def group_wheels(entries: Iterable[Locked]) -> list[list[Locked]]:
    """Group wheels so that each group can be asked for at once: by kind and architecture."""
    groups: dict[tuple[str, str], list[Locked]] = {}
    for entry in entries:
        groups.setdefault((entry.kind, entry.architecture), []).append(entry)
    return list(groups.values())


def fetch_wheels(group: list[Locked], folder: Path) -> None:
    """Let pip download and check wheels of one kind and architecture."""
    requirements = folder / f"{group[0].kind}-{group[0].architecture}.txt"
    lines = [f"{entry.name}=={entry.version} --hash=sha256:{entry.sha256}" for entry in group]
    requirements.write_text("\n".join(lines) + "\n")
    pip_download(["--require-hashes", "-r", str(requirements), *pip_target(group[0].architecture)], folder)


def pip_target(architecture: Architecture | Literal["all"]) -> list[str]:
    """Return pip's options for wheels that the layer's interpreter can load."""
    options = ["--python-version", "3.13", "--implementation", "cp", "--abi", "cp313", "--abi", "abi3", "--abi", "none"]
    tags = ["any"] if architecture == "all" else PLATFORMS[architecture].wheel_tags
    return [*options, *(part for tag in tags for part in ("--platform", tag))]


def pip_download(arguments: list[str], folder: Path) -> None:
    """Run `pip download` into `folder`, wheels only."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), *arguments]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PIP_NO_INPUT": "1"}
    )
    if answer.returncode:
        raise BuildError(explain_pip(answer.stderr))


def explain_pip(complaint: str) -> str:
    """Return in one sentence why pip could not bring the wheels."""
    if "DO NOT MATCH THE HASHES" in complaint:
        return "a wheel is not the one that was locked (its SHA-256 differs): nothing is built from it"
    if "No matching distribution" in complaint:
        return f"a locked wheel is no longer in the package registry; {RENEW}"
    lines = [line for line in complaint.splitlines() if line.strip()]
    return f"pip cannot download the locked wheels: {lines[-1] if lines else 'it gave no reason'}"
