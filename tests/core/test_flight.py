"""Single-flight: one leader, every waiter handed over once, landings by identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extension.core.flight import Flights
from tests.samples import secret_query

if TYPE_CHECKING:
    from extension.core.shelf import Landing

QUERY = secret_query()


def one(_landing: Landing) -> None:
    """Wait."""


def other(_landing: Landing) -> None:
    """Wait, too."""


def test_who_joins_first_leads() -> None:
    """The others wait for the same flight."""
    flights = Flights()
    assert [flights.join(QUERY, one), flights.join(QUERY, other), flights.join(QUERY, None)] == [True, False, False]
    assert flights[QUERY].waiters == [one, other]
    assert (len(flights), QUERY in flights) == (1, True)


def test_landing_ends_the_flight_and_hands_over_its_waiters() -> None:
    """Whoever comes later leads a new one."""
    flights = Flights()
    flights.join(QUERY, one)
    assert flights.land(QUERY, flights[QUERY]) == [one]
    assert (len(flights), QUERY in flights) == (0, False)
    assert flights.join(QUERY, other)


def test_what_was_in_the_air_when_the_rule_changed_is_joined_by_nobody() -> None:
    """A fetch that began before a snapshot serves those who waited then; the next one leads anew."""
    flights = Flights()
    flights.keeping = False
    flights.join(QUERY, one)
    before = flights[QUERY]
    flights.keeping = True
    assert flights.join(QUERY, other)
    assert (before.keep, flights[QUERY].keep) == (False, True)
    assert flights.land(QUERY, before) == [one]
    assert flights[QUERY].waiters == [other]


def test_queries_fly_by_themselves() -> None:
    """Another query is another flight."""
    flights = Flights()
    assert flights.join(QUERY, one)
    assert flights.join(secret_query("other"), one)
    assert len(flights) == 2
