"""What all connections of the back share: the application, the memo, the clock, and the seats.

seats free, or an idle client gives way ──► client
none, but one of two more seats          ──► may ask for /ping, once
none                                     ──► 429
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from extension.core.refusals import whereabouts

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from extension.back.gate import Gate
    from extension.core.wire import Application
    from extension.memo import Memo

    Seat = Literal["client", "ping", "none"]

_PING_SEATS = 2


class _Reporter(logging.Handler):
    """Passes what aiohttp complains about on: its words and the fault's place, without what they were about."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__()
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record unformatted, for its arguments could hold anything."""
        fault = record.exc_info[1] if record.exc_info else None
        self._report(f"aiohttp: {record.msg}" + (f" ({whereabouts(fault)})" if fault else ""))


class Hall:
    """The connections' common ground; all of it but `call_from_thread` belongs to the loop's thread."""

    def __init__(
        self,
        application: Application,
        *,
        memo: Memo,
        clock: Callable[[], float],
        report: Callable[[str], None],
        max_clients: int,
        head_timeout_seconds: float,
    ) -> None:
        self.application = application
        self.memo = memo
        self.clock = clock
        self.report = report
        self.max_clients = max_clients
        self.head_timeout_seconds = head_timeout_seconds
        self.stopping = False
        self.clients: set[Gate] = set()
        self.empty = asyncio.Event()
        self.empty.set()
        self.logger = logging.Logger("sidekey.back", logging.WARNING)  # noqa: LOG001 - a global one would gather handlers
        self.logger.addHandler(_Reporter(report))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._uses = 0

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take calls from threads to `loop` from now on."""
        self._loop = loop
        loop.set_exception_handler(self._complain)

    def call_from_thread(self, call: Callable[..., None], *arguments: Any) -> None:
        """Call on the loop's thread; after the loop's end, not at all."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(call, *arguments)

    def _complain(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report what the event loop has to say, by type and place alone."""
        fault = context.get("exception")
        self.report(f"event loop: {context['message']}" + (f" ({whereabouts(fault)})" if fault else ""))

    def count_use(self) -> int:
        """Return the number of this use, which tells without a clock who has been idle longest."""
        self._uses += 1
        return self._uses

    def admit(self, client: Gate) -> Seat:
        """Give a client a seat."""
        while len(self.clients) >= self.max_clients and self._make_room():
            pass
        beyond = len(self.clients) - self.max_clients
        seat: Seat = "client" if beyond < 0 else "ping" if beyond < _PING_SEATS else "none"
        client.used_at = self.count_use()
        if seat != "none":
            self.clients.add(client)
            self.empty.clear()
        return seat

    def _make_room(self) -> bool:
        """Part with the client that has been idle longest; False where none is."""
        idle = [client for client in self.clients if client.idle]
        if not idle:
            return False
        longest = min(idle, key=_last_use)
        self.leave(longest)
        longest.force_close()
        return True

    def leave(self, client: Gate) -> None:
        """Take a client's seat back."""
        self.clients.discard(client)
        if not self.clients:
            self.empty.set()


def _last_use(client: Gate) -> int:
    """Tell since when a client may have been idle."""
    return client.used_at
