"""The regions of a query: asked in the order of their health, until one answers.

Law: another region is asked only for what may pass by itself (5xx, timeout, unreachable), never after a 4xx or a
throttle, for that is an answer. While there is another region left, what it may answer is not tried again here.
"""

from __future__ import annotations

from extension.core.errors import Refused, Throttled, Transient
from extension.core.health import Health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from extension.core.model import Query
    from extension.fetcher import Sources

    T = TypeVar("T")

CREDENTIALS_CODE = "CredentialsError"
"""The code where no credentials could be had: no region is to blame."""
LEAST_SECONDS = 0.1
"""What a call gets even when the budget is spent: enough to fail with a reason."""


class Budget:
    """What a job may take, on a clock that stands still in a freeze."""

    __slots__ = ("_end", "_monotonic")

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        """Start now."""
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def share(self, calls: int) -> float:
        """Return the seconds for one of so many calls that may still be made."""
        return max(self._end - self._monotonic(), LEAST_SECONDS) / calls


class Regions:
    """Asks sources in one region after the other; `hasty` are the same, which leave trying again to others."""

    def __init__(self, sources: Sources, hasty: Sources, clock: Callable[[], float]) -> None:
        """Start with every region trusted; `clock` gives epoch seconds."""
        self._sources = sources
        self._hasty = hasty
        self._clock = clock
        self._health = Health()

    def best(self, query: Query) -> str:
        """Return the region to ask where only one is asked."""
        return self._order(query)[0]

    def _order(self, query: Query) -> tuple[str, ...]:
        return self._health.order(query.regions, self._clock()) or ("",)

    def ask(self, query: Query, budget: Budget, call: Callable[[Sources, str, float], T], *, calls_after: int = 0) -> T:
        """Call in the first region that answers, sharing the time among the calls that are left."""
        regions = self._order(query)
        for others_left, region in zip(range(len(regions) - 1, -1, -1), regions, strict=True):
            sources = self._hasty if others_left else self._sources
            try:
                found = call(sources, region, budget.share(1 + others_left + calls_after))
            except Throttled:
                raise
            except Transient as error:
                if error.code != CREDENTIALS_CODE:
                    self._health.failed(region, self._clock())
                if not others_left:
                    raise
            except Refused:
                self._health.answered(region)
                raise
            else:
                self._health.answered(region)
                return found
        raise AssertionError
