"""The values that a fleet holds: when each was fetched, and what follows from it. Flat arrays, item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scripts.fleet.policies import Held

if TYPE_CHECKING:
    from scripts.fleet.scenario import Floats, Mask, Whole

NEVER = np.inf


class Values:
    """All items of all environments, environment by environment. Seconds after the fleet's start."""

    def __init__(self, size: int) -> None:
        """Start with nothing in hand."""
        self.fetched_at: Floats = np.full(size, -NEVER)
        self.due_at: Floats = np.full(size, -NEVER)
        self.expires_at: Floats = np.full(size, -NEVER)
        self.stale_until: Floats = np.full(size, -NEVER)
        self.failed_at: Floats = np.full(size, np.nan)
        self.retry_at: Floats = np.zeros(size)
        self.first_at: Floats = np.full(size, NEVER)

    def held(self, items: Whole) -> Held:
        """Return what a policy judges by."""
        return Held(*(getattr(self, field)[items] for field in Held._fields))

    def usable(self, now: float) -> Mask:
        """Tell which values a read would get without waiting."""
        usable: Mask = now < np.where(np.isnan(self.failed_at), self.expires_at, self.stale_until)
        return usable
