"""A sample AWS, and an authority that vouches for the servers before it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import SampleAws
from tests.servers.authority import Authority
from tests.servers.faulty import FaultyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def aws() -> Iterator[SampleAws]:
    """Serve one sample AWS for all tests of this process."""
    with SampleAws() as sample:
        yield sample


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that vouches for the test servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def faulty(aws: SampleAws, authority: Authority) -> Iterator[FaultyServer]:
    """Stand before the sample AWS, over TLS."""
    with FaultyServer(aws.endpoint, authority.context("localhost")) as server:
        yield server


@pytest.fixture(scope="session")
def new_secret(aws: SampleAws) -> Callable[[], str]:
    """Return what makes a secret that no other test has; its value is `sample-1`."""

    def make() -> str:
        name = f"fresh/{next(_NUMBERS)}"
        aws.client("secretsmanager").create_secret(Name=name, SecretString="sample-1")
        return name

    return make
