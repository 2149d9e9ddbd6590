"""Trying again: what may pass by itself is asked for again, within one bound for all attempts together.

Law: no pause that would end past the bound is begun; then the last error counts. `wait` is injected and may raise
Stopping, which ends it at once.
"""

from __future__ import annotations

from itertools import count

from extension.core.backoff import backoff_seconds
from extension.core.errors import Stopping, Throttled, TimedOut, Transient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

ATTEMPTS = 6
ATTEMPT_SECONDS = 3.0
DEADLINE_SECONDS = 10.0


class Deadline:
    """The end of a whole call, on the injected monotonic clock."""

    __slots__ = ("_end", "_monotonic", "seconds")

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        """Start now, for `seconds`."""
        self.seconds = seconds
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, less than nothing when it is over."""
        return self._end - self._monotonic()

    def attempt(self, most: float, about: str) -> float:
        """Return the seconds for one attempt, at most `most`; TimedOut if it is over."""
        left = self.left()
        if left <= 0:
            msg = f"{about}: no answer within {self.seconds:g} s"
            raise TimedOut(msg)
        return min(left, most)


class Retry:
    """Up to `attempts` of anything that fails with Transient errors."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        chance: Callable[[], float],
        wait: Callable[[float], None],
        attempts: int = ATTEMPTS,
        attempt_seconds: float = ATTEMPT_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Take clock, dice and patience; the bounds hold where a caller names none."""
        self._monotonic = monotonic
        self._chance = chance
        self._wait = wait
        self._attempts = attempts
        self.attempt_seconds = attempt_seconds
        self._deadline_seconds = deadline_seconds

    def deadline(self, timeout_seconds: float | None) -> Deadline:
        """Start a deadline; 0 or None means the one for all calls."""
        return Deadline(timeout_seconds or self._deadline_seconds, self._monotonic)

    def run(
        self, deadline: Deadline, attempt: Callable[[], T], attempts: int | None = None, *, hasty: bool = False
    ) -> T:
        """Return what `attempt` returns, or raise its last error; `attempts` may be fewer than usual.

        `hasty`: only what is throttled is tried again; for the rest there is somebody else to ask.
        """
        most = attempts or self._attempts
        for failed in count(1):
            try:
                return attempt()
            except Transient as error:
                pause = backoff_seconds(failed, self._chance(), _asked_pause(error))
                final = isinstance(error, Stopping) or (hasty and not isinstance(error, Throttled))
                if final or failed >= most or pause >= deadline.left():
                    raise
            self._wait(pause)
        raise AssertionError  # the count has no end


def _asked_pause(error: Transient) -> float | None:
    return error.retry_after_seconds if isinstance(error, Throttled) else None
