"""Which region to ask first: a circuit breaker per region, with half-open probes.

    closed ── fails ──► open (others first) ── pause over ──► half-open: one call tries it ── answers ──► closed
                                                                └────── fails ──────► open, twice as long

Law: the regions' order is the caller's preference, so the first is taken again as soon as it answers; and where every
breaker is open, all are asked all the same: a breaker saves time, it never refuses. No lock, no clock: times are
arguments, in epoch seconds.
"""

from __future__ import annotations

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0


class Health:
    """What is known of the regions; its owner holds a lock, or does not mind a race (a probe too many)."""

    def __init__(self) -> None:
        """Trust every region."""
        self._open_until: dict[str, float] = {}
        self._pause: dict[str, float] = {}

    def order(self, regions: tuple[str, ...], now: float) -> tuple[str, ...]:
        """Return the regions in the order to ask them in; the one whose pause is over gets this call as its probe."""
        return tuple(sorted(regions, key=lambda region: self._is_open(region, now)))

    def _is_open(self, region: str, now: float) -> bool:
        until = self._open_until.get(region)
        if until is None:
            return False
        pause = self._pause[region]
        if until - pause <= now < until:
            return True
        self._open_until[region] = now + pause
        return False

    def answered(self, region: str) -> None:
        """Close the breaker."""
        self._open_until.pop(region, None)
        self._pause.pop(region, None)

    def failed(self, region: str, now: float) -> None:
        """Open the breaker, each time for longer."""
        pause = min(2 * self._pause.get(region, FIRST_PAUSE_SECONDS / 2), LONGEST_PAUSE_SECONDS)
        self._pause[region] = pause
        self._open_until[region] = now + pause
