"""Single-flight: one leader, every waiter handed over once, landings by identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.core.flight import FOR_EVER, Flights
from tests.samples import NOW, secret_query

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


def test_a_flight_lasts_no_longer_than_its_first_reader_waits() -> None:
    """Who only has it fetched sets no end, and who comes later waits no longer than the first."""
    moments = iter((70.0, 80.0))
    flights = Flights(10, lambda _service: next(moments))
    flights.join(QUERY, one)
    ends = [flights[QUERY].waits_until]
    flights.join(QUERY, one, reads=True)
    flights.join(QUERY, other, reads=True)
    assert [*ends, flights[QUERY].waits_until] == [FOR_EVER, 70.0]


def begun(at: float = NOW, *, patience: float = 10, wants: str = "value", ends_at: float = NOW + 100) -> Flights:
    """Return flights with one that a worker has had since a time."""
    flights = Flights(patience)
    flights.join(QUERY, one, at, wants=wants, ends_at=ends_at)  # type: ignore[arg-type]
    flights[QUERY].begun_at = at
    return flights


@pytest.mark.parametrize(
    ("after", "joined"), [(0, True), (9.9, True), (10, False), (1e9, False), (-1, True), (-1.1, False), (-1e9, False)]
)
def test_what_was_frozen_in_the_middle_is_joined_by_nobody(after: float, joined: bool) -> None:
    """It took longer than any call may; or the clock was set back, and nobody knows how long it took."""
    assert begun(ends_at=NOW + 1e10).join(QUERY, other, NOW + after) is not joined


@pytest.mark.parametrize("after", [0, 1e9, -1e9])
def test_what_has_not_begun_is_joined_by_all(after: float) -> None:
    """It will be fetched after now, whenever that was."""
    flights = Flights(10)
    flights.join(QUERY, one, NOW)
    assert not flights.join(QUERY, other, NOW + after, wants="now")


def test_what_ends_with_an_invocation_is_joined_until_then() -> None:
    """After its deadline it is not made at all, or was cut off."""
    assert not begun(ends_at=NOW + 5).join(QUERY, other, NOW + 4.9)
    assert begun(ends_at=NOW + 5).join(QUERY, other, NOW + 5)


@pytest.mark.parametrize(("ends_at", "lasts_until"), [(NOW + 3, NOW + 5), (NOW + 9, NOW + 9), (FOR_EVER, FOR_EVER)])
def test_what_has_not_begun_lasts_as_long_as_any_who_joined(ends_at: float, lasts_until: float) -> None:
    """Be its own invocation over or not: nobody has begun to ask, and the later one has the time."""
    flights = Flights(10)
    flights.join(QUERY, None, NOW, ends_at=NOW + 5)
    assert not flights.join(QUERY, one, NOW + 6, ends_at=ends_at, reads=True)
    assert flights[QUERY].ends_at == lasts_until


def test_those_who_wait_for_what_was_cut_off_wait_for_another() -> None:
    """The first of them leads, and the fetch ends when that one has waited enough."""
    moments = iter((70.0, 80.0, 90.0, 95.0))
    flights = Flights(10, lambda _service: next(moments))
    flights.join(QUERY, one, NOW, reads=True, ends_at=NOW + 5)
    flights.join(QUERY, other, NOW, reads=True)
    cut = flights[QUERY]
    assert flights.again(QUERY, cut, NOW + 5)
    assert flights[QUERY] is not cut
    assert (flights[QUERY].waiters, flights[QUERY].ends_at, flights[QUERY].waits_until) == (
        [one, other],
        FOR_EVER,
        70.0,
    )


def test_those_who_wait_for_what_was_cut_off_join_what_flies_already() -> None:
    """Somebody else may have begun it meanwhile."""
    flights = begun(ends_at=NOW + 5)
    cut = flights[QUERY]
    assert flights.join(QUERY, other, NOW + 5)
    assert not flights.again(QUERY, cut, NOW + 5)
    assert flights[QUERY].waiters == [other, one]


@pytest.mark.parametrize(
    ("led_for", "wants", "joined"),
    [
        ("value", "value", True),
        ("value", "newer", False),
        ("value", "now", False),
        ("newer", "value", True),
        ("newer", "newer", True),
        ("newer", "now", False),
        ("now", "value", True),
        ("now", "newer", True),
        ("now", "now", False),
    ],
)
def test_a_flight_is_joined_for_what_it_brings(led_for: str, wants: str, joined: bool) -> None:
    """Who wants what is current now joins nothing that has begun; who wants a newer version shares with its like."""
    assert begun(wants=led_for).join(QUERY, other, NOW + 1, wants=wants) is not joined  # type: ignore[arg-type]


def test_the_overtaken_flight_still_lands_for_those_who_wait() -> None:
    """And leaves the new one alone."""
    flights = begun()
    old = flights[QUERY]
    assert not flights.overtook(QUERY, old)
    assert flights.join(QUERY, other, NOW + 50)
    assert flights.overtook(QUERY, old)
    assert flights.land(QUERY, old) == [one]
    assert flights.land(QUERY, flights[QUERY]) == [other]
