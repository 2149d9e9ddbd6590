"""Fills dist/: both zips, the plain tars, the bills of materials, and the sums of them all.

Law: everything is written beside its place and checked, then renamed; dist/ never holds half a file.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from layer.assembly import REPOSITORY, report
from layer.assembly.bom import bill, render
from layer.assembly.downloads import sha256
from layer.assembly.tree import lay_out

if TYPE_CHECKING:
    from pathlib import Path

    from layer.assembly import Architecture
    from layer.assembly.tree import Parts
    from layer.assembly.workshop import Workshop


def distribute(workshop: Workshop, dist: Path, architectures: tuple[Architecture, ...]) -> None:
    """Build the layers and put them into `dist`."""
    dist.mkdir(parents=True, exist_ok=True)
    made: dict[str, Path] = {}
    try:
        with workshop.held(), ThreadPoolExecutor() as workers:  # the work is done by other processes
            parts = [workshop.parts(architecture) for architecture in architectures]
            for files in workers.map(lambda one: _make(workshop, dist, one), parts):
                made |= files
        made["SHA256SUMS"] = _write(dist, "SHA256SUMS", sums(made))
        for name, partial in made.items():
            partial.replace(dist / name)
    finally:
        for partial in dist.glob(".*.partial*"):
            partial.unlink()
    for architecture in architectures:
        print(report.table(dist / f"sidekey-{architecture}.zip"))


def _make(workshop: Workshop, dist: Path, parts: Parts) -> dict[str, Path]:
    """Build one layer; its files are still partial."""
    architecture = parts.platform.architecture
    tree = workshop.folder / "tree" / architecture
    lay_out(parts, tree)
    text = render(bill(workshop.entries(architecture, "package", "wheel"), parts))
    (tree / "sidekey" / "bom.json").write_text(text)
    made = {f"sidekey-{architecture}.cdx.json": _write(dist, f"sidekey-{architecture}.cdx.json", text)}
    for suffix in ("zip", "tar"):
        name = f"sidekey-{architecture}.{suffix}"
        made[name] = dist / f".{name}.partial"
        parts.interpreter.run(str(REPOSITORY / "layer/assembly/pinned/pack.py"), str(tree), str(made[name]))
    report.check(made[f"sidekey-{architecture}.zip"])
    return made


def _write(dist: Path, name: str, text: str) -> Path:
    partial = dist / f".{name}.partial"
    partial.write_text(text)
    return partial


def sums(made: dict[str, Path]) -> str:
    """Return the text that `sha256sum --check` reads."""
    return "".join(f"{sha256(path)}  {name}\n" for name, path in sorted(made.items()))
