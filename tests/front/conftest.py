"""A front at work, for what concerns it alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.fakes import FakeApplication
from tests.contract.shells import Running, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def application() -> FakeApplication:
    """Make the application behind the front."""
    return FakeApplication()


@pytest.fixture
def start(application: FakeApplication) -> Iterator[Callable[..., Running]]:
    """Start a front with settings of the test's own."""
    with contextlib.ExitStack() as stack:

        def begin(**settings: Any) -> Running:
            return stack.enter_context(started("front", application, **settings))

        yield begin
