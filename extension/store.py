"""The store: joins cache, single-flight and sources; the only state that threads share.

    read ──► cache ── fresh ─────────────────────────────► Answer at once
               │ due: Answer at once, and behind it ┐
               └ missing, expired: wait ────────────┴► flight ──► workers ──► fetch ──► land ──► every waiter

Law: whatever looks at the cache and joins a flight does both under one lock, and landing puts the value and ends the
flight under it, so that nobody fetches what has just arrived. Waiters are called outside the lock, exactly once.
"""

from __future__ import annotations

from _thread import allocate_lock

from extension.core.errors import SidekeyError, Stopping, Unavailable, UpstreamError
from extension.core.flight import Flights
from extension.core.plan import plan, singles
from extension.core.policy import REPLACE_PAUSE_SECONDS, is_expired, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Literal, Protocol

    from extension.core.cache import Entry
    from extension.core.flight import Flight
    from extension.core.model import Query, Value
    from extension.core.plan import Job
    from extension.core.shelf import Fetched, Landing, Shelf

    State = Literal["hit", "miss", "refreshed", "stale"]
    Deliver = Callable[["Answer"], None]
    Fetch = Callable[[Job], Mapping[Query, Fetched | UpstreamError]]

    class Submit(Protocol):
        """Runs work in a worker of a service."""

        def __call__(self, service: str, work: Callable[[], None], *, wide: bool) -> None:
            """Run `work` soon; `wide`: over as many connections as a prefetch may use."""


SHORTEST_CALL_SECONDS = 0.5
"""Nothing is started behind an invocation that has less time left than this."""


class Answer:
    """What a read gets: an entry (or an error), how it came (`state`), and why it is stale, if it is."""

    __slots__ = ("entry", "error", "reason", "state")

    def __init__(
        self, state: State, entry: Entry | None = None, error: SidekeyError | None = None, reason: str | None = None
    ) -> None:
        """Exactly one of `entry` and `error` is set."""
        self.state = state
        self.entry = entry
        self.error = error
        self.reason = reason


class Counters:
    """What `/metrics` counts beside the entries' own hits."""

    __slots__ = ("failures", "fetches", "misses", "stale")

    def __init__(self) -> None:
        """Start at zero."""
        self.fetches = self.failures = self.misses = self.stale = 0


