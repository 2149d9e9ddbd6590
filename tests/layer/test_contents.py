"""What the built layers hold, and what not."""

from __future__ import annotations

import hashlib
import json
import marshal
import zipfile
from typing import TYPE_CHECKING

import pytest

from layer.assembly import ARCHITECTURES, REPOSITORY, Architecture, elf
from layer.assembly.lock import read_lock
from layer.assembly.platforms import PLATFORMS
from layer.assembly.report import MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.layer.built import Layers

each = pytest.mark.parametrize("architecture", ARCHITECTURES)
pytestmark = pytest.mark.timeout(300)


def binaries(opt: Path) -> dict[str, bytes]:
    """Return the content of every ELF file by name."""
    contents = {path.name: path.read_bytes() for path in opt.rglob("*") if path.is_file()}
    return {name: content for name, content in contents.items() if elf.is_elf(content)}


@each
def test_lies_in_its_two_places(built: Layers, architecture: Architecture) -> None:
    """One file in extensions/, for Lambda starts all that is there; everything else under sidekey/."""
    names = zipfile.ZipFile(built.zip(architecture)).namelist()

    assert [name for name in names if not name.startswith("sidekey/")] == ["extensions/sidekey"]
    assert names == sorted(names)


@each
def test_has_two_modes_and_one_time(built: Layers, architecture: Architecture) -> None:
    """Whoever unpacks it can read all and run programs, and no time of day is in it."""
    entries = zipfile.ZipFile(built.zip(architecture)).infolist()

    assert {entry.external_attr >> 16 for entry in entries} == {0o100644, 0o100755}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert (built.opt(architecture) / "extensions" / "sidekey").stat().st_mode & 0o777 == 0o755


@each
def test_keeps_to_its_weight(built: Layers, architecture: Architecture) -> None:
    """12 MB to download and 32 MB on disk are the most that a function is asked to carry."""
    archive = built.zip(architecture)

    assert archive.stat().st_size <= MAX_ZIPPED_BYTES == 12_000_000
    assert sum(entry.file_size for entry in zipfile.ZipFile(archive).infolist()) <= MAX_UNZIPPED_BYTES == 32_000_000


@each
def test_finds_every_library_inside(built: Layers, architecture: Architecture) -> None:
    """Nothing that any binary asks the loader for is left to the image."""
    found = binaries(built.opt(architecture))

    asked = {name for content in found.values() for name in elf.needed(content)}
    assert asked <= found.keys()


@each
def test_is_for_one_architecture(built: Layers, architecture: Architecture) -> None:
    """Every binary is for the architecture that the zip is named after."""
    machines = {elf.machine(content) for content in binaries(built.opt(architecture)).values()}

    assert machines == {PLATFORMS[architecture].machine}


@each
def test_brings_its_own_loader(built: Layers, architecture: Architecture) -> None:
    """The interpreter is started by the layer's loader, and the launcher by none."""
    found = binaries(built.opt(architecture))

    assert elf.interpreter(found["python3.13"]) == f"/opt/sidekey/lib/{PLATFORMS[architecture].loader}"
    assert elf.interpreter(found["sidekey"]) is None
    assert len(found["sidekey"]) < 10_000


@each
def test_carries_no_sources(built: Layers, architecture: Architecture) -> None:
    """Bytecode alone, which is never checked against a source: nothing is compiled at a cold start."""
    opt = built.opt(architecture)

    assert not list(opt.rglob("*.py"))
    assert {path.read_bytes()[4:8] for path in opt.rglob("*.pyc")} == {b"\1\0\0\0"}


@each
def test_bundles_every_module_of_the_extension(built: Layers, architecture: Architecture) -> None:
    """The bundles have each module once, the entry point last of those that run before `register`."""
    home = built.opt(architecture) / "sidekey"
    start, serve, rest = (marshal.loads((home / f"{name}.bundle").read_bytes()) for name in ("start", "serve", "rest"))
    sources = [*(REPOSITORY / "extension").rglob("*.py"), "__future__"]

    assert len(start) + len(serve) + len(rest) == len(sources)
    assert (start[0][1], start[-1][0], start[-1][1]) == (True, "extension.__main__", False)


@each
def test_carries_both_sets_of_authorities(built: Layers, architecture: Architecture) -> None:
    """Amazon's five roots lie ready hashed, the full bundle where OpenSSL looks by itself."""
    home = built.opt(architecture) / "sidekey"

    assert len(list((home / "extension/upstream/roots").glob("*.0"))) == 5
    assert (home / "cert.pem").read_text().count("BEGIN CERTIFICATE") > 100
    assert b"/opt/sidekey/cert.pem\0" in (home / "lib/libcrypto.so.3").read_bytes()


@each
def test_carries_the_licences(built: Layers, architecture: Architecture) -> None:
    """Whoever passes the layer on passes on what its parts demand."""
    licences = built.opt(architecture) / "sidekey/licences"
    carried = {entry.name.replace("-", "_") for entry in read_lock() if entry.kind != "tool"}

    assert carried <= {path.stem.replace("-", "_") for path in licences.iterdir()}
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (licences / "LGPL-2.1").read_text()


@each
def test_lists_its_materials(built: Layers, architecture: Architecture) -> None:
    """The bill names every package and wheel with version, hash, address and licence, inside and beside the zip."""
    beside = (built.dist / f"sidekey-{architecture}.cdx.json").read_text()
    bill = json.loads(beside)

    locked = {
        (entry.name, entry.version, entry.sha256)
        for entry in read_lock()
        if entry.kind != "tool" and entry.runs_on(architecture)
    }
    assert {(part["name"], part["version"], part["hashes"][0]["content"]) for part in bill["components"]} == locked
    assert all(part["purl"] and part["licenses"] for part in bill["components"])
    assert (built.opt(architecture) / "sidekey/bom.json").read_text() == beside


def test_comes_with_its_sums(built: Layers) -> None:
    """SHA256SUMS has the hash of every file beside it."""
    listed = dict(line.split("  ")[::-1] for line in (built.dist / "SHA256SUMS").read_text().splitlines())
    others = [path for path in built.dist.iterdir() if path.name != "SHA256SUMS"]

    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in others}
