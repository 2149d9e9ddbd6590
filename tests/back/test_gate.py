"""The gate, where only a made-up transport shows what it does: aiohttp's own faults, and slow readers."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from extension.back.exchange import Exchange
from extension.back.gate import Gate
from extension.back.hall import Hall
from extension.core.wire import Request
from extension.memo import Memo
from tests.contract.fakes import FakeApplication

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REQUEST = Request(b"BREW", b"/a", b"HTTP/1.0", {}, keep_alive=True)


class FakeTransport(asyncio.Transport):
    """A transport with as much unsent as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.unsent = 100
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        """Tell what is unsent."""
        return self.unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take note of nothing."""

    def pause_reading(self) -> None:
        """Read nothing anyway."""

    def close(self) -> None:
        """Close nothing."""

    def abort(self) -> None:
        """Take note."""
        self.aborted = True


@pytest.fixture
def reports() -> list[str]:
    """Gather what is reported."""
    return []


@pytest.fixture
async def gate(reports: list[str]) -> AsyncIterator[Gate]:
    """Connect a gate to a fake transport."""
    loop = asyncio.get_running_loop()
    hall = Hall(
        FakeApplication(), memo=Memo(), clock=time.time, report=reports.append, max_clients=1, head_timeout_seconds=3600
    )
    gate = Gate(hall, web.Server(_unasked), loop)
    gate.connection_made(FakeTransport())
    yield gate
    gate.connection_lost(None)


async def _unasked(_request: web.BaseRequest) -> web.StreamResponse:
    """Stand where aiohttp wants a handler."""
    raise NotImplementedError


async def test_a_reader_that_gets_on_has_more_time(gate: Gate) -> None:
    """Only one that took nothing since the last look is cut off."""
    transport: Any = gate.transport
    gate.pause_writing()
    transport.unsent = 50
    gate._expire()
    assert not transport.aborted
    gate._expire()
    assert transport.aborted


async def test_a_fault_of_aiohttp_is_answered_in_our_words(gate: Gate, reports: list[str]) -> None:
    """And reported without its text."""
    gate._exchange = Exchange(REQUEST, b"", 0.0, asyncio.get_running_loop().create_future())
    answer: Any = gate.handle_error(None, 400, KeyError("s3cret"))  # type: ignore[arg-type]
    assert (answer.status, answer.headers["Connection"]) == (500, "close")
    assert b"its log says where" in answer.body
    assert reports == ["aiohttp failed on a request (400): KeyError at nowhere"]
