"""Arrivals, quotas and the calendar: the ground that every policy stands on."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.fleet.scenario import Arrivals, Calendar, Quotas, Scenario, runs


def test_a_bucket_admits_one_second_of_calls_and_fills_again() -> None:
    """A full bucket holds one second's calls; a tenth of a second brings a tenth of them."""
    quotas = Quotas()
    assert quotas.admit("secrets", 1000, 0.0) == 100
    assert quotas.admit("secrets", 1000, 0.0) == 0
    assert quotas.admit("secrets", 1000, 0.1) == 10


def test_an_idle_bucket_never_holds_more_than_a_second() -> None:
    """An hour without calls earns no more than one second's burst."""
    quotas = Quotas()
    quotas.admit("parameters", 40, 0.0)
    assert quotas.admit("parameters", 1000, 3600.0) == 40


def test_a_bucket_is_each_operations_own() -> None:
    """Calls of one kind take nothing from another's quota."""
    quotas = Quotas()
    quotas.admit("secrets", 100, 0.0)
    assert quotas.admit("secret", 10_000, 0.0) == 10_000


def test_constant_arrivals_stand_on_each_environments_own_grid() -> None:
    """The next invocation is the first step at or after the moment, counted from the environment's start."""
    scenario = Scenario(environments=2, arrivals="constant", invocations_per_second=0.5)
    arrivals = Arrivals(scenario, np.random.default_rng(1))
    found = arrivals.after(np.array([0, 1]), arrivals.starts + 3.0)
    assert found == pytest.approx(arrivals.starts + 4.0)


def test_poisson_arrivals_have_the_rate_they_were_given() -> None:
    """At half an invocation per second the wait for the next one is two seconds on average."""
    scenario = Scenario(environments=1, invocations_per_second=0.5)
    arrivals = Arrivals(scenario, np.random.default_rng(1))
    waits = arrivals.after(np.zeros(100_000, dtype=np.int64), np.full(100_000, 7.0)) - 7.0
    assert waits.min() >= 0
    assert waits.mean() == pytest.approx(2.0, rel=0.02)


def test_a_calendar_gives_back_each_item_at_its_tick_once() -> None:
    """Items put in any order come back at their ticks, and then no more."""
    calendar = Calendar()
    calendar.put(np.array([3, 1, 3]), np.array([30, 10, 31]))
    calendar.put(np.array([3]), np.array([32]))
    assert calendar.take(1).tolist() == [10]
    assert calendar.take(3).tolist() == [30, 31, 32]
    assert calendar.take(3).tolist() == []


@pytest.mark.parametrize(
    ("numbers", "starts"), [([], []), ([5], [0]), ([5, 5, 7], [0, 2]), ([1, 2, 3], [0, 1, 2]), ([4, 4], [0])]
)
def test_runs_start_where_the_number_changes(numbers: list[int], starts: list[int]) -> None:
    """The start of every run of equal numbers is found, also of none."""
    assert runs(np.array(numbers, dtype=np.int64)).tolist() == starts
