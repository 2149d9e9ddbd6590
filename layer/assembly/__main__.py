"""`python -m layer.assembly`: builds the layer; `lock` and `closure` renew what it is built from."""

from __future__ import annotations

import argparse
import errno
import sys
import tempfile
from pathlib import Path

from layer.assembly import ARCHITECTURES, REPOSITORY, BuildError
from layer.assembly.closure import CLOSURE_FILE, record
from layer.assembly.distribution import distribute
from layer.assembly.lock import LOCK_FILE, read_lock, render_lock
from layer.assembly.renewal import renew
from layer.assembly.workshop import Workshop


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked, and turn what fails into one sentence."""
    asked = _parser().parse_args(arguments)
    try:
        _COMMANDS[asked.command](asked)
    except (BuildError, KeyboardInterrupt, OSError) as error:
        print(f"layer: {explained(error)}", file=sys.stderr)
        return 1
    return 0


def explained(error: BaseException) -> str:
    """Say in one sentence what stood in the way, and that nothing is half done."""
    if isinstance(error, OSError):
        reason = "the disk is full" if error.errno == errno.ENOSPC else f"{error.strerror}: {error.filename}"
        return f"{reason}; dist/ is as it was"
    return "interrupted; dist/ is as it was" if isinstance(error, KeyboardInterrupt) else str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make layer", description=__doc__)
    parser.add_argument("command", nargs="?", choices=[*_COMMANDS], default="build")
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build" / "layer", help="where to work")
    parser.add_argument("--dist", type=Path, default=REPOSITORY / "dist", help="where the zips go")
    parser.add_argument("--downloads", type=Path, help="where downloads are kept (default: in --build)")
    parser.add_argument("--architecture", action="append", choices=ARCHITECTURES, help="only this one")
    return parser


def _workshop(asked: argparse.Namespace) -> Workshop:
    return Workshop(asked.build.resolve(), (asked.downloads or asked.build / "downloads").resolve(), read_lock())


def _build(asked: argparse.Namespace) -> None:
    distribute(_workshop(asked), asked.dist.resolve(), tuple(asked.architecture or ARCHITECTURES))


def _lock(_asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        entries = renew(Path(folder))
    LOCK_FILE.write_text(render_lock(entries))
    print(f"{LOCK_FILE}: {len(entries)} files locked")


def _closure(asked: argparse.Namespace) -> None:
    workshop = _workshop(asked)
    parts = workshop.parts(workshop.here.architecture)
    CLOSURE_FILE.write_text(record(parts.interpreter, parts.wheels))
    print(f"{CLOSURE_FILE}: written")


_COMMANDS = {"build": _build, "lock": _lock, "closure": _closure}

if __name__ == "__main__":
    sys.exit(main())
