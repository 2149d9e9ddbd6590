"""Names into addresses, within a bound; and for a moment remembered, for a prefetch dials ten times at once.

Law: what is remembered is as old as the wall clock says, so nothing outlives a freeze; a failure is not remembered.
"""

from __future__ import annotations

import _socket
import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Address = tuple[int, int, int, str, Any]
    Resolve = Callable[[str, int, float], Sequence[Address]]

KEPT_SECONDS = 0.5
"""As long as the dials of a prefetch take on a small function; a name that has changed since is soon found out."""
MOST_NAMES = 100
"""Beyond as many all are forgotten: callers choose the regions."""


class Names:
    """Looks up each name once in a while; `wall` gives epoch seconds."""

    def __init__(self, wall: Callable[[], float], resolve: Resolve | None = None) -> None:
        """Know none yet."""
        self._wall = wall
        self._resolve = resolve or look_up
        self._known: dict[tuple[str, int], tuple[float, Sequence[Address]]] = {}

    def __call__(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        """Return the addresses of `host`, known or looked up within `seconds`."""
        asked_at, addresses = self._known.get((host, port), (0.0, ()))
        now = self._wall()
        if not addresses or not 0 <= now - asked_at < KEPT_SECONDS:
            addresses = self._resolve(host, port, seconds)
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            self._known[host, port] = (now, addresses)
        return addresses


def look_up(host: str, port: int, seconds: float) -> Sequence[Address]:
    """Resolve a name within `seconds`: in a thread of its own, for the C library's resolver knows no bound.

    The name is given as bytes: a string would import the idna codec, and `re` with it.
    """
    if not host.isascii():
        raise _socket.gaierror(_socket.EAI_NONAME, "the name is not one that DNS knows")
    name = host.encode()
    try:
        return _socket.getaddrinfo(name, port, 0, _socket.SOCK_STREAM, 0, _socket.AI_NUMERICHOST)
    except _socket.gaierror:
        return _look_up_in_thread(name, port, seconds)


def _look_up_in_thread(name: bytes, port: int, seconds: float) -> Sequence[Address]:
    outcome: list[Sequence[Address] | OSError] = []
    done = _thread.allocate_lock()
    done.acquire()
    _thread.start_new_thread(_look_up_into, (outcome, done, name, port))
    if not done.acquire(timeout=seconds):
        raise TimeoutError
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    return outcome[0]


def _look_up_into(outcome: list[Any], done: _thread.LockType, name: bytes, port: int) -> None:
    try:
        outcome.append(_socket.getaddrinfo(name, port, 0, _socket.SOCK_STREAM))
    except OSError as error:
        outcome.append(error)
    finally:
        done.release()
