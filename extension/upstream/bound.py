"""The end of an attempt, and whether the environment was frozen in the middle of it.

Law: an attempt lasts as long on the monotonic clock as it may; the wall clock ends none, it only tells of freezes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NAP_SECONDS = 0.25
"""After so long a silence we look whether the environment was frozen meanwhile."""
FREEZE_SECONDS = 5.0
"""If the wall clock went on by so much more than the monotonic one, it was, and the peer has given us up."""


class FrozenError(ConnectionError):
    """The environment was frozen while we waited for this peer."""


class Bound:
    """The end of an attempt, on an injected monotonic clock, and what the wall clock says of freezes."""

    __slots__ = ("_end", "_monotonic", "_offset", "_wall", "seconds")

    def __init__(self, seconds: float, monotonic: Callable[[], float], wall: Callable[[], float] | None = None) -> None:
        """Start now, for `seconds`; without `wall` no freeze is noticed."""
        self.seconds = seconds
        self._monotonic = monotonic
        self._wall = wall or monotonic
        self._end = monotonic() + seconds
        self._offset = self._wall() - monotonic()

    def check_freeze(self) -> None:
        """Raise FrozenError, once, if there was a freeze."""
        offset = self._wall() - self._monotonic()
        if abs(offset - self._offset) >= FREEZE_SECONDS:
            self._offset = offset
            raise FrozenError

    def left(self, most: float) -> float:
        """Return the seconds left, at most `most`; TimeoutError if there are none."""
        left = min(self._end - self._monotonic(), most)
        if left <= 0:
            raise TimeoutError
        return left
