"""Gathers the licences of everything that the layer carries, and what they are called.

Law: each package's own words go along, with the common texts that they refer to.
"""

from __future__ import annotations

import re
from email.parser import Parser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMON = "usr/share/common-licenses"
_REFERENCE = re.compile(rf"/{_COMMON}/([A-Za-z0-9.-]*[A-Za-z0-9])")

_GCC, _PYTHON = "GPL-3.0-or-later WITH GCC-exception-3.1", "PSF-2.0"
_TOLD_IN_PROSE = {
    "gcc-14-base": _GCC,
    "libgcc-s1": _GCC,
    "libpython3.13-minimal": _PYTHON,
    "libpython3.13-stdlib": _PYTHON,
    "python3.13-minimal": _PYTHON,
}
"""Packages whose copyright file is not machine-readable, and what it says."""


def place_licences(root: Path, wheels: Path, target: Path) -> None:
    """Write one file per package, and the common texts."""
    target.mkdir(parents=True)
    for name, text in (*_package_licences(root), *_wheel_licences(wheels)):
        (target / f"{name}.txt").write_text(text)
    mentioned = {name for path in target.iterdir() for name in _REFERENCE.findall(path.read_text())}
    for name in sorted(mentioned):
        common = root / _COMMON / name
        if common.is_file():
            (target / name).write_text(common.read_text())


def _package_licences(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((root / "usr/share/doc").glob("*/copyright")):
        yield path.parent.name, path.read_text(errors="replace")


def _wheel_licences(wheels: Path) -> Iterator[tuple[str, str]]:
    for folder in sorted(wheels.glob("*.dist-info")):
        texts = (path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if _is_licence(path))
        yield folder.name.partition("-")[0], "\n".join(texts)


def _is_licence(path: Path) -> bool:
    return path.is_file() and path.name.upper().startswith(("LICENSE", "LICENCE", "NOTICE", "COPYING"))


def package_terms(root: Path, name: str) -> list[str]:
    """Return the short names of a Debian package's licences."""
    if name in _TOLD_IN_PROSE:
        return [_TOLD_IN_PROSE[name]]
    text = (root / "usr/share/doc" / name / "copyright").read_text(errors="replace")
    return sorted({line[9:].strip() for line in text.splitlines() if line.startswith("License: ")})


def wheel_terms(wheels: Path, name: str, version: str) -> list[str]:
    """Return a wheel's licence, as its metadata says it."""
    metadata = Parser().parsestr((wheels / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA").read_text())
    said = metadata["License-Expression"] or metadata["License"]
    return [said.splitlines()[0]] if said else []
