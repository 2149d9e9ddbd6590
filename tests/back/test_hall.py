"""The hall: what it passes on of others' complaints, and to whom it gives seats."""

from __future__ import annotations

import asyncio
import time

import pytest

from extension.back.hall import Hall
from extension.memo import Memo
from tests.contract.fakes import FakeApplication


@pytest.fixture
def reports() -> list[str]:
    """Gather what is reported."""
    return []


@pytest.fixture
def hall(reports: list[str]) -> Hall:
    """Make a hall with one seat."""
    return Hall(
        FakeApplication(), memo=Memo(), clock=time.time, report=reports.append, max_clients=1, head_timeout_seconds=10.0
    )


def secret_fault() -> KeyError:
    """Make an exception that holds what must not be seen."""
    return KeyError("s3cret")


def test_passes_on_what_aiohttp_logs(hall: Hall, reports: list[str]) -> None:
    """Its words and the type of the fault; neither the arguments nor the fault's text."""
    hall.logger.error("Error handling %s", "s3cret", exc_info=secret_fault())
    hall.logger.info("not worth a word")
    assert reports == ["aiohttp: Error handling %s (KeyError at nowhere)"]


async def test_passes_on_what_the_event_loop_says(hall: Hall, reports: list[str]) -> None:
    """In the same way."""
    loop = asyncio.get_running_loop()
    hall.open(loop)
    loop.call_exception_handler({"message": "Unhandled", "exception": secret_fault()})
    loop.call_exception_handler({"message": "Odd"})
    assert reports == ["event loop: Unhandled (KeyError at nowhere)", "event loop: Odd"]


def test_a_call_before_the_loop_or_after_it_is_dropped(hall: Hall) -> None:
    """An answer that comes then has nobody to go to."""
    called: list[int] = []
    hall.call_from_thread(called.append, 1)
    loop = asyncio.new_event_loop()
    hall.open(loop)
    loop.close()
    hall.call_from_thread(called.append, 2)
    assert called == []
