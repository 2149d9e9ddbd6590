"""What the tests of speed share: an AWS over TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.authority import Authority
from tests.servers.fake_aws import FakeAws
from tests.servers.scripted import ScriptedServer
from tests.speed.start import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that vouches for the AWS."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def aws(authority: Authority) -> Iterator[ScriptedServer]:
    """Serve what is prefetched."""
    contents = FakeAws()
    contents.put_secret("one", SecretString="planted-1")
    contents.put_secret("two", SecretString="planted-2")
    contents.put_parameter("/three", "planted-3")
    with ScriptedServer([contents], tls=authority.context("localhost"), host="localhost") as server:
        yield server


@pytest.fixture(scope="session")
def boot(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what the layer starts."""
    return lay_out(tmp_path_factory.mktemp("layer"))
