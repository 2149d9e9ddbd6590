"""One request on its way through aiohttp, and the response in aiohttp's form.

Law: aiohttp decides nothing; what it sends is, byte for byte, what the front would send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from extension.core.wire import fields

if TYPE_CHECKING:
    import asyncio

    from extension.core.wire import Request, Response


class Exchange:
    """One request on its way through aiohttp."""

    __slots__ = ("close", "now", "raw", "request", "response")

    def __init__(self, request: Request, raw: bytes, now: float, response: asyncio.Future[Response]) -> None:
        self.request = request
        self.raw = raw
        self.now = now
        self.response = response
        self.close = not request.keep_alive

    def head(self) -> bytes:
        """Write a head for aiohttp, which refuses some that are sound (unknown methods, repeated headers).

        What it decides by itself, whether a body is sent and whether the connection is kept, it decides as we do.
        """
        request = self.request
        method = b"HEAD" if request.method == b"HEAD" else b"GET"
        kept = b"keep-alive" if request.keep_alive else b"close"
        return b"%b %b %b\r\nHost: localhost\r\nConnection: %b\r\n\r\n" % (
            method,
            request.target,
            request.version,
            kept,
        )


def settle(future: asyncio.Future[Response], response: Response) -> None:
    """Give a waiting handler its response, unless it has one or is gone."""
    if not future.done():
        future.set_result(response)


def rendered(response: Response, exchange: Exchange) -> web.Response:
    """Put a response into aiohttp's form, with all its header fields in our order."""
    headers = fields(response, exchange.request.version, close=exchange.close)
    form = web.Response(status=response.status, reason=response.reason, body=response.body, headers=headers)
    if exchange.close:
        form.force_close()
    return form
