"""Single-flight: however many callers wait for a query, it is fetched once.

Law: who joins first leads and must land; landing removes the flight by identity and hands every waiter the same
outcome. The owner (the store) holds its lock around every call here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.model import Query
    from extension.core.shelf import Landing

    Waiter = Callable[[Landing], None]


class Flight:
    """A fetch under way; `keep` tells whether its value may go into the cache."""

    __slots__ = ("keep", "waiters")

    def __init__(self, *, keep: bool) -> None:
        """Start with nobody waiting."""
        self.keep = keep
        self.waiters: list[Waiter] = []


class Flights:
    """The fetches under way, by query."""

    def __init__(self) -> None:
        """Start with none."""
        self._flights: dict[Query, Flight] = {}
        self.keeping = True

    def __len__(self) -> int:
        """Count the flights."""
        return len(self._flights)

    def join(self, query: Query, waiter: Waiter | None) -> bool:
        """Wait for `query` (or only see to it that it is fetched); True: the caller leads."""
        found = self._flights.get(query)
        leads = found is None or found.keep != self.keeping
        flight = Flight(keep=self.keeping) if leads or found is None else found
        self._flights[query] = flight
        if waiter is not None:
            flight.waiters.append(waiter)
        return leads

    def __contains__(self, query: Query) -> bool:
        """Tell whether `query` is being fetched."""
        return query in self._flights

    def __getitem__(self, query: Query) -> Flight:
        """Return the flight of `query`."""
        return self._flights[query]

    def land(self, query: Query, flight: Flight) -> list[Waiter]:
        """End `flight` and return those who wait for it."""
        if self._flights.get(query) is flight:
            del self._flights[query]
        return flight.waiters
