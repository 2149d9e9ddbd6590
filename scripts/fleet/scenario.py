"""The scenario: how many environments, what they read, when they are invoked, and what the services allow.

Law: times are seconds after the fleet's start; chance comes from one generator, made from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]
    Mask: TypeAlias = NDArray[np.bool_]

Pattern = Literal["poisson", "constant"]
Operation = Literal["secret", "secrets", "parameters"]

OPERATIONS: tuple[Operation, ...] = ("secret", "secrets", "parameters")
"""What a call is, as `extension.core.plan` names it; arrays hold the place in this tuple."""
QUOTAS: dict[Operation, float] = {"secret": 10_000.0, "secrets": 100.0, "parameters": 40.0}
"""Calls per second and account: GetSecretValue with DescribeSecret, BatchGetSecretValue, GetParameter(s)."""
TICK_SECONDS = 0.1
"""One step of the simulation: a call with its answer."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One fleet: all its environments start within `start_seconds`, each because of an invocation."""

    environments: int = 10_000
    items: int = 20
    service: Literal["secretsmanager", "ssm"] = "secretsmanager"
    hours: float = 2.0
    seed: int = 1
    invocations_per_second: float = 1.0
    arrivals: Pattern = "poisson"
    start_seconds: float = 1.0
    rotated_share: float = 0.5
    """When, as a share of the hours, every secret gets a new version."""

    @property
    def rotated_at(self) -> float:
        """The second at which the secrets are rotated."""
        return self.hours * 3600 * self.rotated_share

    @property
    def ticks(self) -> int:
        """How many steps the scenario lasts."""
        return round(self.hours * 3600 / TICK_SECONDS)

    @property
    def seconds(self) -> int:
        """How many whole seconds the scenario lasts."""
        return int(np.ceil(self.hours * 3600))

    @property
    def single(self) -> Operation:
        """What a call for one item is."""
        return "secret" if self.service == "secretsmanager" else "parameters"


class Arrivals:
    """When an environment is invoked: first at its start, then at random or in even steps."""

    def __init__(self, scenario: Scenario, dice: np.random.Generator) -> None:
        """Draw the starts."""
        self.starts: Floats = np.sort(dice.random(scenario.environments) * scenario.start_seconds)
        self._pause_seconds = 1 / scenario.invocations_per_second
        self._even = scenario.arrivals == "constant"
        self._dice = dice

    def after(self, environments: Whole, moments: Floats) -> Floats:
        """Return each environment's first invocation at or after a moment; a Poisson process has no memory."""
        if not self._even:
            return moments + self._dice.exponential(self._pause_seconds, len(moments))
        starts = self.starts[environments]
        return starts + np.ceil((moments - starts) / self._pause_seconds) * self._pause_seconds


class Quotas:
    """Token buckets, one for each operation, full at first, with room for one second's calls."""

    def __init__(self) -> None:
        """Fill the buckets."""
        self._tokens: dict[Operation, float] = dict(QUOTAS)
        self._filled_at: dict[Operation, float] = dict.fromkeys(QUOTAS, 0.0)

    def admit(self, operation: Operation, calls: int, now: float) -> int:
        """Return how many calls the quota allows `now`, and take them out of the bucket; the rest is throttled."""
        rate = QUOTAS[operation]
        tokens = min(rate, self._tokens[operation] + rate * (now - self._filled_at[operation]))
        admitted = min(calls, int(tokens + 1e-6))
        self._tokens[operation], self._filled_at[operation] = tokens - admitted, now
        return admitted


class Calendar:
    """What is to happen at which tick."""

    def __init__(self) -> None:
        """Start empty."""
        self._ticks: dict[int, list[Whole]] = {}

    def put(self, ticks: Whole, items: Whole) -> None:
        """Note each item at its tick."""
        order = np.argsort(ticks, kind="stable")
        ordered_ticks, ordered = ticks[order], items[order]
        starts = runs(ordered_ticks)
        ends = [*starts[1:].tolist(), len(items)]
        for tick, start, end in zip(ordered_ticks[starts].tolist(), starts.tolist(), ends, strict=False):
            self.add(tick, ordered[start:end])

    def add(self, tick: int, items: Whole) -> None:
        """Note all items at one tick."""
        if len(items):
            self._ticks.setdefault(tick, []).append(items)

    def take(self, tick: int) -> Whole:
        """Return and forget the items of a tick."""
        found = self._ticks.pop(tick, None)
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def runs(ordered: Whole) -> Whole:
    """Return where each run of equal numbers starts (as `numpy.unique` would, in a fraction of its time)."""
    return np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ordered)])
