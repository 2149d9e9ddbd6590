"""Sources become bytecode that is neither checked nor explained."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

from layer.assembly.pinned.bytecode import compile_file, compile_rest, compile_stage

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


def test_stages_keep_their_order(tmp_path: Path) -> None:
    """A stage is a sequence of modules with their code, packages marked."""
    (tmp_path / "a.py").write_text("x = 1\n")
    modules = [("p", str(tmp_path / "a.py"), "/opt/p/__init__.py", True), ("p.a", str(tmp_path / "a.py"), "a", False)]

    compile_stage(modules, str(tmp_path / "start.bundle"))

    stage = marshal.loads((tmp_path / "start.bundle").read_bytes())
    assert [(name, is_package) for name, is_package, _ in stage] == [("p", True), ("p.a", False)]
    assert stage[0][2].co_filename == "/opt/p/__init__.py"


def test_the_rest_is_found_by_name(tmp_path: Path) -> None:
    """Each module of the rest is marshalled by itself."""
    (tmp_path / "a.py").write_text("x = 1\n")

    compile_rest([("p", str(tmp_path / "a.py"), "/opt/p/__init__.py", True)], str(tmp_path / "rest.bundle"))

    is_package, code = marshal.loads((tmp_path / "rest.bundle").read_bytes())["p"]
    assert is_package
    assert marshal.loads(code).co_filename == "/opt/p/__init__.py"


def test_leaves_out_what_type_checkers_read(tmp_path: Path) -> None:
    """Annotations go, but those of classes, of which records are made; imports for type checkers go whole."""
    (tmp_path / "a.py").write_text(
        "from __future__ import annotations\nTYPE_CHECKING = False\n"
        "if TYPE_CHECKING:\n    import unheard_of\nelse:\n    other = 1\n"
        "class C:\n    field: Unknown\n    def method(self, x: Unknown) -> Unknown: ...\n"
    )

    compile_rest([("a", str(tmp_path / "a.py"), "a.py", False)], str(tmp_path / "rest.bundle"))

    code = marshal.loads((tmp_path / "rest.bundle").read_bytes())["a"][1]
    scope: dict[str, Any] = {"__name__": "a"}
    exec(marshal.loads(code), scope)
    assert b"unheard_of" not in code
    assert (scope["C"].__annotations__, scope["C"].method.__annotations__, scope["other"]) == (
        {"field": "Unknown"},
        {},
        1,
    )
