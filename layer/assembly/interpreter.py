"""Runs the locked interpreter on the build machine, out of its unpacked package, beside the machine's own.

Law: it sees nothing of the environment, and nothing of the machine's libraries.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layer.assembly import PYTHON, BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from layer.assembly.platforms import Platform

PINNED = "layer/assembly/pinned"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The interpreter for this machine, in `root`, where its packages are unpacked."""

    root: Path
    platform: Platform

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that runs it; `-I -S` and an empty environment keep the machine out."""
        libraries = self.root / "usr/lib" / self.platform.triplet
        loader = libraries / self.platform.loader
        return [
            str(loader),
            "--library-path",
            str(libraries),
            str(self.root / "usr/bin" / PYTHON),
            "-I",
            "-S",
            *arguments,
        ]

    def run(self, *arguments: str, given: str = "") -> str:
        """Run it with `given` on its stdin, and return what it printed."""
        answer = subprocess.run(
            self.command("-B", "-OO", "-X", "no_debug_ranges", "-X", "utf8=1", *arguments),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONHASHSEED": "0"},
        )
        if answer.returncode:
            said = answer.stderr.strip().splitlines() or [f"it ended with status {answer.returncode}"]
            raise BuildError(said[-1])
        return answer.stdout
