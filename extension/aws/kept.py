"""Credentials that are fetched once for all who want them, kept, and renewed before they expire.

Law: one thread at a time asks, and the others wait for what it gets, each within its own time. Who waited for an
attempt that failed shares that failure, unless it has more time than that attempt had: else as many threads would wait
one after the other for a source that hangs.
"""

from __future__ import annotations

import _thread

from extension.core.errors import TimedOut, Transient, UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.aws.retry import Deadline
    from extension.aws.signing import Credentials

REFRESH_MARGIN_SECONDS = 300.0
"""New ones are fetched so long before the old expire."""


class Kept:
    """The credentials of one source; whoever derives from it says in `_fetch` how they are asked for."""

    def __init__(self, about: str, start: Callable[[float], Deadline], wall: Callable[[], float]) -> None:
        """Ask for nothing yet; `about` names the source in messages, `start` begins a deadline."""
        self._about = about
        self._start = start
        self._wall = wall
        self._current: Credentials | None = None
        self._lock = _thread.allocate_lock()
        self._ended = 0
        self._failure: tuple[UpstreamError, float] | None = None

    def get(self, timeout_seconds: float) -> Credentials:
        """Return credentials that do not expire soon; ones that still work where no others can be had."""
        current = self._current
        if current is not None and self._lasts(current):
            return current
        try:
            return self._awaited(timeout_seconds, self._lasts)
        except Transient:
            current = self._current
            if current is None or self._expires_within(0, current):
                raise
            return current

    def renew(self, refused: Credentials, timeout_seconds: float) -> Credentials:
        """Return others than `refused`, which another thread may have fetched already."""
        return self._awaited(timeout_seconds, lambda current: current != refused)

    def ask_anew(self, timeout_seconds: float) -> None:
        """Fetch what the source gives now: somebody has a session token of it that we do not know."""
        self._awaited(timeout_seconds, lambda _current: False)

    def forget(self) -> None:
        """Drop what was fetched: nothing from before a snapshot is used after it."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        self._current = None

    def _lasts(self, credentials: Credentials) -> bool:
        return not self._expires_within(REFRESH_MARGIN_SECONDS, credentials)

    def _expires_within(self, seconds: float, credentials: Credentials) -> bool:
        return credentials.expires_at is not None and credentials.expires_at - seconds <= self._wall()

    def _awaited(self, timeout_seconds: float, suits: Callable[[Credentials], bool]) -> Credentials:
        """Return what suits, if there is any when it is our turn; else ask, or share the failure that we waited for."""
        ended = self._ended
        deadline = self._start(timeout_seconds)
        if not self._lock.acquire(timeout=max(0.0, deadline.left())):
            msg = f"{self._about}: no answer within {deadline.seconds:g} s"
            raise TimedOut(msg)
        try:
            if self._current is not None and suits(self._current):
                return self._current
            left = deadline.attempt(deadline.seconds, self._about)
            if self._failure is not None and self._ended != ended and left <= self._failure[1]:
                raise self._failure[0].copy()
            return self._attempt(deadline, left)
        finally:
            self._lock.release()

    def _attempt(self, deadline: Deadline, seconds: float) -> Credentials:
        """Ask, and leave word of how it ended to those who wait for it."""
        self._failure = None
        try:
            self._current = self._fetch(deadline)
        except UpstreamError as error:
            self._failure = error.copy(), seconds
            raise
        finally:
            self._ended += 1
        return self._current

    def _fetch(self, deadline: Deadline) -> Credentials:
        """Ask the source, within the time that is left."""
        raise NotImplementedError
