"""Sources become bytecode that is neither checked nor explained."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING

from layer.assembly.pinned.bytecode import compile_bundle, compile_file

if TYPE_CHECKING:
    from pathlib import Path


def test_compiles_for_good(tmp_path: Path) -> None:
    """Unchecked by hash: never looked up against a source; docstrings and asserts are gone; the name is the layer's."""
    (tmp_path / "a.py").write_text("'doc'\nassert False\nx = __doc__\n")

    compile_file(str(tmp_path / "a.py"), str(tmp_path / "a.pyc"), "/opt/sidekey/a.py")

    content = (tmp_path / "a.pyc").read_bytes()
    scope: dict[str, object] = {"__doc__": None}
    code = marshal.loads(content[16:])
    exec(code, scope)
    assert (content[4:8], code.co_filename, scope["x"]) == (b"\1\0\0\0", "/opt/sidekey/a.py", None)


def test_bundles_modules_by_name(tmp_path: Path) -> None:
    """The bundle says which are packages."""
    (tmp_path / "a.py").write_text("x = 1\n")

    compile_bundle([("p", str(tmp_path / "a.py"), "/opt/p/__init__.py", True)], str(tmp_path / "bundle"))

    is_package, code = marshal.loads((tmp_path / "bundle").read_bytes())["p"]
    assert is_package
    assert marshal.loads(code).co_filename == "/opt/p/__init__.py"
