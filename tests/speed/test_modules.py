"""Which modules are imported before the first `next`, exactly: each costs every cold start of every function.

If a test here fails because something new is imported: can it be imported where it is used (on a rare path), or does
it belong before `next`? Only then does it belong into the list, before_register.txt or before_next.txt beside this.
"""

from __future__ import annotations

import compileall
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layer.assembly.stages import stages
from tests.speed.start import LEAN, ROOT, imported, sources, until_next, until_register

if TYPE_CHECKING:
    from tests.servers.authority import Authority
    from tests.servers.scripted import ScriptedServer

FOLDER = Path(__file__).parent
BEFORE_REGISTER = set((FOLDER / "before_register.txt").read_text().split())
BEFORE_NEXT = set((FOLDER / "before_next.txt").read_text().split())
OF_OLDER_PYTHONS = {"_sha256"}
"""Names that a module has elsewhere than in the layer."""


@pytest.fixture(scope="module")
def always() -> set[str]:
    """Return what the interpreter imports for itself, to run a script."""
    command = [*LEAN, "-X", "importtime", "-c", "pass"]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
    return imported(done.stderr)


@pytest.fixture(scope="module")
def compiled() -> str:
    """Return what a working copy starts: there each import is told of."""
    compileall.compile_dir(ROOT / "extension", quiet=2)
    return str(ROOT / "layer/boot.py")


def test_before_register(always: set[str], compiled: str) -> None:
    """The function waits for this."""
    said = until_register([*LEAN, "-X", "importtime", compiled, "sidekey"])

    assert sorted(imported(said) - always) == sorted(BEFORE_REGISTER)


def test_before_next(always: set[str], compiled: str, aws: ScriptedServer, authority: Authority) -> None:
    """The function starts meanwhile, and shares the CPU with this."""
    said = until_next([*LEAN, "-X", "importtime", compiled, "sidekey"], aws, authority)

    assert sorted(imported(said) - always - BEFORE_REGISTER - OF_OLDER_PYTHONS) == sorted(BEFORE_NEXT)


@pytest.mark.parametrize(("stage", "names"), [("start", BEFORE_REGISTER), ("serve", BEFORE_NEXT)])
def test_the_stages_are_these_modules(stage: str, names: set[str]) -> None:
    """What the layer runs in its two stages is what is needed, and no more."""
    assert {name for name in stages(sources())[stage] if name != "__future__"} == {
        name for name in names if name.startswith("extension")
    }
