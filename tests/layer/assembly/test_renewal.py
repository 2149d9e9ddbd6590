"""What a new lock is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layer.assembly.lock import Locked
from layer.assembly.renewal import SUITE, locked_wheel, parse_stanza, source

if TYPE_CHECKING:
    from pathlib import Path

STANZA = """Package: zlib1g
Architecture: arm64
Version: 1:1.3.dfsg-1
Description: compression library
 not: a field
Filename: pool/main/z/zlib/zlib1g_1.3.dfsg-1_arm64.deb
SHA256: 0e41
"""
TEMPLATE = Locked(kind="wheel", name="", version="", architecture="arm64", path="", sha256="")


def test_reads_a_stanza_of_an_index() -> None:
    """Name, version, place and hash come from the signed index."""
    assert parse_stanza(STANZA) == Locked(
        kind="package",
        name="zlib1g",
        version="1:1.3.dfsg-1",
        architecture="arm64",
        path="pool/main/z/zlib/zlib1g_1.3.dfsg-1_arm64.deb",
        sha256="0e41",
    )


def test_knows_packages_for_all_architectures() -> None:
    """Debian's `all` goes into both layers."""
    assert parse_stanza(STANZA.replace("arm64", "all")).architecture == "all"


def test_asks_each_archive_for_its_suite() -> None:
    """Security updates have an archive and a suite of their own; only Debian's keys are believed."""
    assert f"Suites: {SUITE}-security\n" in source("http://mirror.test/debian-security")
    assert f"Suites: {SUITE}\n" in source("http://mirror.test/debian")
    assert "Signed-By: " in source("http://mirror.test/debian")


def test_locks_a_wheel_by_its_name_and_hash(tmp_path: Path) -> None:
    """A wheel for any machine is locked once for both architectures."""
    wheel = tmp_path / "some_thing-1.2-py3-none-any.whl"
    wheel.write_bytes(b"")

    entry = locked_wheel(wheel, TEMPLATE)

    assert (entry.name, entry.version, entry.architecture, entry.path) == ("some-thing", "1.2", "all", wheel.name)
    assert entry.sha256.startswith("e3b0c442")


def test_locks_a_binary_wheel_for_its_architecture(tmp_path: Path) -> None:
    """It is of no use to the other one."""
    wheel = tmp_path / "uvloop-1.0-cp313-cp313-manylinux2014_aarch64.whl"
    wheel.write_bytes(b"")

    assert locked_wheel(wheel, TEMPLATE).architecture == "arm64"
