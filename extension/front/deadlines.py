"""The few things that may not last for ever, and when each ends.

Law: with nothing to end there is no time: the loop then waits without a limit and reads no clock.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Expiring(Protocol):
        """Whatever ends by itself when its time is up."""

        def expire(self) -> None:
            """End."""


class Deadlines:
    """Deadlines by the thing they end, on a monotonic clock; `ends` is looked at before each wait, and mostly empty."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.ends: dict[Expiring, float] = {}

    def start(self, thing: Expiring, seconds: float) -> None:
        """Let `thing` end in so many seconds, unless its end is set already."""
        if thing not in self.ends:
            self.ends[thing] = self._monotonic() + seconds

    def stop(self, thing: Expiring) -> None:
        """Let `thing` last."""
        self.ends.pop(thing, None)

    def patience(self) -> float:
        """Return the seconds until the first end; -1, epoll's word for ever, where there is none."""
        if not self.ends:
            return -1
        return max(0.0, min(self.ends.values()) - self._monotonic())

    def expire(self) -> None:
        """End what is due."""
        now = self._monotonic()
        for thing in [thing for thing, end in self.ends.items() if end <= now]:
            self.stop(thing)
            thing.expire()
