"""The regions of a query: asked in the order of their health, until one answers.

Law: another region is asked only for what may pass by itself (5xx, timeout, unreachable), never after a 4xx or a
throttle, for that is an answer. While there is another region left, what it may answer is not tried again here.
The first region alone can refuse: a 4xx of another one may mean that the copy is missing there, so it counts for less
than the first one's fault; and where that was passed over, its breaker being open, it is asked after all. No region is
to blame, or known to be well, where there were no credentials to ask it with.
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
        return self._health.order(query.regions, self._clock()) or (first_region(query),)

    def ask(self, query: Query, budget: Budget, call: Callable[[Sources, str, float], T], *, calls_after: int = 0) -> T:
        """Call in the first region that answers, sharing the time among the calls that are left."""
        first, fault = first_region(query), None
        left = list(self._order(query))
        while True:
            region = left.pop(0)
            sources = self._hasty if left else self._sources
            try:
                found = call(sources, region, budget.share(1 + len(left) + calls_after))
            except Throttled:
                raise
            except Transient as error:
                self._failed(region, error)
                fault = error if region == first else fault
                if not left:
                    raise
            except Refused as error:
                self._refused(region, error)
                if region == first:
                    raise
                if fault is not None:
                    raise fault from None
                left = [first]
            else:
                self._health.answered(region)
                return found

    def _failed(self, region: str, error: Transient) -> None:
        if not error.about_credentials:
            self._health.failed(region, self._clock())

    def _refused(self, region: str, error: Refused) -> None:
        if not error.about_credentials:
            self._health.answered(region)


def first_region(query: Query) -> str:
    """Return the region that a query prefers; the others hold copies of what is there."""
    return query.regions[0] if query.regions else ""