class Store:
    """Thread-safe; all it needs of the world is injected."""

    def __init__(
        self,
        shelf: Shelf,
        fetch: Fetch,
        submit: Submit,
        *,
        clock: Callable[[], float],
        report: Callable[[str, str], None],
        batch: str = "auto",
    ) -> None:
        """Start empty; `fetch` blocks (in a worker), `clock` gives epoch seconds, `report` takes level and sentence."""
        self.shelf = shelf
        self.counters = Counters()
        self._fetch = fetch
        self._submit = submit
        self._clock = clock
        self._report = report
        self._batch = batch
        self._lock = allocate_lock()
        self._flights = Flights()
        self._stopping = False

    def read(
        self, query: Query, now: float, deliver: Deliver, *, refresh: bool = False, failed_version: str | None = None
    ) -> Answer | None:
        """Answer at once, or return None and call `deliver` from a worker. `query` has its regions resolved.

        `refresh` fetches whatever the cache holds, and no stale value stands in. `failed_version` is a version that the
        caller's database refused: if the cache holds that one, the next is fetched.
        """
        with self._lock:
            entry = self.shelf.cache.find(query)
            query = query if entry is None else entry.asked
            if refresh or (entry is not None and failed_version and self._may_replace(entry, failed_version, now)):
                self._wait(query, _deliverer(deliver, "refreshed", stale_allowed=not refresh))
                return None
            answer = self._at_once(query, entry, now)
            if answer is None:
                self._wait(query, _deliverer(deliver, "miss"))
            return answer

    def ensure(self, queries: Iterable[Query], deliver: Callable[[Query, Answer], None], *, wide: bool = False) -> None:
        """Read many, fetching together what is missing; `deliver` is called for each, at once or from a worker."""
        ready: list[tuple[Query, Answer]] = []
        led = []
        with self._lock:
            now = self._clock()
            for query in dict.fromkeys(queries):
                entry = self.shelf.cache.find(query)
                asked = query if entry is None else entry.asked
                answer = self._at_once(asked, entry, now)
                if answer is not None:
                    ready.append((query, answer))
                elif self._flights.join(asked, _deliverer(_bound(deliver, query), "miss")):
                    led.append(asked)
            self._launch(led, wide=wide)
        for query, answer in ready:
            deliver(query, answer)

    def _at_once(self, query: Query, entry: Entry | None, now: float) -> Answer | None:
        """Return what needs no waiting, and start the refresh of what is due."""
        if entry is None:
            error = Stopping("the extension is shutting down") if self._stopping else self.shelf.remembered(query, now)
            return None if error is None else Answer("hit", error=error)
        verdict = judge(entry.times, now, entry.failed_at, entry.retry_at)
        if verdict == "fetch":
            return None
        if verdict in ("serve-and-refresh", "stale-and-refresh") and self._flights.join(query, None):
            self._launch([query], behind=True)
        entry.used_at = now
        entry.hits += 1
        if verdict in ("serve", "serve-and-refresh"):
            return Answer("hit", entry)
        self.counters.stale += 1
        return Answer("stale", entry, reason=_reason(entry))

    def _may_replace(self, entry: Entry, failed_version: str, now: float) -> bool:
        """Tell whether a refused version leads to a fetch: one in a while, shared by all callers."""
        if entry.version != failed_version:
            return False
        if entry.asked not in self._flights and 0 <= now - entry.replaced_at < REPLACE_PAUSE_SECONDS:
            return False
        entry.replaced_at = now
        return True

    def _wait(self, query: Query, waiter: Callable[[Landing], None]) -> None:
        self.counters.misses += 1
        if self._flights.join(query, waiter):
            self._launch([query])

    def _launch(
        self, queries: list[Query], *, wide: bool = False, behind: bool = False, timeout_seconds: float = 0.0
    ) -> None:
        """Start the jobs for flights that we lead; the caller holds the lock. `behind`: nobody waits for them."""
        for job in plan(queries, self._batch):
            held = self._held(job.queries) if behind else {}
            flights = {query: self._flights[query] for query in job.queries}
            self._start(job.replace(held=held, timeout_seconds=timeout_seconds), flights, wide=wide)

    def _held(self, queries: tuple[Query, ...]) -> dict[Query, Value]:
        found = {query: self.shelf.cache.find(query) for query in queries}
        return {query: entry.value for query, entry in found.items() if entry is not None}

    def _start(self, job: Job, flights: Mapping[Query, Flight], *, wide: bool) -> None:
        self._submit(job.service, lambda: self._work(job, flights, wide=wide), wide=wide)

    def _work(self, job: Job, flights: Mapping[Query, Flight], *, wide: bool) -> None:
        """Fetch, in a worker, and land every query; what a batch did not bring goes on alone."""
        self.counters.fetches += 1
        results = self._fetched(job)
        for query, result in results.items():
            self._land(query, flights[query], result)
        for single in singles(query for query in job.queries if query not in results):
            self._start(single, flights, wide=wide)

    def _fetched(self, job: Job) -> Mapping[Query, Fetched | UpstreamError]:
        try:
            return self._fetch(job)
        except UpstreamError as error:
            return dict.fromkeys(job.queries, error)
        except Exception as error:  # noqa: BLE001 (a defect of ours must not leave callers waiting)
            self._report("error", f"internal error while fetching {job.queries[0].label}: {type(error).__name__}")
            message = f"{job.queries[0].label} could not be fetched: internal error, see the log"
            return dict.fromkeys(job.queries, Unavailable(message, code="InternalFailure", status=500))

    def _land(self, query: Query, flight: Flight, result: Fetched | UpstreamError) -> None:
        with self._lock:
            landing = self._shelve(query, flight, result)
            waiters = self._flights.land(query, flight)
        if landing.stale is not None and landing.error is not None:
            self._report(
                "warn", f"{query.label} could not be refreshed, the cached value stands in: {landing.error.message}"
            )
        for waiter in waiters:
            waiter(landing)

    def _shelve(self, query: Query, flight: Flight, result: Fetched | UpstreamError) -> Landing:
        now = self._clock()
        if isinstance(result, UpstreamError):
            self.counters.failures += 1
            return self.shelf.fail(query, result, now)
        return self.shelf.keep(query, result, now, keep=flight.keep and self._flights.keeping)

    def refresh_due(self, now: float, deadline: float, wanted: frozenset[Query] = frozenset()) -> int:
        """Start refreshing what is due and either `wanted` or used since it was fetched; return how many.

        `deadline` (epoch seconds) bounds the calls; nothing is started that has no time left.
        """
        if deadline - now < SHORTEST_CALL_SECONDS:
            return 0
        with self._lock:
            due = [entry for entry in self.shelf.cache if now >= entry.due_at or is_expired(entry.times, now)]
            used = [entry for entry in due if entry.hits or not wanted.isdisjoint(entry.names)]
            ready = [entry.asked for entry in used if now >= entry.retry_at]
            led = [query for query in ready if self._flights.join(query, None)]
            self._launch(led, behind=True, timeout_seconds=deadline - now)
        return len(led)

    def forget(self, *, keeping: bool) -> None:
        """Empty the cache; with `keeping` False nothing that arrives is kept until the next call (SnapStart's init)."""
        with self._lock:
            self.shelf.clear()
            self._flights.keeping = keeping

    def stop(self) -> None:
        """Answer what is not in the cache with 503 from now on."""
        with self._lock:
            self._stopping = True

    @property
    def in_flight(self) -> int:
        """How many fetches are under way."""
        return len(self._flights)


def _reason(entry: Entry) -> str:
    return entry.failure.code if entry.failure is not None else "Expired"


def _deliverer(deliver: Deliver, state: State, *, stale_allowed: bool = True) -> Callable[[Landing], None]:
    """Return the waiter that turns a landing into the caller's answer."""

    def waiter(landing: Landing) -> None:
        if landing.entry is not None:
            deliver(Answer(state, landing.entry))
        elif stale_allowed and landing.stale is not None and landing.error is not None:
            deliver(Answer("stale", landing.stale, reason=landing.error.code))
        else:
            deliver(Answer(state, error=landing.error))

    return waiter


def _bound(deliver: Callable[[Query, Answer], None], query: Query) -> Deliver:
    return lambda answer: deliver(query, answer)
