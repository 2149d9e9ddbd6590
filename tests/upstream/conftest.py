"""An authority of our own, and transports that trust it."""

from __future__ import annotations

import pytest

from extension.upstream.connection import Dialer, Limits
from extension.upstream.tls import Trust
from extension.upstream.transport import Transport
from tests.servers.authority import Authority
from tests.servers.clock import Clock


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that vouches for the test servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def wall() -> Clock:
    """Return a wall clock that stands still until it is set."""
    return Clock()


@pytest.fixture
def dialer(authority: Authority) -> Dialer:
    """Return a dialer that trusts the authority alone."""
    return Dialer(Trust([authority.bundle]), Limits(connect_seconds=1.0, read_seconds=10.0))


@pytest.fixture
def transport(dialer: Dialer, wall: Clock) -> Transport:
    """Return a transport whose attempts never end by time."""
    return Transport(dialer, wall=wall, monotonic=Clock())
