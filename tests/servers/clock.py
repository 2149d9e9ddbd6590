"""A clock that goes where it is told to."""

from __future__ import annotations


class Clock:
    """Call it for the time; set `now` or give it a `step` that each call adds."""

    def __init__(self, now: float = 1_800_000_000.0, step: float = 0.0) -> None:
        """Start at `now`."""
        self.now = now
        self.step = step

    def __call__(self) -> float:
        """Return the time."""
        self.now += self.step
        return self.now
