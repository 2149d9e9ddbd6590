"""Compiles sources: `bytecode.py < jobs.json`, under `-OO -X no_debug_ranges`.

`files` is a list of [source, target, name in tracebacks]; `bundles` has, by target, lists of modules for boot.py:
[name, source, name in tracebacks, is a package]. What only type checkers read is left out of those.
"""

from __future__ import annotations

import ast
import json
import marshal
import py_compile
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

    Module = tuple[str, str, str, bool]


def compile_file(source: str, target: str, shown: str) -> None:
    """Write one `.pyc` that is never checked against its source, as the layer carries none."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(source, cfile=target, dfile=shown, doraise=True, optimize=2, invalidation_mode=mode)


def compile_stage(modules: list[Module], target: str) -> None:
    """Write modules that are run one after the other: name, is a package, code."""
    stage = tuple((name, is_package, _code(source, shown)) for name, source, shown, is_package in modules)
    Path(target).write_bytes(marshal.dumps(stage))


def compile_rest(modules: list[Module], target: str) -> None:
    """Write modules that are loaded one by one: by name, is a package and marshalled code."""
    rest = {name: (is_package, marshal.dumps(_code(source, shown))) for name, source, shown, is_package in modules}
    Path(target).write_bytes(marshal.dumps(rest))


def _code(source: str, shown: str) -> CodeType:
    tree = ast.fix_missing_locations(_Bare().visit(ast.parse(Path(source).read_bytes())))
    return compile(tree, shown, "exec", dont_inherit=True, optimize=2)


class _Bare(ast.NodeTransformer):
    """Takes out annotations, but those of classes (records are made of them), and what is for type checkers."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        for_type_checkers = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return (node.orelse or ast.Pass()) if for_type_checkers else node


def main() -> None:
    """Do the jobs on stdin."""
    jobs = json.load(sys.stdin)
    for source, target, shown in jobs["files"]:
        compile_file(source, target, shown)
    for target, modules in jobs["bundles"].items():
        write = compile_rest if target.endswith("/rest.bundle") else compile_stage
        write(modules, target)


if __name__ == "__main__":
    main()
