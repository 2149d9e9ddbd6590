"""The order in which modules are run follows their imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layer.assembly import REPOSITORY
from layer.assembly.stages import stages

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = "if TYPE_CHECKING:\n    import extension.types\nelse:\n    import extension.other\nimport extension.first\n"


def write(folder: Path, **texts: str) -> dict[str, Path]:
    """Write modules of a package, and return all by name."""
    given = {"__init__": "", "__main__": "", "assembly": "", **texts}
    for name, text in given.items():
        (folder / f"{name}.py").write_text(text)
    names = {name: "extension" if name == "__init__" else f"extension.{name}" for name in given}
    deep = {f"extension.{name}": folder / "__init__.py" for name in ("core", "core.jsontext", "front", "front.loop")}
    return deep | {names[name]: folder / f"{name}.py" for name in given}


def test_a_module_stands_after_what_it_imports(tmp_path: Path) -> None:
    """Packages come first, then what is imported, and nothing that is there for type checkers."""
    sources = write(tmp_path, __main__=ENTRY, first="from extension import second", second="", other="", types="")

    assert stages(sources)["start"] == [
        "extension", "extension.other", "extension.second", "extension.first", "extension.__main__",
    ]  # fmt: skip


def test_what_only_functions_import_is_the_rest(tmp_path: Path) -> None:
    """An import inside a function is on demand."""
    sources = write(tmp_path, assembly="def f():\n    import extension.rare\n", rare="")

    assert stages(sources)["rest"] == ["extension.rare"]


def test_an_alternative_is_not_followed(tmp_path: Path) -> None:
    """Of a try, what is tried counts."""
    sources = write(tmp_path, __main__="try:\n    import extension.a\nexcept ImportError:\n    pass\n", a="")

    assert "extension.a" in stages(sources)["start"]


def test_every_module_has_one_place() -> None:
    """Of the real extension, each module is in one stage or the rest, and the daemon's server is in the rest."""
    package = REPOSITORY / "extension"
    sources = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): path
        for path in package.rglob("*.py")
    }

    found = stages(sources)

    assert sorted(name for names in found.values() for name in names) == sorted(sources)
    assert "extension.back.server" in found["rest"]
