"""What is counted while a fleet lives, and the figures drawn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scripts.fleet.scenario import OPERATIONS, QUOTAS

if TYPE_CHECKING:
    from scripts.fleet.scenario import Floats, Operation, Scenario, Whole

AGE_STEP_SECONDS = 10
SETTLED_SECONDS = 60
"""The cold start's own storm is told apart from what comes this long after it."""


class Measures:
    """Calls and throttles of each second, ages of the values in hand, and how soon every environment had its values."""

    def __init__(self, scenario: Scenario) -> None:
        """Start at zero."""
        shape = (len(OPERATIONS), scenario.seconds + 1)
        self.scenario = scenario
        self.calls: Whole = np.zeros(shape, dtype=np.int64)
        self.throttled: Whole = np.zeros(shape, dtype=np.int64)
        self.failed: Whole = np.zeros(scenario.seconds + 1, dtype=np.int64)
        self.waited = 0
        self.ages: list[tuple[float, float, float]] = []
        self.filled: Floats = np.empty(0)

    def count(self, operation: Operation, now: float, calls: int, admitted: int) -> None:
        """Count calls of one moment."""
        place = OPERATIONS.index(operation), int(now)
        self.calls[place] += calls
        self.throttled[place] += calls - admitted

    def look(self, now: float, ages: Floats) -> None:
        """Take the ages of all values that a read would get without waiting: time, mean and 99th percentile."""
        if len(ages):
            self.ages.append((now, float(ages.mean()), float(np.percentile(ages, 99))))

    def figures(self) -> dict[str, Any]:
        """Return the figures: the cold start, all that follows it, and the ages."""
        settled = min(self.scenario.seconds, int(self.scenario.start_seconds) + SETTLED_SECONDS)
        later = [age for age in self.ages if age[0] >= settled]
        return {
            "cold_start": self._span(slice(0, settled)) | self._filling(),
            "after": self._span(slice(settled, self.scenario.seconds)) | {"reads_that_waited": self.waited},
            "age_seconds": {
                "mean": _rounded(np.mean([mean for _, mean, _ in later]) if later else 0),
                "p99": _rounded(max((p99 for *_, p99 in later), default=0)),
            },
        }

    def _span(self, seconds: slice) -> dict[str, Any]:
        """Return what happened within a span of seconds, by operation where there was any call."""
        used = [place for place in range(len(OPERATIONS)) if self.calls[place].any()]
        by_operation = {OPERATIONS[place]: self._operation(place, seconds) for place in used}
        return {"operations": by_operation, "calls_that_failed": int(self.failed[seconds].sum())}

    def _operation(self, place: int, seconds: slice) -> dict[str, Any]:
        calls, throttled = self.calls[place, seconds], self.throttled[place, seconds]
        return {
            "mean_per_second": _rounded(calls.mean()) if calls.size else 0,
            "peak_per_second": int(calls.max(initial=0)),
            "seconds_above_quota": int((calls > QUOTAS[OPERATIONS[place]]).sum()),
            "throttled": int(throttled.sum()),
        }

    def _filling(self) -> dict[str, Any]:
        """Return within how many seconds of its start half, 99 % and all of the environments had all their values."""
        done = np.sort(self.filled)
        return {
            f"seconds_until_complete_{name}": _rounded(done[min(len(done) - 1, int(len(done) * share))])
            for name, share in (("p50", 0.5), ("p99", 0.99), ("all", 1.0))
            if len(done)
        }


def _rounded(number: Any) -> float | None:
    """Return a figure with one decimal, or None where it never came to be."""
    return round(float(number), 1) if np.isfinite(number) else None
