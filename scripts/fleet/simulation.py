"""The simulation: one policy, one fleet, from its cold start to its last hour.

    invoked ─► wanted ─► queued ─► called ─┬─ admitted ─► landed: new times ─┐
       ▲                    ▲              └─ throttled ─► paused, or failed ─┤
       └────────────────────┴─────────── next due, next in the queue ◄───────┘

Law: only what happens is computed. A tick touches the environments that are invoked or answered in it, all of them in
one sweep of arrays; whatever an invocation finds fresh costs nothing. Items are numbered environment by environment,
and a call bears the number of its first item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scripts.fleet.measures import AGE_STEP_SECONDS, Measures
from scripts.fleet.scenario import OPERATIONS, TICK_SECONDS, Arrivals, Calendar, Quotas, runs
from scripts.fleet.values import NEVER, Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.fleet.policies import Policy
    from scripts.fleet.scenario import Floats, Mask, Scenario, Whole

NOBODY = -1


class Simulation:
    """One life of a fleet."""

    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        """Draw the starts; nothing has happened yet."""
        self._scenario = scenario
        self._policy = policy
        self._dice = np.random.default_rng(scenario.seed)
        self._arrivals = Arrivals(scenario, self._dice)
        self._quotas = Quotas()
        self.measures = Measures(scenario)
        environments, items = scenario.environments, scenario.items
        self._values = Values(environments * items)
        self._ready_at: Floats = np.zeros((environments, items))
        self._leader: Whole = np.full((environments, items), NOBODY)
        self._operation: Whole = np.zeros(environments * items, dtype=np.int64)
        self._attempts: Whole = np.zeros(environments * items, dtype=np.int64)
        self._deadline: Floats = np.zeros(environments * items)
        self._described: Mask = np.zeros(environments * items, dtype=np.bool_)
        self._queued: Mask = np.zeros((environments, items), dtype=np.bool_)
        self._running: Whole = np.zeros(environments, dtype=np.int64)
        self._limit: Whole = np.full(environments, policy.first_connections)
        self._target: Floats = np.zeros(environments)
        self._wake: Floats = self._arrivals.starts.copy()
        self._wake_tick: Whole = np.zeros(environments, dtype=np.int64)
        self._wakes, self._calls = Calendar(), Calendar()
        self._tick, self._now = 0, 0.0
        self._note_wakes(np.arange(environments), first_tick=0)

    def run(self, progress: Callable[[float], None] = lambda _share: None) -> Measures:
        """Live through the whole scenario; `progress` hears now and then which share of it is done."""
        look_ticks = round(AGE_STEP_SECONDS / TICK_SECONDS)
        for tick in range(self._scenario.ticks):
            self._tick, self._now = tick, tick * TICK_SECONDS
            self._step()
            if tick % look_ticks == 0:
                self.measures.look(self._now, (self._now - self._values.fetched_at)[self._values.usable(self._now)])
                progress(tick / self._scenario.ticks)
        first = self._values.first_at.reshape(self._ready_at.shape).max(axis=1)
        self.measures.filled = first - self._arrivals.starts
        return self.measures

    def _step(self) -> None:
        """Live through one tick."""
        woken = np.unique(self._wakes.take(self._tick))
        woken = woken[self._wake_tick[woken] == self._tick]
        if len(woken):
            self._invoke(woken)
        calls = self._calls.take(self._tick)
        if len(calls):
            self._call(calls)

    def _invoke(self, environments: Whole) -> None:
        """Invoke: queue calls for what the policy wants fetched, and find the next invocation that may want any."""
        rows, columns = np.nonzero(self._ready_at[environments] <= self._now)
        items = environments[rows] * self._scenario.items + columns
        wanted = self._wanted(items)
        self._ready_at.flat[items[~wanted]] = self._now + TICK_SECONDS
        self._queue(items[wanted])
        self._aim(environments)

    def _wanted(self, items: Whole) -> Mask:
        """Tell which items are fetched: what is missing always, what is held if the policy wants it."""
        missing = np.isneginf(self._values.fetched_at[items])
        held = items[~missing]
        wanted = missing.copy()
        wanted[~missing] = self._policy.wants(self._values.held(held), self._now)
        self.measures.waited += int((self._values.expires_at[held] <= self._now).sum())
        return wanted

    def _queue(self, items: Whole) -> None:
        """Group each environment's items into calls, and queue them."""
        environments, columns = np.divmod(items, self._scenario.items)
        firsts = runs(environments)
        sizes = np.diff(firsts, append=len(items))
        rank = np.arange(len(items)) - np.repeat(firsts, sizes)
        wanted = np.repeat(sizes, sizes)
        leaders = items[np.repeat(firsts, sizes) + self._policy.groups.leaders[wanted, rank]]
        self._leader[environments, columns] = leaders
        self._ready_at[environments, columns] = NEVER
        self._operation[leaders] = self._policy.groups.operations[wanted, rank]
        self._enqueue(leaders, self._tick)

    def _enqueue(self, calls: Whole, tick: int) -> None:
        self._described[calls] = False
        self._queued.flat[calls] = True
        self._connect(np.unique(calls // self._scenario.items), tick)

    def _connect(self, environments: Whole, tick: int) -> None:
        """Start queued calls over the connections that are free; the wider limit ends with the first queue."""
        queued = self._queued[environments]
        free = self._limit[environments] - self._running[environments]
        starting = queued & (np.cumsum(queued, axis=1) <= free[:, None])
        rows, columns = np.nonzero(starting)
        calls = environments[rows] * self._scenario.items + columns
        self._queued.flat[calls] = False
        self._running[environments] += starting.sum(axis=1)
        self._limit[environments[~(queued & ~starting).any(axis=1)]] = self._policy.connections
        self._attempts[calls] = 0
        self._deadline[calls] = tick * TICK_SECONDS + self._policy.deadline_seconds
        self._calls.add(tick, calls)

    def _call(self, calls: Whole) -> None:
        """Ask the services, in random order; what is over the quota is throttled."""
        calls = self._dice.permutation(calls)
        operations = self._operation[calls]
        for place, operation in enumerate(OPERATIONS):
            asked = calls[operations == place]
            if len(asked):
                admitted = self._quotas.admit(operation, len(asked), self._now)
                self.measures.count(operation, self._now, len(asked), admitted)
                self._land(asked[:admitted])
                if admitted < len(asked):
                    self._throttle(asked[admitted:])

    def _members(self, calls: Whole) -> Whole:
        """Return the items that calls bring."""
        environments = calls // self._scenario.items
        rows, columns = np.nonzero(self._leader[environments] == calls[:, None])
        return environments[rows] * self._scenario.items + columns

    def _land(self, calls: Whole) -> None:
        """Give what came its times; a new version that was only described is fetched now."""
        changed = self._is_changed(calls)
        self._described[calls[changed]] = True
        self._calls.add(self._tick + 1, calls[changed])
        calls = calls[~changed]
        items = self._members(calls)
        values, now = self._values, self._now
        due_at, expires_at, stale_until = self._policy.times(now, self._dice.random(len(items)))
        values.fetched_at[items], values.failed_at[items], values.retry_at[items] = now, np.nan, 0.0
        values.due_at[items], values.expires_at[items], values.stale_until[items] = due_at, expires_at, stale_until
        values.first_at[items] = np.minimum(values.first_at[items], now)
        self._ready_at.flat[items] = due_at
        self._end(calls, items)

    def _is_changed(self, calls: Whole) -> Mask:
        """Tell whose DescribeSecret shows a version that is not the one in hand."""
        rotated_at, fetched_at = self._scenario.rotated_at, self._values.fetched_at[calls]
        old = np.isfinite(fetched_at) & (fetched_at < rotated_at) & (self._now >= rotated_at)
        describes = self._policy.describes and self._scenario.service == "secretsmanager"
        changed: Mask = old & describes & ~self._described[calls]
        return changed

    def _throttle(self, calls: Whole) -> None:
        """Pause, or give up where attempts or time have run out."""
        self._attempts[calls] += 1
        pauses = np.zeros(len(calls))
        for failed in np.unique(self._attempts[calls]).tolist():
            chosen = self._attempts[calls] == failed
            pauses[chosen] = self._policy.pause(failed, self._dice.random(int(chosen.sum())))
        over = (self._attempts[calls] >= self._policy.attempts) | (self._now + pauses >= self._deadline[calls])
        self._calls.put(
            self._tick + np.maximum(1, np.ceil(pauses[~over] / TICK_SECONDS)).astype(np.int64), calls[~over]
        )
        self._give_up(calls[over])

    def _give_up(self, calls: Whole) -> None:
        """Fail: the old value keeps its times. What a Batch did not bring goes on singly."""
        batches = self._operation[calls] == OPERATIONS.index("secrets")
        items, singles = self._members(calls[~batches]), self._members(calls[batches])
        self.measures.failed[int(self._now)] += len(calls) - int(batches.sum())
        self._values.failed_at[items] = self._now
        again_at = self._policy.again_at(self._now, self._dice.random(len(items)))
        self._values.retry_at[items] = self._ready_at.flat[items] = again_at
        self._leader.flat[singles] = singles
        self._operation[singles] = OPERATIONS.index("secret")
        self._end(calls, items)
        if len(singles):
            self._enqueue(singles, self._tick + 1)

    def _end(self, calls: Whole, items: Whole) -> None:
        """Free the connections for what is queued, and look out for the next invocation."""
        self._leader.flat[items] = NOBODY
        environments = np.sort(calls // self._scenario.items)
        np.subtract.at(self._running, environments, 1)
        distinct = environments[runs(environments)]
        waiting = distinct[self._queued[distinct].any(axis=1)]
        if len(waiting):
            self._connect(waiting, self._tick + 1)
        self._aim_sooner(distinct)

    def _aim(self, environments: Whole) -> None:
        """Find the first invocation after this one at which something may be wanted."""
        target = self._ready_at[environments].min(axis=1)
        self._target[environments] = target
        self._wake[environments] = self._arrivals.after(environments, np.maximum(target, self._now + TICK_SECONDS))
        self._note_wakes(environments, self._tick + 1)

    def _aim_sooner(self, environments: Whole) -> None:
        """Do so where something may be wanted sooner; no invocation falls between that and what was aimed at before."""
        target, old = self._ready_at[environments].min(axis=1), self._target[environments]
        sooner = environments[target < old]
        if not len(sooner):
            return
        target, old = target[target < old], old[target < old]
        wake = self._arrivals.after(sooner, np.maximum(target, self._now + TICK_SECONDS))
        self._target[sooner] = target
        self._wake[sooner] = np.where(wake < old, wake, self._wake[sooner])
        self._note_wakes(sooner, self._tick + 1)

    def _note_wakes(self, environments: Whole, first_tick: int) -> None:
        """Note when environments are invoked next, within the scenario."""
        soon = environments[self._wake[environments] < self._scenario.ticks * TICK_SECONDS]
        self._wake_tick[environments] = NOBODY
        self._wake_tick[soon] = np.maximum(first_tick, np.ceil(self._wake[soon] / TICK_SECONDS).astype(np.int64))
        self._wakes.put(self._wake_tick[soon], soon)
