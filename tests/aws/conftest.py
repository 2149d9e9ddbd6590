"""An exchange with a scripted AWS: a clock that is set by hand, no jitter, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.aws.endpoints import EndpointSettings
from extension.aws.exchange import Exchange
from extension.aws.retry import Retry
from extension.upstream.connection import Dialer, Limits
from extension.upstream.tls import Trust
from extension.upstream.transport import Transport
from tests.servers.clock import Clock
from tests.servers.scripted import ScriptedServer, reply

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def wall() -> Clock:
    """Return the wall clock: it stands still until it is set."""
    return Clock()


@pytest.fixture
def pauses() -> list[float]:
    """Return the list that pauses between attempts go to."""
    return []


@pytest.fixture
def retry(pauses: list[float]) -> Retry:
    """Return a Retry that pauses for the longest time, without spending any."""
    return Retry(monotonic=Clock(), chance=lambda: 1.0, wait=pauses.append, deadline_seconds=60.0)


@pytest.fixture
def transport(wall: Clock) -> Iterator[Transport]:
    """Return a transport to this machine."""
    transport = Transport(Dialer(Trust(), Limits()), wall=wall, monotonic=Clock())
    yield transport
    transport.close()


@pytest.fixture
def aws() -> Iterator[ScriptedServer]:
    """Return a server that answers `{}` until it gets another script."""
    with ScriptedServer([reply(b"{}")]) as server:
        yield server


@pytest.fixture
def exchange(aws: ScriptedServer, transport: Transport, retry: Retry, wall: Clock) -> Exchange:
    """Return an exchange whose every endpoint is the scripted server."""
    endpoints, _ = EndpointSettings.from_env({"AWS_ENDPOINT_URL": aws.url})
    return Exchange(transport, endpoints, retry, wall)
