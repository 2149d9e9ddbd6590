"""Where packages may lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layer.assembly import BuildError
from layer.assembly.mirrors import VARIABLE, addresses, debian_archives, mirrors

if TYPE_CHECKING:
    from pathlib import Path


def test_takes_the_mirrors_that_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without apt names its mirrors in a variable; the main archive comes first."""
    monkeypatch.setenv(VARIABLE, "http://mirror.test/debian-security/ http://mirror.test/debian/")

    assert mirrors() == ("http://mirror.test/debian", "http://mirror.test/debian-security")


def test_says_what_to_set_where_apt_knows_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No apt and no variable is one clear sentence."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BuildError, match=VARIABLE):
        mirrors()


def test_finds_debians_archives_among_apts() -> None:
    """Other vendors' archives do not have Debian's packages."""
    uris = (
        "'http://mirror.test/debian/dists/bookworm/InRelease' mirror.test_InRelease 0 \n"
        "'http://mirror.test/debian-security/dists/bookworm-security/InRelease' x 0 \n"
        "'http://vendor.test/node_20.x/dists/nodistro/InRelease' y 0 \n"
    )

    assert debian_archives(uris) == ["http://mirror.test/debian", "http://mirror.test/debian-security"]


def test_follows_security_updates_into_the_main_archive() -> None:
    """A point release moves them there, under the same name."""
    assert addresses(("http://a", "http://b"), "pool/updates/main/z.deb") == [
        "http://a/pool/updates/main/z.deb",
        "http://b/pool/updates/main/z.deb",
        "http://a/pool/main/z.deb",
        "http://b/pool/main/z.deb",
    ]
