"""Each test of the contract runs against every shell."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fakes import FakeApplication
from tests.contract.shells import SHELLS, Running, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def application() -> FakeApplication:
    """Make the application behind the shell."""
    return FakeApplication()


@pytest.fixture(params=SHELLS)
def start(request: pytest.FixtureRequest, application: FakeApplication) -> Iterator[Callable[..., Running]]:
    """Start the shell with settings of the test's own."""
    with contextlib.ExitStack() as stack:

        def begin(**settings: Any) -> Running:
            return stack.enter_context(started(request.param, application, **settings))

        yield begin


@pytest.fixture
def shell(start: Callable[..., Running]) -> Running:
    """Start the shell with its defaults."""
    return start()
