"""Which modules go into the layer: the recorded closure of what the extension imports, and nothing else.

Law: the list is kept in the repository (layer/closure.txt) and read from there; recording is a command of its own, and
a test holds that the list suffices.
"""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

from layer.assembly import REPOSITORY, BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from layer.assembly.interpreter import Interpreter

CLOSURE_FILE = REPOSITORY / "layer" / "closure.txt"
_HEADING = """# The modules that the layer carries besides `extension`, written by `make layer-closure`.
"""
ALWAYS = (
    "os",  # the interpreter finds its own home by this file
    "encodings.ascii",
    "encodings.idna",  # host names
    "encodings.latin_1",
    "concurrent.futures.thread",  # asyncio loads it when it first looks up a host
    "traceback",  # when something goes wrong
    "aiohttp.web",
    "aiohttp._websocket.reader_py",
    "uvloop",
)
LEFT_OUT = frozenset(
    {
        "frozenlist._frozenlist",  # wants libstdc++; the Python form serves as well
        "aiohttp._websocket.mask",  # web sockets are not spoken here
        "aiohttp._websocket.reader_c",
        "__future__",  # lies in the bundle
        *("_bz2", "_lzma", "bz2", "lzma", "_compression", "_uuid"),  # nobody needs them
    }
)
"""What is imported where it is found, and done without where not."""
NEVER = frozenset({"boto3", "botocore", "awslambdaric", "moto", "matplotlib"})
"""What the extension imports only outside Lambda, for people's tools."""
_PROBE = """
import json, sys
paths, names = json.load(sys.stdin)
sys.path += paths
for name in names:
    try:
        __import__(name)
    except ImportError:  # another version's name for the same: the extension tries both
        print("#", name)
for name, module in sorted(sys.modules.items()):
    spec = getattr(module, "__spec__", None)
    if spec and spec.has_location and name != "__main__":
        print(name)
"""


def read_closure(path: Path = CLOSURE_FILE) -> tuple[str, ...]:
    """Return the names in the repository's list."""
    return parse(path.read_text())


def parse(text: str) -> tuple[str, ...]:
    """Return the names in a list: one a line, but for comments."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def record(interpreter: Interpreter, packages: Path) -> str:
    """Import everything that the extension may import, and return the text of the list."""
    given = json.dumps([[str(packages)], [*ALWAYS, *imported(REPOSITORY / "extension")]])
    names = parse(interpreter.run("-c", _PROBE, given=given))
    return _HEADING + "\n".join(sorted({*names, "os"} - LEFT_OUT)) + "\n"


def imported(package: Path) -> list[str]:
    """Return the foreign modules that the sources of `package` import, wherever in a file they do."""
    trees = [ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))]
    names = {name for tree in trees for name in _run_time_imports(tree)}
    return sorted(name for name in names if name.partition(".")[0] not in {*NEVER, package.name, "__future__"})


def _run_time_imports(node: ast.AST) -> Iterator[str]:
    """Walk all but what only type checkers see."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
    for child in ast.iter_child_nodes(node):
        yield from _run_time_imports(child)


def find(name: str, roots: Iterable[Path]) -> Path:
    """Return the file of a module: the source, or the shared object of whichever architecture `roots` are for."""
    place = name.replace(".", "/")
    for root in roots:
        candidates = (root / f"{place}.py", root / place / "__init__.py", *root.glob(f"{place}.cpython-*.so"))
        for path in candidates:
            if path.exists():
                return path
    msg = f"the module {name} is in no locked package; `make layer-closure` records the list anew"
    raise BuildError(msg)
