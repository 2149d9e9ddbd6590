"""Compiles sources: `bytecode.py < jobs.json`, under `-OO -X no_debug_ranges`.

A job is a list of [source, target, name in tracebacks]; with `bundle` it is one file of many modules for boot.py.
"""

from __future__ import annotations

import json
import marshal
import py_compile
import sys
from pathlib import Path


def compile_file(source: str, target: str, shown: str) -> None:
    """Write one `.pyc` that is never checked against its source, as the layer carries none."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(source, cfile=target, dfile=shown, doraise=True, optimize=2, invalidation_mode=mode)


def compile_bundle(modules: list[tuple[str, str, str, bool]], target: str) -> None:
    """Write the modules [name, source, name in tracebacks, is a package] as one marshalled dictionary."""
    bundle = {name: (is_package, _code(source, shown)) for name, source, shown, is_package in modules}
    Path(target).write_bytes(marshal.dumps(bundle))


def _code(source: str, shown: str) -> bytes:
    return marshal.dumps(compile(Path(source).read_bytes(), shown, "exec", dont_inherit=True, optimize=2))


def main() -> None:
    """Do the jobs on stdin."""
    jobs = json.load(sys.stdin)
    for source, target, shown in jobs["files"]:
        compile_file(source, target, shown)
    compile_bundle(jobs["bundle"], jobs["bundle_target"])


if __name__ == "__main__":
    main()
