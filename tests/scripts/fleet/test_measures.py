"""The figures: drawn from counts as they should be read."""

from __future__ import annotations

import numpy as np

from scripts.fleet.measures import Measures
from scripts.fleet.scenario import Scenario


def test_the_cold_start_is_told_apart_from_what_follows() -> None:
    """Calls of the first minute and those after it have figures of their own, against their quota."""
    measures = Measures(Scenario(hours=0.05, start_seconds=0))
    measures.count("secret", 0.4, 30_000, 10_000)
    measures.count("secret", 100.0, 600, 600)
    figures = measures.figures()
    first = figures["cold_start"]["operations"]["secret"]
    assert first == {"mean_per_second": 500.0, "peak_per_second": 30_000, "seconds_above_quota": 1, "throttled": 20_000}
    after = figures["after"]["operations"]["secret"]
    assert after == {"mean_per_second": 5.0, "peak_per_second": 600, "seconds_above_quota": 0, "throttled": 0}


def test_an_environment_that_never_got_complete_is_none() -> None:
    """Half were ready within a second or two; one never was."""
    measures = Measures(Scenario(hours=0.05))
    measures.filled = np.array([1.0, 2.0, np.inf])
    first = measures.figures()["cold_start"]
    assert first["seconds_until_complete_p50"] == 2.0
    assert first["seconds_until_complete_all"] is None


def test_ages_are_those_after_the_cold_start() -> None:
    """The first minute's young values do not flatter the mean."""
    measures = Measures(Scenario(hours=0.05, start_seconds=0))
    measures.look(10.0, np.array([1.0, 1.0]))
    measures.look(100.0, np.array([90.0, 110.0]))
    measures.look(110.0, np.empty(0))
    assert measures.figures()["age_seconds"] == {"mean": 100.0, "p99": 109.8}
