"""The assembly: what it makes of files and settings of every kind, without starting anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from extension.assembly import MAX_TEXT_CHARACTERS, Sidecar, assemble
from extension.core.errors import SettingsError
from extension.core.shelf import Fetched
from extension.world import World
from tests.samples import NOW, OWN, secret, secret_arn, secret_query

if TYPE_CHECKING:
    from pathlib import Path

SOUND = {"AWS_SESSION_TOKEN": "planted", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
TABLE = '[prefetch."secretsmanager://db"]\nttl = 7\n'


def assembled(**settings: str) -> Sidecar:
    """Assemble with these settings beside sound credentials."""
    return assemble(
        World(
            environment=SOUND | settings,
            clock=lambda: 1e9,
            monotonic=lambda: 0.0,
            chance=lambda: 0.0,
            wait=lambda _seconds: None,
        )
    )


def labels(sidecar: Sidecar) -> list[str]:
    """Return what is to be prefetched."""
    return sorted(query.label for query in sidecar.prefetch.queries)


@pytest.mark.parametrize("text", [TABLE, "\ufeff" + TABLE], ids=["plain", "with a mark"])
def test_reads_a_configuration_file(tmp_path: Path, text: str) -> None:
    """Also one that an editor has put a byte order mark into."""
    file = tmp_path / "sidekey.toml"
    file.write_text(text, encoding="utf-8")
    sidecar = assembled(SIDEKEY_CONFIG=str(file))
    assert (labels(sidecar), sidecar.problems) == (["secretsmanager://db"], ())


def test_a_reference_s_own_ttl_counts_by_whatever_name_it_is_read(tmp_path: Path) -> None:
    """Configured by name, read by ARN."""
    file = tmp_path / "sidekey.toml"
    file.write_text(TABLE, encoding="utf-8")
    shelf = assembled(SIDEKEY_CONFIG=str(file), AWS_REGION="eu-west-1").store.shelf
    shelf.own_account = OWN
    entry = shelf.keep(secret_query(secret_arn("db")), Fetched(value=secret("db")), NOW, keep=True).entry
    assert entry is not None
    assert entry.times.expires_at == NOW + 7


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe", "SIDEKEY_CONFIG names a file that cannot be read: not UTF-8"),
        (b"#" * (MAX_TEXT_CHARACTERS + 1), f"cannot be read: it has more than {MAX_TEXT_CHARACTERS} characters"),
        (b"[prefetch", "SIDEKEY_CONFIG is not TOML: "),
    ],
)
def test_a_file_that_is_no_configuration_is_said(tmp_path: Path, content: bytes, problem: str) -> None:
    """And what is listed elsewhere counts all the same."""
    file = tmp_path / "sidekey.toml"
    file.write_bytes(content)
    sidecar = assembled(SIDEKEY_CONFIG=str(file), SIDEKEY_PREFETCH="ssm:///key")
    assert labels(sidecar) == ["ssm:///key"]
    assert problem in sidecar.problems[0]


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    """A folder, and what is not there."""
    assert assembled(SIDEKEY_CONFIG=str(tmp_path)).problems == (
        "SIDEKEY_CONFIG names a file that cannot be read: Is a directory",
    )
    assert "No such file" in assembled(SIDEKEY_CONFIG=str(tmp_path / "absent")).problems[0]


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    """The function's start would wait with us."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert labels(assembled(SIDEKEY_CONFIG=str(pipe))) == []


def test_a_wish_of_the_file_says_more_than_one_of_the_list(tmp_path: Path) -> None:
    """One secret is wished for once, with the options of its table."""
    file = tmp_path / "sidekey.toml"
    file.write_text('[prefetch."secretsmanager://db"]\nrequired = true\nrole = "arn:aws:iam::123456789012:role/r"\n')
    sidecar = assembled(SIDEKEY_CONFIG=str(file), SIDEKEY_PREFETCH="secretsmanager://db,secretsmanager://db#key")
    assert labels(sidecar) == ["secretsmanager://db?roleArn=arn:aws:iam::123456789012:role/r"]


def test_without_a_token_every_problem_is_told() -> None:
    """All at once, and none with the value that was set."""
    with pytest.raises(SettingsError) as caught:
        assembled(AWS_SESSION_TOKEN="", SECRETS_MANAGER_TTL="planted", AWS_ENDPOINT_URL="planted", SIDEKEY_PLANTED="1")
    told = caught.value.problems
    assert [problem.partition(" ")[0] for problem in told] == [
        "SIDEKEY_PLANTED",
        "SECRETS_MANAGER_TTL",
        "AWS_ENDPOINT_URL",
        "there",
    ]
    assert "planted" not in " ".join(told)


@pytest.mark.parametrize("name", ["CACHE_ENABLED", "CACHE_SIZE"])
def test_without_a_cache_there_is_no_prefetch(name: str) -> None:
    """Nothing could be kept of it."""
    off = {"PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED": "false", "PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE": "0"}
    variable = f"PARAMETERS_SECRETS_EXTENSION_{name}"
    assert labels(assembled(SIDEKEY_PREFETCH="ssm:///key", **{variable: off[variable]})) == []
