"""The enclosure: shares of a core, by either version of the interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.bench.enclosure import Share

if TYPE_CHECKING:
    from pathlib import Path


def written(root: Path) -> dict[str, str]:
    """Return what stands in the one cgroup."""
    (made,) = root.glob("sidekey-bench-*")
    return {file.name: file.read_text() for file in made.iterdir()}


def test_a_share_by_version_two(tmp_path: Path) -> None:
    """`cpu.max` takes quota and period; a 128 MB function has a fourteenth of a core."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    share = Share(128, tmp_path)
    [(tmp_path / line.strip().removeprefix("0::/")).mkdir(parents=True, exist_ok=True) for line in own()]
    with share.inherited():
        inside = written(tmp_path)

    assert inside == {"cpu.max": "1447 20000", "cgroup.procs": "0"}


def own() -> list[str]:
    """Return where this process is."""
    with open("/proc/self/cgroup") as lines:
        return [line for line in lines if line.startswith("0::/")]


def test_a_share_by_version_one(tmp_path: Path) -> None:
    """Quota and period have a file each."""
    (tmp_path / "cpu").mkdir()
    share = Share(1769, tmp_path)
    with share.inherited():
        inside = written(tmp_path / "cpu")

    assert inside == {"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "20000", "tasks": "0"}


def test_a_whole_core_needs_none(tmp_path: Path) -> None:
    """And a machine without cgroups says so where one is needed."""
    with Share(None, tmp_path).inherited():
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="cpu"):
        Share(128, tmp_path)
