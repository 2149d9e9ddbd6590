"""Says what the layer weighs, part by part, and refuses one that is too heavy.

Law: the limits are those that README promises; Lambda's own (250 MB) are far away.
"""

from __future__ import annotations

import zipfile
from collections import defaultdict
from typing import TYPE_CHECKING

from layer.assembly import PYTHON, BuildError

if TYPE_CHECKING:
    from pathlib import Path

MAX_ZIPPED_BYTES = 12_000_000
MAX_UNZIPPED_BYTES = 32_000_000
_PARTS = (
    ("extensions/", "launcher"),
    ("sidekey/extension", "extension"),
    ("sidekey/boot.pyc", "extension"),
    *((f"sidekey/{name}.bundle", "extension") for name in ("start", "serve", "rest")),
    ("sidekey/bin/", "interpreter"),
    (f"sidekey/lib/{PYTHON}/", "standard library"),
    ("sidekey/lib/libssl", "OpenSSL"),
    ("sidekey/lib/libcrypto", "OpenSSL"),
    ("sidekey/lib/", "C library and others"),
    ("sidekey/packages/", "aiohttp, uvloop"),
    ("sidekey/cert.pem", "authorities"),
    ("sidekey/", "licences, bill of materials"),
)


def weigh(archive: Path) -> dict[str, tuple[int, int]]:
    """Return (zipped, unzipped) bytes by part, in the order of the zip's layout."""
    weights: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            zipped, unzipped = weights[part_of(entry.filename)]
            weights[part_of(entry.filename)] = (zipped + entry.compress_size, unzipped + entry.file_size)
    return dict(weights)


def part_of(name: str) -> str:
    """Return the part that a file belongs to."""
    for prefix, part in _PARTS:
        if name.startswith(prefix):
            return part
    msg = f"{name} lies outside the layer's two places"
    raise BuildError(msg)


def check(archive: Path) -> None:
    """Refuse a layer over its limits."""
    zipped, unzipped = archive.stat().st_size, sum(size for _, size in weigh(archive).values())
    if zipped > MAX_ZIPPED_BYTES or unzipped > MAX_UNZIPPED_BYTES:
        msg = f"the layer is too heavy: {_mega(zipped)} MB zipped, {_mega(unzipped)} MB unzipped"
        raise BuildError(msg)


def table(archive: Path) -> str:
    """Return the weights as lines for people, heaviest first."""
    weights = sorted(weigh(archive).items(), key=lambda item: -item[1][0])
    total = (archive.stat().st_size, sum(size for _, size in weigh(archive).values()))
    rows = [(archive.name, "MB zipped", "unzipped"), *((name, *map(_mega, pair)) for name, pair in weights)]
    rows.append(("total", *map(_mega, total)))
    return "\n".join(f"  {name:<30}{zipped:>10}{unzipped:>10}" for name, zipped, unzipped in rows)


def _mega(size: int) -> str:
    return f"{size / 1e6:.2f}"
