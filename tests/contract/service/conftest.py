"""Each test of the service runs against both profiles; what needs no settings of its own shares one process each."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import SampleAws
from tests.contract.service.process import PROFILES, Service
from tests.contract.service.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """Start moto."""
    with SampleAws() as aws:
        upstream = Upstream(aws)
        yield upstream
        upstream.close()


@pytest.fixture(scope="session", params=PROFILES)
def service(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Service]:
    """Start the service with its defaults."""
    with Service(request.param, upstream.url) as running:
        yield running


@pytest.fixture(params=PROFILES)
def start(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Callable[..., Service]]:
    """Start the service with settings of the test's own."""
    with contextlib.ExitStack() as stack:

        def begin(url: str = upstream.url, **settings: str) -> Service:
            return stack.enter_context(Service(request.param, url, settings))

        yield begin
