"""Single-flight: however many callers wait for a query, it is fetched once.

    join ──► not begun ──worker takes it──► begun ──► landed: every waiter has the outcome
               joined by all                  ├── joined while it can land, and brings what is wanted
                                              └── cut off with its invocation: again, for those who still wait

Law: who joins first leads and must land; landing removes the flight by identity and hands every waiter the same
outcome. A flight that outlasted its time was frozen with the environment: it lands for those who wait, and nobody else
waits for it. The owner (the store) holds its lock around every call here. Times are epoch seconds, but for how long a
reader waits: that stands still in a freeze.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

    from extension.core.model import Query
    from extension.core.shelf import Landing

    Waiter = Callable[[Landing], None]
    Wants: TypeAlias = Literal["value", "newer", "now"]

FOR_EVER = float("inf")
CLOCK_TOLERANCE_SECONDS = 1.0


class Flight:
    """A fetch under way; `keep` tells whether its value may go into the cache, `wants` what its leader was after."""

    __slots__ = ("begun_at", "ends_at", "hurry", "is_read", "keep", "waiters", "waits_until", "wants")

    def __init__(self, *, keep: bool, wants: Wants = "value", ends_at: float = FOR_EVER) -> None:
        """Start with nobody waiting; `waits_until` is the first reader's end; `hurry` moves the job forward."""
        self.keep = keep
        self.wants = wants
        self.ends_at = ends_at
        self.begun_at: float | None = None
        self.is_read = False
        self.waits_until = FOR_EVER
        self.waiters: list[Waiter] = []
        self.hurry: Callable[[], None] = _nothing

    def begin(self, now: float) -> None:
        """Be taken by a worker."""
        self.begun_at = now
        self.hurry = _nothing


class Flights:
    """The fetches under way, by query; one that a worker had for `patience_seconds` is not joined any more."""

    def __init__(
        self, patience_seconds: float = FOR_EVER, until: Callable[[str], float] = lambda _service: FOR_EVER
    ) -> None:
        """Start with none; `until` tells how long who begins to read something of a service may wait."""
        self._patience_seconds = patience_seconds
        self._until = until
        self._flights: dict[Query, Flight] = {}
        self.keeping = True

    def __len__(self) -> int:
        """Count the flights."""
        return len(self._flights)

    def join(
        self,
        query: Query,
        waiter: Waiter | None,
        now: float = 0.0,
        *,
        wants: Wants = "value",
        ends_at: float = FOR_EVER,
        reads: bool = False,
    ) -> bool:
        """Wait for `query` (or only see to it that it is fetched); True: the caller leads.

        `wants`: any value; one newer than what the caller has, which whoever asked for the same has begun; or one
        fetched from `now` on. What has not begun lasts until the last `ends_at` of all who joined. `reads`: a reader
        waits.
        """
        found = self._flights.get(query)
        leads = found is None or not self._is_sound(found, now) or not _satisfies(found, wants)
        flight = Flight(keep=self.keeping, wants=wants, ends_at=ends_at) if leads or found is None else found
        self._flights[query] = flight
        if flight.begun_at is None:
            flight.ends_at = max(flight.ends_at, ends_at)
        if waiter is not None:
            flight.waiters.append(waiter)
        if reads:
            flight.is_read = True
            flight.waits_until = min(flight.waits_until, self._until(query.service))
            flight.hurry()
        return leads

    def _is_sound(self, flight: Flight, now: float) -> bool:
        """Tell whether `flight` can be waited for: it may be kept, has time left, and was not frozen in the middle."""
        if flight.keep != self.keeping:
            return False
        begun_at = flight.begun_at
        if begun_at is None:
            return True
        return now < flight.ends_at and -CLOCK_TOLERANCE_SECONDS <= now - begun_at < self._patience_seconds

    def __contains__(self, query: Query) -> bool:
        """Tell whether `query` is being fetched."""
        return query in self._flights

    def __getitem__(self, query: Query) -> Flight:
        """Return the flight of `query`."""
        return self._flights[query]

    def overtook(self, query: Query, flight: Flight) -> bool:
        """Tell whether a later fetch of `query` than `flight` is under way."""
        return self._flights.get(query, flight) is not flight

    def again(self, query: Query, flight: Flight, now: float) -> bool:
        """Have those who wait for `flight` wait for another, no longer than they would; True: the caller leads it."""
        leads = [self.join(query, waiter, now, wants=flight.wants, reads=True) for waiter in self.land(query, flight)]
        other = self._flights[query]
        other.waits_until = min(other.waits_until, flight.waits_until)
        return any(leads)

    def land(self, query: Query, flight: Flight) -> list[Waiter]:
        """End `flight` and return those who wait for it."""
        if self._flights.get(query) is flight:
            del self._flights[query]
        return flight.waiters


def _nothing() -> None:
    """Do nothing: there is no job, or a worker has it."""


def _satisfies(flight: Flight, wants: Wants) -> bool:
    """Tell whether `flight` brings what is wanted: what has not begun brings everything."""
    return flight.begun_at is None or wants == "value" or (wants == "newer" and flight.wants != "value")
