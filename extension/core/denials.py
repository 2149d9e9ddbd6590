"""Permissions that were denied: what is optional is not asked for in vain at every turn.

Law: no denial is for ever, for policies change; a clock that jumped ends it as well. No lock, no clock: times are
arguments, in epoch seconds.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

DENIED_SECONDS = 3600.0
"""After this it is tried again: once an hour costs nothing, and nobody has to restart for a permission."""
MOST_DENIALS = 2000
"""Beyond as many all are forgotten, and found out anew: callers choose the names."""


class Denials:
    """What was denied, by any key; threads may race (for a call too many)."""

    def __init__(self) -> None:
        """Assume every permission."""
        self._since: dict[Hashable, float] = {}

    def holds(self, key: Hashable, now: float) -> bool:
        """Tell whether it was denied a short while ago."""
        since = self._since.get(key)
        return since is not None and since <= now < since + DENIED_SECONDS

    def add(self, key: Hashable, now: float) -> None:
        """Remember a denial."""
        if len(self._since) >= MOST_DENIALS:
            self._since.clear()
        self._since[key] = now
