"""Binaries go into the layer for the right architecture, with all that they need, or the build says what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from layer.assembly import BuildError
from layer.assembly.binaries import Tools, place_binary, place_libraries, rehome_openssl
from layer.assembly.platforms import PLATFORMS, this_machine

PROGRAM = Path(sys.executable).resolve()
OTHER = next(platform for platform in PLATFORMS.values() if platform != this_machine())


def test_refuses_the_other_architecture(tmp_path: Path) -> None:
    """A file locked under the wrong architecture does not get far."""
    with pytest.raises(BuildError, match=f"{PROGRAM.name} is not for {OTHER.architecture}"):
        place_binary(PROGRAM, tmp_path / "program", OTHER)

    assert not list(tmp_path.iterdir())


def test_refuses_what_is_no_binary(tmp_path: Path) -> None:
    """A linker script or a text in a library's place is noticed."""
    (tmp_path / "libm.so").write_text("GROUP ( libm.so.6 )")

    with pytest.raises(BuildError, match=r"libm.so is not for"):
        place_binary(tmp_path / "libm.so", tmp_path / "copy", this_machine())


def test_names_the_library_that_no_package_has(tmp_path: Path) -> None:
    """An incomplete list of packages ends the build, not the function."""
    with pytest.raises(BuildError, match=r"the library .* is in no locked package"):
        place_libraries(tmp_path, [PROGRAM], tmp_path / "lib", this_machine())


def test_refuses_an_openssl_that_it_cannot_rehome(tmp_path: Path) -> None:
    """If Debian moved OpenSSL's folder, its authorities would silently be the host's."""
    (tmp_path / "libcrypto.so.3").write_bytes(b"/etc/ssl/cert.pem\0")

    with pytest.raises(BuildError, match=r"built for another folder"):
        rehome_openssl(tmp_path / "libcrypto.so.3")


def test_passes_on_what_a_tool_says(tmp_path: Path) -> None:
    """The first line of a compiler's complaint is the reason."""
    zig = tmp_path / "ziglang" / "zig"
    zig.parent.mkdir()
    zig.write_text("#!/bin/sh\necho 'launcher.c:1: error' >&2\nexit 1\n")
    zig.chmod(0o755)

    with pytest.raises(BuildError, match=r"zig failed: launcher.c:1: error"):
        Tools(tmp_path).compile_launcher(this_machine(), tmp_path / "launcher")
