"""Taking the emulator out of its wheel."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from scripts.stage.emulator import MEMBERS, EmulatorError, _member, _unpacked, fetch

if TYPE_CHECKING:
    from pathlib import Path


def test_takes_what_is_there(tmp_path: Path) -> None:
    """An emulator that has been fetched is not fetched again."""
    (tmp_path / "emulator").write_bytes(b"fetched before")

    assert fetch(tmp_path / "emulator", machine="pdp11").read_bytes() == b"fetched before"


@pytest.mark.parametrize(
    ("machine", "ending"), [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")]
)
def test_knows_both_architectures(machine: str, ending: str) -> None:
    """Lambda has two, and machines call them differently."""
    assert _member(machine).endswith(f"aws-lambda-rie-{ending}")


def test_another_architecture_is_named(tmp_path: Path) -> None:
    """One sentence says which there are and which this is, and nothing is left."""
    with pytest.raises(EmulatorError, match=r"for x86_64 and arm64 only, and this machine is riscv64\.$"):
        fetch(tmp_path / "emulator", machine="riscv64")

    assert list(tmp_path.iterdir()) == []


def test_unpacks_an_executable(tmp_path: Path) -> None:
    """The binary keeps no mode in a wheel: it is made executable."""
    binary = _unpacked(_wheel(tmp_path, MEMBERS["x86_64"]), MEMBERS["x86_64"], tmp_path)

    assert binary.read_bytes() == b"binary"
    assert binary.stat().st_mode & 0o777 == 0o755


def test_a_wheel_without_it_is_named(tmp_path: Path) -> None:
    """A version that ships no emulator is said to be one."""
    wheel = _wheel(tmp_path, "something/else")

    with pytest.raises(EmulatorError, match=r"sam\.whl does not hold samcli.*another version"):
        _unpacked(wheel, MEMBERS["x86_64"], tmp_path)


def test_a_broken_wheel_is_named(tmp_path: Path) -> None:
    """A download that broke off is no archive."""
    (tmp_path / "sam.whl").write_bytes(b"broken")

    with pytest.raises(EmulatorError, match=r"sam\.whl"):
        _unpacked(tmp_path / "sam.whl", MEMBERS["x86_64"], tmp_path)


def _wheel(folder: Path, member: str) -> Path:
    with zipfile.ZipFile(folder / "sam.whl", "w") as archive:
        archive.writestr(member, b"binary")
    return folder / "sam.whl"
