"""The store: joins cache, single-flight and sources; the only state that threads share.

    read ──► cache ── fresh ─────────────────────────────► Answer at once
               │ due: Answer at once, and behind it ┐
               └ missing, expired: wait ────────────┴► flight ──► workers ──► fetch ──► land ──► every waiter

Law: whatever looks at the cache and joins a flight does both under one lock, and landing puts the value and ends the
flight under it, so that nobody fetches what has just arrived. Waiters are called outside the lock, exactly once.
"""

from __future__ import annotations

from _thread import allocate_lock

from extension.core.answer import Answer, Counters, about, deliverer, reason
from extension.core.errors import Stopping, UpstreamError
from extension.core.flight import FOR_EVER, Flights
from extension.core.plan import SHORTEST_CALL_SECONDS, company, plan
from extension.core.policy import REPLACE_PAUSE_SECONDS, is_expired, judge
from extension.core.shelf import Landing
from extension.jobs import Jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from extension.core.answer import Deliver, Told
    from extension.core.cache import Entry
    from extension.core.flight import Flight, Waiter, Wants
    from extension.core.model import Query
    from extension.core.shelf import Fetched, Shelf
    from extension.jobs import Fetch, Submit


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
        flights: Flights | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Start empty; `fetch` blocks (in a worker), `clock` gives epoch seconds, `report` takes level and sentence.

        `changed` is called after every landing, so that no ready bytes outlive their entry.
        """
        self.shelf = shelf
        self.counters = Counters()
        self._clock = clock
        self._report = report
        self._changed = changed
        self._batch = batch
        self._lock = allocate_lock()
        self._flights = Flights() if flights is None else flights
        self._jobs = Jobs(fetch, submit, self._land, report, self.counters, clock=clock)
        self._stopping = False

    def read(
        self, query: Query, now: float, deliver: Deliver, *, refresh: bool = False, failed_version: str | None = None
    ) -> Answer | None:
        """Answer at once, or return None and call `deliver` from a worker. `query` has its regions resolved.

        `refresh` fetches whatever the cache holds, and no stale value stands in. `failed_version` is a version that the
        caller's database refused: if the cache holds that one, the next is fetched.
        """
        with self._lock:
            answer = self._read(query, now, deliver, refresh=refresh, failed_version=failed_version)
        self._jobs.land_stranded()
        return answer

    def _read(
        self, query: Query, now: float, deliver: Deliver, *, refresh: bool, failed_version: str | None
    ) -> Answer | None:
        entry = self.shelf.cache.find(query)
        query = query if entry is None else entry.asked
        if refresh and self._stopping:
            return Answer("refreshed", error=_stopped())
        if refresh or (entry is not None and failed_version and self._may_replace(entry, failed_version, now)):
            waiter = deliverer(deliver, "refreshed", self.counters, stale_allowed=not refresh)
            self._wait(query, waiter, now, wants="now" if refresh else "newer")
            return None
        answer = self._at_once(query, entry, now)
        if answer is None:
            self._wait(query, deliverer(deliver, "miss", self.counters), now)
        return answer

    def ensure(self, queries: Iterable[Query], deliver: Told, *, wide: bool = False, ends_at: float = FOR_EVER) -> None:
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
                    continue
                self.counters.misses += not wide
                waiter = deliverer(about(query, deliver), "miss", self.counters)
                if self._flights.join(asked, waiter, now, ends_at=ends_at, reads=not wide):
                    led.append(asked)
            self._launch(led, wide=wide)
        self._jobs.land_stranded()
        for query, answer in ready:
            deliver(query, answer)

    def _at_once(self, query: Query, entry: Entry | None, now: float) -> Answer | None:
        """Return what needs no waiting, and start the refresh of what is due."""
        verdict = "fetch" if entry is None else judge(entry.times, now, entry.failed_at, entry.retry_at)
        if entry is None or verdict == "fetch":
            error = _stopped() if self._stopping else self.shelf.remembered(query, now)
            return None if error is None else Answer("hit", error=error)
        if verdict in ("serve-and-refresh", "stale-and-refresh"):
            self._refresh_behind(query, now)
        entry.used_at = now
        entry.hits += 1
        if verdict in ("serve", "serve-and-refresh"):
            return Answer("hit", entry)
        self.counters.stale += 1
        return Answer("stale", entry, reason=reason(entry))

    def _refresh_behind(self, query: Query, now: float) -> None:
        if not self._stopping:
            self._refresh([query], now)

    def _refresh(self, due: list[Query], now: float, ends_at: float = FOR_EVER) -> int:
        """Start refreshing what is due, and what may go along with it; return how many."""
        wanted = [*due, *company(due, self.shelf.cache, now)]
        led = [query for query in wanted if self._flights.join(query, None, now, ends_at=ends_at)]
        self._launch(led, behind=True)
        return len(led)

    def _may_replace(self, entry: Entry, failed_version: str, now: float) -> bool:
        """Tell whether a refused version leads to a fetch: one in a while, shared by all callers."""
        if self._stopping or entry.version != failed_version:
            return False
        if entry.asked not in self._flights and 0 <= now - entry.replaced_at < REPLACE_PAUSE_SECONDS:
            return False
        entry.replaced_at = now
        return True

    def _wait(self, query: Query, waiter: Waiter, now: float, wants: Wants = "value") -> None:
        self.counters.misses += 1
        if self._flights.join(query, waiter, now, wants=wants, reads=True):
            self._launch([query])

    def _launch(self, queries: list[Query], *, wide: bool = False, behind: bool = False) -> None:
        """Start the jobs for flights that we lead; the caller holds the lock. `behind`: nobody waits for them."""
        for job in plan(queries, self._batch):
            held = self._held(job.queries) if behind else {}
            flights = {query: self._flights[query] for query in job.queries}
            self._jobs.start(job.replace(held=held), flights, wide=wide)

    def _held(self, queries: tuple[Query, ...]) -> dict[Query, Entry]:
        found = {query: self.shelf.cache.find(query) for query in queries}
        return {query: entry for query, entry in found.items() if entry is not None}

    def _land(self, query: Query, flight: Flight, result: Fetched | UpstreamError) -> None:
        with self._lock:
            if isinstance(result, Stopping) and self._flies_again(query, flight):
                return
            landing = self._shelved(query, flight, result)
            waiters = self._flights.land(query, flight)
            if landing.entry is not None:
                landing.entry.is_read |= flight.is_read
        self._changed()
        if landing.stale is not None and landing.error is not None and not isinstance(landing.error, Stopping):
            self._report(
                "warn", f"{query.label} could not be refreshed, the cached value stands in: {landing.error.message}"
            )
        for waiter in waiters:
            self._tell(waiter, landing)

    def _flies_again(self, query: Query, flight: Flight) -> bool:
        """Fetch once more what ended with its invocation, where a reader waits whose own time is not up."""
        if not flight.is_read or self._stopping:
            return False
        if self._flights.again(query, flight, self._clock()):
            self._launch([query])
        return True

    def _tell(self, waiter: Waiter, landing: Landing) -> None:
        try:
            waiter(landing)
        except Exception as error:  # noqa: BLE001 (one caller's trouble must not keep the others waiting)
            self._report("error", f"internal error while answering: {type(error).__name__}")

    def _shelved(self, query: Query, flight: Flight, result: Fetched | UpstreamError) -> Landing:
        try:
            return self._shelve(query, flight, result)
        except Exception as error:  # noqa: BLE001 (a value of unforeseen shape must not leave callers waiting)
            return Landing(error=self._jobs.internal(query, type(error).__name__))

    def _shelve(self, query: Query, flight: Flight, result: Fetched | UpstreamError) -> Landing:
        now, keep = self._clock(), flight.keep and self._flights.keeping
        if isinstance(result, UpstreamError):
            self.counters.failures += 1
            if not keep:
                return Landing(error=result)
            overtaken = self._flights.overtook(query, flight)
            return self.shelf.fail(query, result, now, begun_at=flight.begun_at, overtaken=overtaken)
        return self.shelf.keep(query, result, now, keep=keep, begun_at=flight.begun_at)

    def refresh_due(self, now: float, deadline: float, wanted: frozenset[Query] = frozenset()) -> int:
        """Start refreshing what is due and either `wanted` or used since it was fetched; return how many.

        `deadline` (epoch seconds) bounds the calls, also those that have to wait for a worker first.
        """
        if self._stopping or deadline - now < SHORTEST_CALL_SECONDS:
            return 0
        with self._lock:
            due = [entry for entry in self.shelf.cache if now >= entry.due_at or is_expired(entry.times, now)]
            used = [entry for entry in due if entry.hits or entry.is_read or not wanted.isdisjoint(entry.names)]
            started = self._refresh([entry.asked for entry in used if now >= entry.retry_at], now, deadline)
        self._jobs.land_stranded()
        return started

    def forget(self, *, keeping: bool) -> None:
        """Empty the cache; with `keeping` False nothing that arrives is kept until the next call (SnapStart's init)."""
        with self._lock:
            self.shelf.clear()
            self._flights.keeping = keeping

    def stop(self) -> None:
        """Fetch nothing more: what is not in the cache is answered with 503 from now on."""
        with self._lock:
            self._stopping = True

    @property
    def in_flight(self) -> int:
        """How many fetches are under way."""
        return len(self._flights)


def _stopped() -> Stopping:
    return Stopping("the extension is shutting down")
