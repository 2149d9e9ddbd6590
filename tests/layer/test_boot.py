"""How boot.py runs the extension: in stages out of the layer's bundles, or from the working copy."""

from __future__ import annotations

import marshal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from layer.assembly import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

BOOT = REPOSITORY / "layer" / "boot.py"
MAIN = """
import sys
def main():
    print("start", __file__, sys.argv[1:], "extension.later" in sys.modules)
    import extension.later
    import extension.rare.one as one
    print("rest", one.__file__, one.__package__, *sys.path, sep=" ")
"""
LATER = "print('serve', __file__)"
ONE = "from extension.rare import two\nassert two.x == 1"


def code(source: str) -> CodeType:
    """Compile what a bundle holds."""
    return compile(source, "somewhere.py", "exec")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder laid out as /opt/sidekey, with an extension of five modules in three bundles."""
    start = (("extension", True, code("")), ("extension.__main__", False, code(MAIN)))
    rest = {
        "extension.rare": (True, marshal.dumps(code(""))),
        "extension.rare.one": (False, marshal.dumps(code(ONE))),
        "extension.rare.two": (False, marshal.dumps(code("x = 1"))),
    }
    bundles = {"start": start, "serve": (("extension.later", False, code(LATER)),), "rest": rest}
    for name, bundle in bundles.items():
        (tmp_path / f"{name}.bundle").write_bytes(marshal.dumps(bundle))
    (tmp_path / "boot.py").write_text(BOOT.read_text())
    return tmp_path


def test_runs_the_bundles_where_they_are(home: Path) -> None:
    """Each when its time comes, at the places of the working copy; then only the layer's own folders are searched."""
    command = [sys.executable, "-I", "-S", "-B", str(home / "boot.py"), "the name"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)

    stdlib = f"{home}/lib/python{sys.version_info.major}.{sys.version_info.minor}"
    assert said.stdout.splitlines() == [
        f"start {home}/extension/__main__.py ['the name'] False",
        f"serve {home}/extension/later.py",
        f"rest {home}/extension/rare/one.py extension.rare {stdlib}/lib-dynload {stdlib} {home}/packages",
    ], said.stderr


def test_runs_the_working_copy_where_there_is_none(tmp_path: Path) -> None:
    """From a repository it finds the package beside the layer's folder."""
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "boot.py").write_text(BOOT.read_text())
    (tmp_path / "extension").mkdir()
    (tmp_path / "extension" / "__main__.py").write_text("def main():\n    import pytest\n    print(__file__)\n")

    command = [sys.executable, "-I", "-S", "-B", str(tmp_path / "layer" / "boot.py")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)

    assert said.stdout.strip() == str(tmp_path / "extension" / "__main__.py"), said.stderr
