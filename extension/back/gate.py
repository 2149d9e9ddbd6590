"""One client's connection as aiohttp sees it: behind a gate that lets in one sound request at a time.

    bytes ──► memo ──known──────────────────────────────► bytes
               └──► conversation ──refusal──► linger
                         └──request──► aiohttp ──► respond ──► application

Law: what is refused, in which words, and what becomes of the connection is decided by the same code as in the front;
aiohttp meets only heads that were read already, and written anew. Nothing is read while an answer is owed or unsent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from aiohttp import web

from extension.back.exchange import Exchange, rendered, settle
from extension.core.conversation import Conversation
from extension.core.head import HEAD_LIMIT
from extension.core.refusals import ask, crashed, slow_head, too_many_clients, whereabouts
from extension.core.wire import Response, encode

if TYPE_CHECKING:
    from extension.back.hall import Hall

_FOR_EVER_SECONDS = 10 * 365 * 86400.0


class Gate(web.RequestHandler):
    """aiohttp's connection, with the front's manners."""

    def __init__(self, hall: Hall, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=_FOR_EVER_SECONDS,
            tcp_keepalive=False,
            access_log=None,  # type: ignore[arg-type]
            logger=hall.logger,
            max_line_size=HEAD_LIMIT,
            max_field_size=HEAD_LIMIT,
            max_headers=HEAD_LIMIT,
        )
        self.used_at = 0
        self._hall = hall
        self._talk = Conversation()
        self._use_memo = True
        self._exchange: Exchange | None = None
        self._stalled = False
        self._closing = False
        self._half_closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0

    @property
    def owed(self) -> bool:
        """Whether the client waits for an answer, or for the rest of one."""
        return self._exchange is not None or self._stalled

    @property
    def idle(self) -> bool:
        """Whether the client has begun nothing and waits for nothing."""
        return not (self.owed or self._talk.unfinished or self._talk.ping_only)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the seat that the hall gives, or leave."""
        super().connection_made(transport)
        self._wire.set_write_buffer_limits(high=0)
        seat = self._hall.admit(self)
        if seat == "ping":
            self._talk = Conversation(ping_limit=self._hall.max_clients)
            self._use_memo = False
            self._start_timer()
        elif seat == "none":
            self._refuse(too_many_clients(self._hall.max_clients))
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the hall; an answer still to come will find nobody."""
        self._stop_timer()
        self._talk.close()
        self._closing = True
        self._hall.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer what has become whole, from the memo if these bytes are one known request; after the last, nothing."""
        if self._closing:
            return
        now = self._hall.clock()
        if self._use_memo and not self.owed:
            ready = self._hall.memo.recall(data, now)
            if ready is not None:
                self.used_at = self._hall.count_use()
                self._send(ready.answer, close=ready.close)
                return
        self._talk.hear(data)
        if self.owed:
            self._wire.pause_reading()
        else:
            self._proceed(now)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a half-closed connection open for the answer it is owed."""
        self._half_closed = True
        return self._exchange is not None

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        super().pause_writing()
        self._stalled = True
        self._wire.pause_reading()
        self._start_timer()

    def resume_writing(self) -> None:
        """Take up reading where it was left."""
        super().resume_writing()
        self._stalled = False
        self._stop_timer()
        self._resume()

    @property
    def _wire(self) -> asyncio.Transport:
        """The transport, as long as the connection is there."""
        assert self.transport is not None
        return self.transport

    def _proceed(self, now: float) -> None:
        """Hand over or refuse what was heard, until one request has to wait."""
        while self._talk.unfinished and not self.owed:
            heard = self._talk.next()
            if heard is None:
                self._start_timer()
                break
            self._stop_timer()
            if isinstance(heard, Response):
                self._refuse(heard)
            else:
                self._exchange = Exchange(*heard, now, self._loop.create_future())
                super().data_received(self._exchange.head())
        self._use_memo = not (self._talk.unfinished or self._closing)

    async def respond(self) -> web.Response:
        """Ask the application for the request in hand: aiohttp's handler."""
        exchange = cast("Exchange", self._exchange)
        hall = self._hall

        def deliver(response: Response) -> None:
            hall.call_from_thread(settle, exchange.response, response)

        response = ask(hall.application, exchange.request, exchange.now, deliver, hall.report)
        if response is None:
            response = await exchange.response
        exchange.close |= hall.stopping or self._talk.ping_only
        return self._render(exchange, response)

    def _render(self, exchange: Exchange, response: Response) -> web.Response:
        """Write the response for aiohttp; one that cannot be written is the application's fault, not the client's."""
        try:
            form = rendered(response, exchange)
            if response.lease is not None and not (self._hall.stopping or self._talk.ping_only):
                payload = encode(response, exchange.request, close=exchange.close)
                self._hall.memo.put(
                    exchange.raw, payload, response.lease, exchange.now, size=len(payload), close=exchange.close
                )
        except Exception as error:  # noqa: BLE001 - the client shall hear of it all the same
            self._hall.report(f"a response could not be written: {whereabouts(error)}")
            form = rendered(crashed(), exchange)
        return form

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Let aiohttp send the response, then go on with what the client has sent meanwhile."""
        finished = await super().finish_response(request, resp, start_time)
        exchange, self._exchange = self._exchange, None
        self.used_at = self._hall.count_use()
        self._closing = exchange is None or exchange.close
        self._resume()
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - the signature is aiohttp's
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer for a fault of aiohttp's in the words of all our faults."""
        self._hall.report(f"aiohttp failed on a request ({status}): {whereabouts(exc) if exc else 'for no reason'}")
        exchange = cast("Exchange", self._exchange)
        exchange.close = True
        return rendered(crashed(), exchange)

    def _resume(self) -> None:
        """Proceed; if then nothing is owed, read again, or part with a client that has said all."""
        if self.transport is None or self._closing:
            return
        self._proceed(self._hall.clock())
        if self.owed or self.transport is None:
            return
        if self._half_closed:
            self.force_close()
        else:
            self.transport.resume_reading()

    def _send(self, payload: bytes, *, close: bool) -> None:
        """Send ready bytes."""
        self._wire.write(payload)
        if close:
            self._closing = True
            self.force_close()

    def _refuse(self, response: Response) -> None:
        """Answer what is no request, or comes too late; then let the client finish its say, but hear it no more."""
        self._talk.close()
        self._closing = True
        self._use_memo = False
        self._wire.write(encode(response, None, close=True))
        self._wire.write_eof()
        self._start_timer()

    def _start_timer(self) -> None:
        """Wait for the client's next step, but not for ever."""
        if self._timer is None:
            self._unsent = self._wire.get_write_buffer_size()
            self._timer = self._loop.call_later(self._hall.head_timeout_seconds, self._expire)

    def _stop_timer(self) -> None:
        """Let the client take its time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        """End the wait for a head with a refusal, any other with a close; a client that reads on gets more time."""
        self._timer = None
        if self._talk.unfinished and not self._stalled:
            self._refuse(slow_head(self._hall.head_timeout_seconds))
        elif self._stalled and self._wire.get_write_buffer_size() < self._unsent:
            self._start_timer()
        else:
            self._wire.abort()

    def abandon(self, response: Response) -> None:
        """End with `response` if an answer is owed, and without a word if not."""
        if self._exchange is None:
            self.force_close()
        else:
            settle(self._exchange.response, response)
