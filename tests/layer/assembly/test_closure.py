"""Which modules are found to be needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layer.assembly import BuildError
from layer.assembly.closure import find, imported

if TYPE_CHECKING:
    from pathlib import Path


def test_finds_imports_wherever_they_are(tmp_path: Path) -> None:
    """In functions too; but not what only type checkers see, nor the package's own."""
    (tmp_path / "extension").mkdir()
    (tmp_path / "extension/a.py").write_text(
        "from __future__ import annotations\n"
        "import os.path\n"
        "if TYPE_CHECKING:\n    import typing\n"
        "def f():\n    from json import loads\n    import boto3, extension.b\n"
        "from . import c\n"
    )

    assert imported(tmp_path / "extension") == ["json", "os.path"]


def test_finds_sources_packages_and_shared_objects(tmp_path: Path) -> None:
    """The first folder that has it wins."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/__init__.py").touch()
    (tmp_path / "a/b.cpython-313-aarch64-linux-gnu.so").touch()

    assert find("a", [tmp_path / "nowhere", tmp_path]) == tmp_path / "a/__init__.py"
    assert find("a.b", [tmp_path]).suffix == ".so"


def test_says_which_module_is_nowhere(tmp_path: Path) -> None:
    """A new lock may have moved it: the list is recorded anew by one command."""
    with pytest.raises(BuildError, match=r"module a.c .* `make layer-closure`"):
        find("a.c", [tmp_path])
