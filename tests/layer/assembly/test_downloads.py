"""What is fetched is what was locked, or the build says why not."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from email.message import Message
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

import pytest

from layer.assembly import BuildError
from layer.assembly.downloads import bring, explain_pip, fetch_package, group_wheels, pip_target
from layer.assembly.lock import Locked

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"a package"
ZLIB = Locked(
    kind="package",
    name="zlib1g",
    version="1.3",
    architecture="arm64",
    path="pool/main/z/zlib1g_1.3_arm64.deb",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)
PLACES = ["http://one.test/zlib", "http://two.test/zlib"]


def gone(address: str) -> bytes:
    """Answer as a mirror that has dropped a superseded version."""
    raise HTTPError(address, 404, "Not Found", Message(), None)


def unreachable(_address: str) -> bytes:
    """Answer as a machine without network."""
    reason = "Network is unreachable"
    raise URLError(reason)


def test_keeps_what_it_fetched(tmp_path: Path) -> None:
    """The file appears under its name once it is known to be the locked one."""
    fetch_package(ZLIB, PLACES, tmp_path / "zlib", lambda _address: CONTENT)

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("zlib", CONTENT)]


def test_tries_the_next_mirror(tmp_path: Path) -> None:
    """One mirror that does not have it is not the end."""
    fetch_package(ZLIB, PLACES, tmp_path / "zlib", lambda place: CONTENT if "two" in place else gone(place))

    assert (tmp_path / "zlib").read_bytes() == CONTENT


def test_refuses_another_file_than_the_locked(tmp_path: Path) -> None:
    """A mirror that was tampered with, or truncates, builds nothing."""
    with pytest.raises(BuildError, match=r"zlib1g 1.3 .* SHA-256 differs"):
        fetch_package(ZLIB, PLACES, tmp_path / "zlib", lambda _address: b"another")

    assert not list(tmp_path.iterdir())


def test_says_how_to_go_on_when_a_version_is_gone(tmp_path: Path) -> None:
    """Debian's pool drops superseded versions; one command locks today's."""
    with pytest.raises(BuildError, match=r"zlib1g 1.3 .* no longer .* `make layer-lock`"):
        fetch_package(ZLIB, PLACES, tmp_path / "zlib", gone)


def test_says_that_there_is_no_network(tmp_path: Path) -> None:
    """The reason is the network's own, with the package that was asked for."""
    with pytest.raises(BuildError, match=r"zlib1g 1.3 .* cannot be fetched: .*Network is unreachable"):
        fetch_package(ZLIB, PLACES, tmp_path / "zlib", unreachable)


def test_fetches_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything at hand no mirror is even looked for."""
    monkeypatch.setenv("PATH", "")
    (tmp_path / ZLIB.file_name).write_bytes(CONTENT)

    assert bring([ZLIB], tmp_path) == {ZLIB: tmp_path / ZLIB.file_name}


def test_groups_wheels_by_what_pip_can_be_asked_at_once() -> None:
    """One platform at a time is what pip takes."""
    arm = replace(ZLIB, kind="wheel")
    intel = replace(arm, architecture="x86_64")

    assert group_wheels([arm, intel, arm]) == [[arm, arm], [intel]]


def test_asks_pip_for_the_layers_interpreter() -> None:
    """The machine's own Python and C library have no say."""
    options = pip_target("arm64")

    assert options[:2] == ["--python-version", "3.13"]
    assert "manylinux_2_28_aarch64" in options


@pytest.mark.parametrize(
    ("complaint", "sentence"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "SHA-256 differs"),
        ("ERROR: No matching distribution found for x==1", "make layer-lock"),
        ("WARNING: Retrying\nERROR: no route to host\n", "ERROR: no route to host$"),
        ("", "it gave no reason"),
    ],
)
def test_explains_pip_in_one_sentence(complaint: str, sentence: str) -> None:
    """What pip says is long, what it means is short."""
    assert re.search(sentence, explain_pip(complaint))
