"""The lock: every file that goes into the layer or builds it, by name, version and SHA-256.

Law: nothing is used that is not locked, and the lock names no host: packages come from the machine's own mirrors.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from layer.assembly import REPOSITORY, Architecture, BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LOCK_FILE = REPOSITORY / "layer" / "lock.toml"
RENEW = "`make layer-lock` renews the lock"
_HEADING = "# Written by `make layer-lock`: everything that goes into the layer, and the tools that build it.\n"

Kind = Literal["package", "wheel", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One file. A package's `path` is that below the mirror, a wheel's or tool's its file name."""

    kind: Kind
    name: str
    version: str
    architecture: Architecture | Literal["all"]
    path: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name it is kept under."""
        return self.path.rpartition("/")[2]

    def runs_on(self, architecture: Architecture) -> bool:
        """Tell whether the file is of use on `architecture`."""
        return self.architecture in (architecture, "all")


def read_lock(path: Path = LOCK_FILE) -> tuple[Locked, ...]:
    """Return every locked file, in the order of the lock."""
    try:
        tables = tomllib.loads(path.read_text())
        return tuple(Locked(kind=kind, **fields) for kind in ("package", "wheel", "tool") for fields in tables[kind])
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path} cannot be read as a lock ({error}); {RENEW}"
        raise BuildError(msg) from error


def render_lock(entries: Iterable[Locked]) -> str:
    """Return the text of a lock that holds `entries`."""
    return "\n".join([_HEADING, *map(_render, sorted(entries, key=_order))])


def _order(entry: Locked) -> tuple[str, str, str]:
    return entry.kind, entry.name, entry.architecture


def _render(entry: Locked) -> str:
    fields = {key: value for key, value in asdict(entry).items() if key != "kind"}
    return "\n".join([f"[[{entry.kind}]]", *(f'{key} = "{value}"' for key, value in fields.items()), ""])
