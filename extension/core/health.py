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
        """Trust every region: only the others have a breaker, which is open until some time, after such a pause."""
        self._breakers: dict[str, tuple[float, float]] = {}

    def order(self, regions: tuple[str, ...], now: float) -> tuple[str, ...]:
        """Return the regions in the order to ask them in; the one whose pause is over gets this call as its probe."""
        return tuple(sorted(regions, key=lambda region: self._is_open(region, now)))

    def _is_open(self, region: str, now: float) -> bool:
        breaker = self._breakers.get(region)  # one look for both: another thread may close it meanwhile
        if breaker is None:
            return False
        until, pause = breaker
        if until - pause <= now < until:
            return True
        self._breakers[region] = (now + pause, pause)
        return False

    def answered(self, region: str) -> None:
        """Close the breaker."""
        self._breakers.pop(region, None)

    def failed(self, region: str, now: float) -> None:
        """Open the breaker, each time for longer."""
        _, before = self._breakers.get(region, (now, FIRST_PAUSE_SECONDS / 2))
        pause = min(2 * before, LONGEST_PAUSE_SECONDS)
        self._breakers[region] = (now + pause, pause)
