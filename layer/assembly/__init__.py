"""Assembles the layer: `python -m layer.assembly` turns the lock and this repository into two zips.

    lock.toml ─► downloads ─► unpacking ─► tree (elf, closure, bytecode, licences) ─► archive ─► dist/
                                             the locked interpreter itself compiles and packs

Law: the bytes of a layer follow from the lock and the repository alone, not from the machine, the hour or the folder.
What fails says so in one sentence (`BuildError`) and leaves nothing half made in dist/.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

Architecture = Literal["x86_64", "arm64"]

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = "python3.13"
HOME = "/opt/sidekey"


class BuildError(Exception):
    """What went wrong, in a sentence for people, with what to do about it."""
