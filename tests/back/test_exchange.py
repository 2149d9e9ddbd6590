"""What aiohttp is given to read and to write."""

from __future__ import annotations

import asyncio

import pytest

from extension.back.exchange import Exchange, rendered, settle
from extension.core.wire import Request, Response


def exchange(method: bytes, version: bytes = b"HTTP/1.1", *, kept: bool = True) -> Exchange:
    """Make one, with headers that aiohttp would refuse."""
    request = Request(method, b"/a?b", version, {b"content-type": b"a, b"}, keep_alive=kept)
    return Exchange(request, b"raw", 0.0, asyncio.get_running_loop().create_future())


@pytest.mark.parametrize(
    ("method", "version", "kept", "head"),
    [
        (b"GET", b"HTTP/1.1", True, b"GET /a?b HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"),
        (b"HEAD", b"HTTP/1.1", False, b"HEAD /a?b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        (b"BREW", b"HTTP/1.0", True, b"GET /a?b HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"),
    ],
)
async def test_aiohttp_reads_a_head_of_ours(method: bytes, version: bytes, kept: bool, head: bytes) -> None:
    """With nothing of the client's but the target, so that there is nothing to refuse."""
    assert exchange(method, version, kept=kept).head() == head


async def test_aiohttp_writes_our_fields() -> None:
    """In our order, and says what becomes of the connection."""
    form = rendered(Response(429, b"{}", headers=(("Retry-After", "1"),)), exchange(b"GET", kept=False))
    assert (form.status, form.reason, form.keep_alive) == (429, "Too Many Requests", False)
    assert list(form.headers) == ["Content-Type", "Content-Length", "Cache-Control", "Retry-After", "Connection"]


async def test_the_first_answer_counts() -> None:
    """A second one, or one that nobody waits for any more, is dropped."""
    answered, gone = exchange(b"GET").response, exchange(b"GET").response
    first = Response(200, b"1")
    settle(answered, first)
    settle(answered, Response(200, b"2"))
    gone.cancel()
    settle(gone, first)
    assert answered.result() is first
