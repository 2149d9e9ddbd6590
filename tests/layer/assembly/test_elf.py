"""ELF files of the machine and of the layer, read and lightened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from layer.assembly import elf
from layer.assembly.platforms import this_machine

PROGRAM = Path(sys.executable).resolve()


@pytest.fixture(scope="module")
def program() -> bytes:
    """Return the interpreter that runs this test: it has symbols, a loader and libraries."""
    return PROGRAM.read_bytes()


def test_reads_what_the_file_is_for(program: bytes) -> None:
    """The machine that runs it is the machine it is for."""
    assert elf.is_elf(program)
    assert elf.machine(program) == this_machine().machine


def test_reads_the_loader_and_the_libraries(program: bytes) -> None:
    """The loader is there, and the C library is needed."""
    assert Path(str(elf.interpreter(program))).exists()
    assert "libc.so.6" in elf.needed(program)


def test_stripped_programs_run(program: bytes, tmp_path: Path) -> None:
    """What no program loads is gone, and nothing else."""
    lighter = elf.strip(program)
    (tmp_path / "program").write_bytes(lighter)
    (tmp_path / "program").chmod(0o755)

    answer = subprocess.run([tmp_path / "program", "-I", "-S", "-c", ""], capture_output=True, check=False)
    assert answer.returncode in (0, 1), answer.stderr  # it may miss its standard library here
    assert len(lighter) <= len(program)
    assert elf.needed(lighter) == elf.needed(program)


def test_strips_nothing_twice(program: bytes) -> None:
    """A stripped file stays as it is."""
    lighter = elf.strip(program)

    assert elf.strip(lighter) == lighter


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01"])
def test_tells_what_is_no_elf(content: bytes) -> None:
    """Scripts and 32-bit programs are not ours."""
    assert not elf.is_elf(content)
