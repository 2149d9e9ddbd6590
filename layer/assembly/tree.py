"""Lays out the folder that becomes /opt, for one architecture.

    extensions/sidekey        the launcher, alone: Lambda starts everything in that folder
    sidekey/boot.pyc          what the launcher's interpreter runs
    sidekey/*.bundle          the extension, and sidekey/extension/ its data
    sidekey/bin, lib          the interpreter, its libraries and its standard library
    sidekey/packages          what only the daemon profile imports
    sidekey/cert.pem          the full bundle of authorities; the small one is the extension's
    sidekey/licences, bom.json

Law: nothing lies outside these two places.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layer.assembly import PYTHON, REPOSITORY
from layer.assembly.binaries import Tools, bind, place_binary, place_libraries
from layer.assembly.bytecode import Jobs
from layer.assembly.closure import find, read_closure
from layer.assembly.licences import place_licences

if TYPE_CHECKING:
    from pathlib import Path

    from layer.assembly.interpreter import Interpreter
    from layer.assembly.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the unpacked parts are: Debian's root and the wheels, and what works on them."""

    platform: Platform
    root: Path
    wheels: Path
    tools: Tools
    interpreter: Interpreter

    @property
    def stdlib(self) -> Path:
        """The whole standard library."""
        return self.root / "usr/lib" / PYTHON


def lay_out(parts: Parts, folder: Path) -> None:
    """Fill `folder` (what lay there before goes)."""
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / "sidekey"
    home.mkdir(parents=True)
    parts.tools.compile_launcher(parts.platform, folder / "extensions" / "sidekey")
    place_binary(parts.root / "usr/bin" / PYTHON, home / "bin" / PYTHON, parts.platform)
    _place_modules(parts, home)
    binaries = [home / "bin" / PYTHON, *home.rglob("*.so")]
    place_libraries(parts.root / "usr/lib" / parts.platform.triplet, binaries, home / "lib", parts.platform)
    bind(home, parts.platform, parts.tools)
    _place_data(REPOSITORY / "extension", home / "extension")
    (home / "cert.pem").write_bytes(full_bundle(parts.root))
    place_licences(parts.root, parts.wheels, home / "licences")
    shutil.copyfile(REPOSITORY / "LICENSE", home / "licences" / "sidekey.txt")


def _place_modules(parts: Parts, home: Path) -> None:
    """Compile or copy every module of the closure, and bundle the extension."""
    jobs = Jobs(home)
    dynload = parts.stdlib / "lib-dynload"
    for name in read_closure():
        source = find(name, (parts.stdlib, dynload, parts.wheels))
        origin, place = (
            (parts.stdlib, f"lib/{PYTHON}") if source.is_relative_to(parts.stdlib) else (parts.wheels, "packages")
        )
        target = f"{place}/{source.relative_to(origin)}"
        if source.suffix == ".py":
            jobs.add_file(source, target)
        else:
            place_binary(source, home / target, parts.platform)
    jobs.add_file(REPOSITORY / "layer/boot.py", "boot.py")
    jobs.add_to_bundles(sorted((REPOSITORY / "extension").rglob("*.py")), REPOSITORY)
    jobs.add_to_bundles([parts.stdlib / "__future__.py"], parts.stdlib)
    jobs.run(parts.interpreter)


def _place_data(package: Path, target: Path) -> None:
    """Copy what is not code."""
    for source in sorted(package.rglob("*")):
        if source.is_file() and source.suffix not in (".py", ".pyc"):
            place = target / source.relative_to(package)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(source.read_bytes())


def full_bundle(root: Path) -> bytes:
    """Return every authority of Debian's ca-certificates as one text."""
    return b"".join(path.read_bytes() for path in sorted((root / "usr/share/ca-certificates").rglob("*.crt")))
