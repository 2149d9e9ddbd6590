"""The architecture, as the imports show it: a pure core under thin shells, nothing slow before the first read."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "extension").rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]

C_MODULES = frozenset(
    ("_collections", "_json", "_operator", "_sha2", "_sha256", "_signal", "_socket", "_ssl", "_thread", "binascii")
) | frozenset(("errno", "gc", "itertools", "math", "posix", "resource", "select", "sys", "time"))
"""Modules of the interpreter and of the C library: they cost next to nothing."""

PURE_MODULES = frozenset(("_json", "_operator", "binascii", "itertools", "math", "time"))
"""What the core may import of them; of `time` the calendar alone."""

SLOW_ON_PURPOSE = {
    "extension/aws/credentials.py": {"botocore.exceptions", "botocore.session"},
    "extension/core/config.py": {"tomllib"},
    "extension/core/settings.py": {"difflib"},
}
"""What is imported inside a function, on a rare path: a person's machine, a TOML file, a typo."""

PURE = [name for name in NAMES if name.startswith("extension/core/")]
LEAN = [name for name in NAMES if not name.startswith("extension/back/")]
each_lean = pytest.mark.parametrize("name", LEAN)
each_pure = pytest.mark.parametrize("name", PURE)


class Import(NamedTuple):
    """One name imported from a module (or the module itself), and whether at the top of the importing module."""

    module: str
    name: str
    at_top: bool


@cache
def imports(name: str) -> list[Import]:
    """Return what a module imports at run time."""
    top = at_top(parsed(name))
    return list(chain.from_iterable(_named(node, node in top) for node in running(parsed(name))))


@cache
def parsed(name: str) -> ast.Module:
    """Return a module's syntax."""
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


@cache
def running(node: ast.AST) -> list[ast.AST]:
    """Return all nodes but those for the type checker alone."""
    children = getattr(node, "orelse", []) if _is_type_checking(node) else ast.iter_child_nodes(node)
    return [node, *chain.from_iterable(map(running, children))]


def at_top(tree: ast.Module) -> set[ast.AST]:
    """Return the nodes that run when the module is imported."""
    functions = [
        node for node in running(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    return set(running(tree)) - set(chain.from_iterable(map(ast.walk, functions)))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _named(node: ast.AST, top: bool) -> list[Import]:
    if isinstance(node, ast.ImportFrom):
        return [Import(str(node.module), alias.name, top) for alias in node.names if node.module != "__future__"]
    return [Import(alias.name, "", top) for alias in node.names] if isinstance(node, ast.Import) else []


@each_pure
def test_the_core_imports_the_core(name: str) -> None:
    """And C modules without I/O, randomness or environment; slow ones only where that is on purpose."""
    foreign = {each.module for each in imports(name) if not each.module.startswith("extension.core.")}
    assert foreign - SLOW_ON_PURPOSE.get(name, set()) - {"extension.core"} <= PURE_MODULES


@each_pure
def test_the_core_reads_no_clock(name: str) -> None:
    """Of `time` it takes the calendar: what time it is comes as an argument."""
    assert {each.name for each in imports(name) if each.module == "time"} <= {"gmtime"}


@each_pure
def test_the_core_does_no_io(name: str) -> None:
    """It neither opens, prints nor asks."""
    called = [node.func for node in ast.walk(parsed(name)) if isinstance(node, ast.Call)]
    names = {function.id for function in called if isinstance(function, ast.Name)}
    assert names.isdisjoint(("open", "print", "input", "exec", "eval", "__import__"))


@each_lean
def test_nothing_slow_is_imported_on_the_way_to_the_first_read(name: str) -> None:
    """At the top of a lean module stand ours and C modules: no `re`, `dataclasses`, `enum`, `json` or `ssl`."""
    foreign = {each.module for each in imports(name) if each.at_top and not each.module.startswith("extension")}
    assert foreign <= C_MODULES


@each_lean
def test_what_is_slow_is_imported_where_it_is_said(name: str) -> None:
    """Inside a function, and in the modules that are listed above."""
    late = {each.module for each in imports(name) if not each.at_top and not each.module.startswith("extension")}
    assert late - C_MODULES == SLOW_ON_PURPOSE.get(name, set())


@each_lean
def test_the_daemon_s_shell_is_loaded_when_it_is_needed(name: str) -> None:
    """No lean module imports aiohttp's shell at its top."""
    assert [each for each in imports(name) if each.at_top and each.module.startswith("extension.back")] == []


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("extension/aws/")])
@pytest.mark.parametrize("word", ["x-amz-", "AWS4-HMAC", "amazonaws.com"])
def test_only_the_aws_folder_knows_aws_s_wire(name: str, word: str) -> None:
    """Signatures and hosts are spoken of nowhere else (and the SDK is imported nowhere else, see above)."""
    assert word.lower() not in (ROOT / name).read_text(encoding="utf-8").lower()


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.startswith(("extension/front/", "extension/back/"))]
)
def test_below_the_shells_nobody_knows_them(name: str) -> None:
    """Whoever decides or fetches does not know how it is served; only the assembly puts a shell on."""
    known = {each.module for each in imports(name) if each.module.startswith(("extension.front.", "extension.back."))}
    assert not known or name == "extension/assembly.py"


OWNERS = {
    "environ": {"extension/__main__.py"},
    "urandom": {"extension/__main__.py", "extension/lifecycle.py"},
    "random": set(),
    "getrandbits": set(),
    "_exit": {"extension/__main__.py"},
    "exit": {"extension/__main__.py"},
}


@pytest.mark.parametrize("word", OWNERS)
def test_the_world_has_one_door(word: str) -> None:
    """The environment, chance and the end of the process are `__main__`'s (and a snapshot's end stirs chance anew)."""
    users = {name for name in NAMES if word in identifiers(name)}
    assert users <= OWNERS[word]


def identifiers(name: str) -> set[str]:
    """Return the names and attributes that a module uses."""
    nodes = running(parsed(name))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


PROBE = """
import sys
before = set(sys.modules)
sys.path.insert(0, {root!r})
import extension.assembly, extension.front.loop, extension.lifecycle
new = sorted(set(sys.modules) - before - {{"__future__"}})
foreign = [name for name in new if not name.startswith("extension")]
print(*[name for name in foreign if str(getattr(sys.modules[name], "__file__", "")).endswith(".py")])
"""


def test_a_bare_interpreter_loads_no_python_of_the_standard_library() -> None:
    """All of the lean profile, imported at once under -I -S: ours and C modules, nothing else."""
    probe = PROBE.format(root=str(ROOT))
    run = subprocess.run([sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("path", TESTS, ids=[str(path.relative_to(ROOT)) for path in TESTS])
def test_tests_prove_one_sentence_each(path: Path) -> None:
    """Every test says what it proves; none patches the code, and none sleeps."""
    functions = [
        node for node in ast.walk(parsed(str(path))) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    tests = [function for function in functions if function.name.startswith("test_")]
    assert [test.name for test in tests if not ast.get_docstring(test)] == []
    attributes = [node for node in ast.walk(parsed(str(path))) if isinstance(node, ast.Attribute)]
    forbidden = {"mock.patch", "monkeypatch.setattr", "time.sleep", "asyncio.sleep"}
    assert forbidden.isdisjoint(map(ast.unparse, attributes))
