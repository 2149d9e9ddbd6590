"""The back: aiohttp's application on uvloop, every connection behind a gate, every request to our application.

Law: front and back answer the same request in the same words, and stop in the same way.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, cast

import uvloop
from aiohttp import web

from extension.back.gate import Gate
from extension.back.hall import Hall
from extension.core.refusals import stopping

if TYPE_CHECKING:
    import _socket
    from collections.abc import Awaitable, Callable

    from extension.core.wire import Application
    from extension.memo import Memo

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BACKLOG = 512
_LAST_WORDS_SECONDS = 1.0


class Back:
    """The daemon profile's server over listeners that are bound already; `run` serves until `stop`."""

    def __init__(
        self,
        listeners: list[_socket.socket],
        application: Application,
        *,
        memo: Memo,
        clock: Callable[[], float],
        report: Callable[[str], None],
        max_clients: int = 256,
        head_timeout_seconds: float = 10.0,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    ) -> None:
        self._listeners = listeners
        self._loop_factory = loop_factory
        self._grace_seconds: float | None = None
        self._asked_to_stop = asyncio.Event()
        self._hall = Hall(
            application,
            memo=memo,
            clock=clock,
            report=report,
            max_clients=max_clients,
            head_timeout_seconds=head_timeout_seconds,
        )

    def run(self) -> None:
        """Serve until stopped, on this thread."""
        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(self._serve())
        self._hall.memo.forget()

    def stop(self, grace_seconds: float) -> None:
        """End `run`: nobody new comes in, idle clients go, answers that are owed may take `grace_seconds`."""
        self._grace_seconds = grace_seconds
        self._hall.call_from_thread(self._asked_to_stop.set)

    async def _serve(self) -> None:
        """Listen until asked to stop."""
        loop = asyncio.get_running_loop()
        self._hall.open(loop)
        if self._grace_seconds is not None:
            self._asked_to_stop.set()
        runner = web.AppRunner(_application(), access_log=None, logger=self._hall.logger, shutdown_timeout=0.1)
        await runner.setup()

        def open_gate() -> Gate:
            return Gate(self._hall, cast("web.Server", runner.server), loop)

        servers = [await _listen(loop, open_gate, listener) for listener in self._listeners]
        await self._asked_to_stop.wait()
        await self._stop(servers)
        await runner.cleanup()

    async def _stop(self, servers: list[asyncio.AbstractServer]) -> None:
        """Hear what has arrived by now, let the idle go, and wait for the rest as long as the grace lasts."""
        hall = self._hall
        hall.stopping = True
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for server in servers:
            server.close()
        for client in [client for client in hall.clients if not client.owed]:
            client.force_close()
        if not await _within(cast("float", self._grace_seconds), hall.empty):
            for client in list(hall.clients):
                client.abandon(stopping())
            await _within(_LAST_WORDS_SECONDS, hall.empty)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for an event, and tell whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def _listen(
    loop: asyncio.AbstractEventLoop, open_gate: Callable[[], Gate], listener: _socket.socket
) -> asyncio.AbstractServer:
    """Accept on a listener, TCP or Unix, through the socket class that event loops want."""
    sock = socket.socket(listener.family, listener.type, listener.proto, listener.detach())
    create = loop.create_unix_server if sock.family == socket.AF_UNIX else loop.create_server
    return await create(open_gate, sock=sock, backlog=_BACKLOG)


def _application() -> web.Application:
    """Make aiohttp's application: a middleware, for it is asked whatever the router thinks of the path."""
    application = web.Application(middlewares=[_answer])
    application.on_response_prepare.append(_leave_nameless)
    return application


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001 - aiohttp gives it by name
    """Let the connection's gate answer."""
    return await cast("Gate", request.protocol).respond()


async def _leave_nameless(_request: web.Request, response: web.StreamResponse) -> None:
    """Take away what aiohttp adds: the front sends neither."""
    response.headers.pop("Date", None)
    response.headers.pop("Server", None)
