"""The three policies: what a client asks for, when, and how it bears being throttled.

    Sidekey   extension/core itself: refreshed ahead at a jittered share of the TTL, on INVOKE; full jitter
    P&S       fetched at the read that finds it expired; no jitter, nothing in advance
    agent     as P&S, but an expired value is confirmed with DescribeSecret first

Law: Sidekey's decisions are those of its own functions, called and never copied; they are plain arithmetic, so they
take whole arrays where they decide nothing. The others follow AWS's documentation, and for the agent its source: both
retry as AWS's SDKs do in standard mode, and neither counts a throttle as a reason to serve an old value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from extension.aws.retry import ATTEMPTS
from extension.core.backoff import backoff_seconds
from extension.core.config import rules
from extension.core.model import Query
from extension.core.plan import plan
from extension.core.policy import judge, negative_until, schedule
from extension.core.settings import Settings
from scripts.fleet.scenario import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scripts.fleet.scenario import Floats, Mask, Scenario, Whole

SDK_ATTEMPTS = 3
SDK_CAP_SECONDS = 20.0
PREFETCH_CONNECTIONS = 10
"""What `Workers` allows a prefetch."""
PEER_TTL_SECONDS = 300.0
PEER_CONNECTIONS = 3
KINDS: tuple[str, ...] = OPERATIONS


class Moments(NamedTuple):
    """What `judge` reads of a value's `Times`; made in a tenth of the time, and there are millions."""

    fetched_at: float
    due_at: float
    expires_at: float
    stale_until: float


class Held(NamedTuple):
    """Values in hand that may want a fetch now, one place in each array for each; `failed_at` may be not a number."""

    fetched_at: Floats
    due_at: Floats
    expires_at: Floats
    stale_until: Floats
    failed_at: Floats
    retry_at: Floats


class Groups(NamedTuple):
    """How n wanted items become calls: `leaders[n, k]` is the first item of the k-th's call, `operations` its kind."""

    leaders: Whole
    operations: Whole


class Policy(Protocol):
    """What the simulation asks of a client."""

    name: str
    attempts: int
    deadline_seconds: float
    first_connections: int
    connections: int
    describes: bool
    groups: Groups

    def times(self, now: float, chances: Floats) -> tuple[Any, Any, Any]:
        """Return when values fetched `now` are due, expire and stop to stand in."""

    def wants(self, held: Held, now: float) -> Mask:
        """Tell which of the values that are due an invocation fetches."""

    def pause(self, failed: int, chances: Floats) -> Floats:
        """Return how long to wait after so many failed attempts."""

    def again_at(self, now: float, chances: Floats) -> Any:
        """Return from when on a call that failed for good may be made anew."""


class Sidekey:
    """The policy of this project, with its default settings."""

    name = "Sidekey"
    attempts = ATTEMPTS
    first_connections = PREFETCH_CONNECTIONS
    describes = True

    def __init__(self, scenario: Scenario) -> None:
        """Take the defaults as the extension does: from an empty environment."""
        settings, _ = Settings.from_env({})
        self.deadline_seconds = settings.deadline_ms / 1000
        self.connections = settings.max_connections
        self.groups = planned(scenario, settings.batch)
        self._negative_seconds = settings.negative_ttl_seconds
        self._freshness = rules(settings, ()).freshness_of(Query(service=scenario.service, id="any"))

    def times(self, now: float, chances: Floats) -> tuple[Any, Any, Any]:
        """Schedule as the shelf does."""
        chance: Any = chances
        times = schedule(now, self._freshness, chance)
        return times.due_at, times.expires_at, times.stale_until

    def wants(self, held: Held, now: float) -> Mask:
        """Judge each value as the store does."""
        columns = [each.tolist() for each in held]
        moments: Iterable[Any] = map(Moments, *columns[:4])
        verdicts = [
            judge(times, now, failed_at, retry_at)
            for times, failed_at, retry_at in zip(moments, *columns[4:], strict=True)
        ]
        return np.array([verdict not in ("serve", "stale") for verdict in verdicts], dtype=np.bool_)

    def pause(self, failed: int, chances: Floats) -> Floats:
        """Back off with full jitter."""
        chance: Any = chances
        return np.asarray(backoff_seconds(failed, chance))

    def again_at(self, now: float, chances: Floats) -> Any:
        """Remember the failure for a while."""
        chance: Any = chances
        return negative_until(now, self._negative_seconds, chance)


class Lazy:
    """P&S: a TTL, and a fetch at the read that finds the value expired."""

    name = "P&S"
    attempts = SDK_ATTEMPTS
    deadline_seconds = float("inf")
    first_connections = PEER_CONNECTIONS
    connections = PEER_CONNECTIONS
    describes = False

    def __init__(self, scenario: Scenario) -> None:
        """Fetch everything singly."""
        self.groups = singly(scenario)

    def times(self, now: float, _chances: Floats) -> tuple[Any, Any, Any]:
        """Give every value the same TTL, and no life after it."""
        return (now + PEER_TTL_SECONDS,) * 3

    def wants(self, held: Held, _now: float) -> Mask:
        """Fetch all that has expired."""
        return np.ones(len(held.due_at), dtype=np.bool_)

    def pause(self, failed: int, chances: Floats) -> Floats:
        """Wait as AWS's SDKs do in standard mode."""
        return min(SDK_CAP_SECONDS, 2.0 ** (failed - 1)) * chances

    def again_at(self, now: float, _chances: Floats) -> Any:
        """Remember no failure: the next read asks again."""
        return now


class Agent(Lazy):
    """The agent: DescribeSecret for what has expired, in the request path, and GetSecretValue if the version is new."""

    name = "agent"
    describes = True


def planned(scenario: Scenario, batch: str) -> Groups:
    """Return how `extension.core.plan` groups any number of items."""
    size = scenario.items
    leaders, operations = np.zeros((size + 1, size), np.int64), np.zeros((size + 1, size), np.int64)
    queries = [Query(service=scenario.service, id=str(place)) for place in range(size)]
    for wanted in range(1, size + 1):
        for job in plan(queries[:wanted], batch):
            places = [int(query.id) for query in job.queries]
            leaders[wanted, places] = places[0]
            operations[wanted, places] = KINDS.index(job.kind)
    return Groups(leaders, operations)


def singly(scenario: Scenario) -> Groups:
    """Return groups of one."""
    size = scenario.items
    leaders = np.tile(np.arange(size), (size + 1, 1))
    return Groups(leaders, np.full_like(leaders, OPERATIONS.index(scenario.single)))


def policies(scenario: Scenario) -> list[Policy]:
    """Return the policies to compare; the agent knows no parameters."""
    both: list[Policy] = [Sidekey(scenario), Lazy(scenario)]
    return [*both, Agent(scenario)] if scenario.service == "secretsmanager" else both
