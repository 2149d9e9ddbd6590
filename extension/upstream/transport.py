"""Requests in, responses out, over connections that are kept alive and never trusted to still be.

Law: a connection idle for 20 s of *wall clock* is dropped, because the monotonic clock stands still while Lambda has
the environment frozen and the peer has not. A request that dies on a *reused* connection before any byte of its
response is sent once more, on a new one; so is, once, one that was frozen with us. The connection used last is used
next. New ones are dialled two at a time: ten handshakes at once would hold up the first answer, and more connections
than are needed would be made; but nobody waits long for his turn. Every failure leaves as an UpstreamError that names
the host, and never a header or a body.
"""

from __future__ import annotations

import _socket
import _ssl
import _thread
from itertools import count

from extension.core.errors import TimedOut, Unreachable
from extension.upstream.bound import Bound, FrozenError
from extension.upstream.http1 import BrokenResponseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.errors import UpstreamError
    from extension.upstream.connection import Connection, Dialer
    from extension.upstream.http1 import Response
    from extension.upstream.origin import Origin

IDLE_SECONDS = 20.0
_MOST_IDLE = 16
_LANES = 2
_TURN_SECONDS = 0.02
"""A dial that takes longer waits for the network, not for the CPU: then the others need not wait for it."""


class Transport:
    """A pool of connections per origin, for any number of threads."""

    def __init__(
        self,
        dialer: Dialer,
        *,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        idle_seconds: float = IDLE_SECONDS,
        turn_seconds: float = _TURN_SECONDS,
    ) -> None:
        """Take the clocks: `wall` tells what is too old, `monotonic` bounds an attempt."""
        self._dialer = dialer
        self._wall = wall
        self._monotonic = monotonic
        self._idle_seconds = idle_seconds
        self._idle: dict[Origin, list[Connection]] = {}
        self._lock = _thread.allocate_lock()
        self._turn_seconds = turn_seconds
        self._turns = count()
        self._lanes = [_thread.allocate_lock() for _ in range(_LANES)]

    def send(self, origin: Origin, request: bytes, *, attempt_seconds: float) -> Response:
        """Return the response to ready request bytes; TimedOut or Unreachable within `attempt_seconds`."""
        bound = Bound(attempt_seconds, self._monotonic, self._wall)
        try:
            try:
                return self._send(origin, request, bound)
            except FrozenError:
                return self._send(origin, request, bound)
        except (OSError, BrokenResponseError) as error:
            raise describe(error, origin, attempt_seconds) from error

    def close(self) -> None:
        """Close every idle connection (at shutdown, and after a snapshot: none may live through it)."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            _close_all(connections)

    def _send(self, origin: Origin, request: bytes, bound: Bound) -> Response:
        connection, is_new = self._connection(origin, bound)
        try:
            return self._exchange(origin, connection, request, bound)
        except (TimeoutError, FrozenError):
            raise
        except (OSError, BrokenResponseError):
            if is_new or connection.answering:
                raise
            self._forget(origin)
        return self._exchange(origin, self._dialer.open(origin, bound), request, bound)

    def _connection(self, origin: Origin, bound: Bound) -> tuple[Connection, bool]:
        """Return a connection, and whether it is new; who has waited for a turn to dial may find one free by then."""
        connection = self._take(origin)
        if connection is not None:
            return connection, False
        lane = self._lanes[next(self._turns) % len(self._lanes)]
        in_turn = lane.acquire(timeout=bound.left(self._turn_seconds))
        try:
            connection = self._take(origin)
            return (self._dialer.open(origin, bound), True) if connection is None else (connection, False)
        finally:
            if in_turn:
                lane.release()

    def _exchange(self, origin: Origin, connection: Connection, request: bytes, bound: Bound) -> Response:
        kept = False
        try:
            response, kept = connection.exchange(request, bound, self._dialer.read_seconds)
        finally:
            if not kept:
                connection.close()
        if kept:
            self._keep(origin, connection)
        return response

    def _take(self, origin: Origin) -> Connection | None:
        """Return the idle connection used last, or None; close those to anywhere that are too old by the wall clock."""
        with self._lock:
            old = self._sweep(self._wall())
            idle = self._idle.get(origin)
            taken = idle.pop() if idle else None
        _close_all(old)
        return taken

    def _sweep(self, now: float) -> list[Connection]:
        """Take the old connections out, and return them; a clock that jumped back makes them old as well."""
        old: list[Connection] = []
        for origin, idle in list(self._idle.items()):
            young = [one for one in idle if abs(now - one.idle_since) < self._idle_seconds]
            old += [one for one in idle if one not in young]
            self._idle[origin] = young
            if not young:
                del self._idle[origin]
        return old

    def _keep(self, origin: Origin, connection: Connection) -> None:
        connection.idle_since = self._wall()
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            idle.append(connection)
            surplus = [idle.pop(0)] if len(idle) > _MOST_IDLE else []
        _close_all(surplus)

    def _forget(self, origin: Origin) -> None:
        """Close the origin's idle connections: where one was found dead, its siblings are."""
        with self._lock:
            idle = self._idle.pop(origin, [])
        _close_all(idle)


def _close_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


def describe(error: Exception, origin: Origin, seconds: float) -> UpstreamError:
    """Put a failure into words: what happened, with which host, and what to look at."""
    place = f"{origin.host}:{origin.port}"
    if isinstance(error, TimeoutError):
        return TimedOut(f"no answer from {place} within {seconds:g} s; is there a route to it (VPC endpoint, NAT)?")
    if isinstance(error, _socket.gaierror):
        return Unreachable(f"the name {origin.host} could not be resolved: {error.strerror}")
    if isinstance(error, _ssl.SSLCertVerificationError):
        reason = error.verify_message
        return Unreachable(
            f"the certificate of {place} is not trusted: {reason}; AWS_CA_BUNDLE names another authority"
        )
    if isinstance(error, _ssl.SSLError):
        return Unreachable(f"TLS with {place} failed: {error.reason or error.strerror}")
    if isinstance(error, OSError):
        return Unreachable(f"no connection to {place}: {error.strerror or type(error).__name__}")
    return Unreachable(f"no usable answer from {place}: {error}")
