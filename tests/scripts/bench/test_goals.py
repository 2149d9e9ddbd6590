"""The goals: each judged by what was measured, and said to be missed where it was."""

from __future__ import annotations

import json

import pytest

from scripts.bench.goals import GOALS, Goal, judge
from scripts.bench.table import render
from scripts.stage.emulator import ROOT

RESULTS = json.loads((ROOT / "docs" / "bench.json").read_text(encoding="utf-8"))


def test_the_verdicts_follow_from_the_figures() -> None:
    """Whoever edits a verdict in docs/bench.json must edit the measurement, too."""
    assert RESULTS["goals"] == judge(RESULTS)


@pytest.mark.parametrize(
    ("least", "measured", "reached"), [(False, 1.0, True), (False, 1.01, False), (True, 0.99, False)]
)
def test_a_bound_belongs_to_what_is_reached(least: bool, measured: float, reached: bool) -> None:
    """At most, or at least, as much."""
    assert Goal("x", 1.0, lambda _results: 0.0, least=least).reached(measured) is reached


def test_every_goal_is_told_with_its_figure() -> None:
    """README names each one, and those that were missed once more."""
    told = render(RESULTS)
    missed = [goal["figure"] for goal in RESULTS["goals"] if not goal["reached"]]

    assert [goal.figure for goal in GOALS if f"| {goal.figure} |" not in told] == []
    assert told.count("**not reached:**") == len(missed)
    assert f"Not reached: {'; '.join(missed)}." in told or not missed
