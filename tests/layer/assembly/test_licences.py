"""Licences are gathered with the texts that they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layer.assembly.licences import package_terms, place_licences, wheel_terms

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root with one package."""
    document = tmp_path / "root/usr/share/doc/libz/copyright"
    document.parent.mkdir(parents=True)
    document.write_text("License: Zlib\nLicense: GPL-2+\n See /usr/share/common-licenses/GPL-2.\n")
    common = tmp_path / "root/usr/share/common-licenses"
    common.mkdir()
    (common / "GPL-2").write_text("the text")
    (common / "GPL-3").write_text("not referred to")
    return tmp_path / "root"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Return a folder with one wheel."""
    folder = tmp_path / "wheels/thing-1.0.dist-info"
    (folder / "licenses").mkdir(parents=True)
    (folder / "METADATA").write_text("Name: thing\nLicense-Expression: MIT\n")
    (folder / "licenses/LICENSE").write_text("be free")
    return tmp_path / "wheels"


def test_gathers_texts(root: Path, wheels: Path, tmp_path: Path) -> None:
    """Each package's own words, each wheel's, and the common texts that are referred to."""
    place_licences(root, wheels, tmp_path / "licences")

    assert sorted(path.name for path in (tmp_path / "licences").iterdir()) == ["GPL-2", "libz.txt", "thing.txt"]
    assert (tmp_path / "licences/thing.txt").read_text() == "be free"


def test_knows_what_they_are_called(root: Path, wheels: Path) -> None:
    """The names are for the bill of materials."""
    assert package_terms(root, "libz") == ["GPL-2+", "Zlib"]
    assert wheel_terms(wheels, "thing", "1.0") == ["MIT"]
