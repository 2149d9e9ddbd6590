"""Jobs: upstream calls in workers, from the plan to the landing.

Law: every query of a job lands exactly once, whatever happens to the call: it fails, it brings too little, its result
has an unforeseen shape, or no thread can be had for it. A job that a reader joins while it waits for a worker is moved
forward: it then stands in two queues, and whoever comes first takes it.
"""

from __future__ import annotations

from _thread import allocate_lock

from extension.core.errors import Unavailable, UpstreamError
from extension.core.plan import singles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from extension.core.answer import Counters
    from extension.core.flight import Flight
    from extension.core.model import Query
    from extension.core.plan import Job
    from extension.core.shelf import Fetched

    Flying = Mapping[Query, Flight]
    Fetch = Callable[[Job], Mapping[Query, Fetched | UpstreamError]]
    Land = Callable[[Query, Flight, Fetched | UpstreamError], None]

    class Submit(Protocol):
        """Runs work in a worker of a service."""

        def __call__(self, service: str, work: Callable[[], None], *, wide: bool, urgent: bool) -> None:
            """Run `work` soon; `wide`: over as many connections as a prefetch may use; `urgent`: somebody waits."""


class _Errand:
    """A job on its way to a worker, which calls it."""

    __slots__ = ("_load", "_lock", "_work", "service", "urgent", "wide")

    def __init__(self, work: Callable[[_Errand], None], job: Job, flights: Flying, *, wide: bool) -> None:
        self._work = work
        self._lock = allocate_lock()
        self._load: tuple[Job, Flying] | None = (job, flights)
        self.service = job.service
        self.wide = wide
        self.urgent = any(flight.is_read for flight in flights.values())

    def __call__(self) -> None:
        self._work(self)

    def take(self) -> tuple[Job, Flying] | None:
        """Return the job and its flights to the first who asks."""
        with self._lock:
            load, self._load = self._load, None
        return load


class Jobs:
    """Runs jobs; `fetch` blocks (in a worker), `land` takes each result, `report` a level and a sentence."""

    def __init__(
        self,
        fetch: Fetch,
        submit: Submit,
        land: Land,
        report: Callable[[str, str], None],
        counters: Counters,
        *,
        clock: Callable[[], float],
    ) -> None:
        """Start with nothing to do; `clock` gives epoch seconds."""
        self._fetch = fetch
        self._submit = submit
        self._land = land
        self._report = report
        self._counters = counters
        self._clock = clock
        self._lock = allocate_lock()
        self._stranded: list[_Errand] = []

    def start(self, job: Job, flights: Flying, *, wide: bool) -> None:
        """Hand `job` to a worker; it never lands in here, so the caller may hold the lock that landing takes.

        When it has to have ended, its flights say when it begins.
        """
        errand = _Errand(self._work, job, flights, wide=wide)
        for flight in flights.values():
            flight.hurry = lambda: self._hurry(errand)
        try:
            self._send(errand)
        except RuntimeError:
            self._stranded.append(errand)

    def _send(self, errand: _Errand) -> None:
        self._submit(errand.service, errand, wide=errand.wide, urgent=errand.urgent)

    def _hurry(self, errand: _Errand) -> None:
        """Move what waits for a worker forward, once."""
        if errand.urgent:
            return
        errand.urgent = True
        try:
            self._send(errand)
        except RuntimeError:  # it stays where it stands
            return

    def land_stranded(self) -> None:
        """Land what no worker could take; the caller of `start` calls it when it holds no lock any more."""
        if not self._stranded:
            return
        with self._lock:
            stranded, self._stranded = self._stranded, []
        for job, flights in filter(None, [errand.take() for errand in stranded]):
            for query in job.queries:
                message = f"{query.label} could not be fetched: no thread could be started for it"
                self._land(query, flights[query], Unavailable(message, code="OutOfThreads", status=500))

    def _work(self, errand: _Errand) -> None:
        """Fetch, in a worker, what no other worker has taken."""
        load = errand.take()
        if load is None:
            return
        job, flights = load
        self._counters.fetches += 1
        begun_at = self._clock()
        for flight in flights.values():
            flight.begin(begun_at)
        ends_at = max(flight.ends_at for flight in flights.values())
        waits_until = min(flight.waits_until for flight in flights.values())
        self._run(job.replace(ends_at=ends_at, waits_until=waits_until), flights, wide=errand.wide)

    def _run(self, job: Job, flights: Flying, *, wide: bool) -> None:
        """Fetch and land every query; what a batch did not bring goes on alone."""
        results = self._fetched(job)
        missing = [query for query in job.queries if query not in results]
        for query in job.queries:
            if query in results:
                self._land_surely(query, flights[query], results[query])
            elif job.kind != "secrets":
                self._land_surely(query, flights[query], self.internal(query, "nothing came"))
        for single in singles(missing) if job.kind == "secrets" else ():
            self.start(single, {query: flights[query] for query in single.queries}, wide=wide)
        self.land_stranded()

    def _land_surely(self, query: Query, flight: Flight, result: Fetched | UpstreamError) -> None:
        """Land; where there was no memory even for that, land without what was fetched."""
        try:
            self._land(query, flight, result)
        except Exception as error:  # noqa: BLE001 (whoever waits, for this or another query, must not wait for ever)
            self._land(query, flight, self.internal(query, type(error).__name__))

    def _fetched(self, job: Job) -> Mapping[Query, Fetched | UpstreamError]:
        try:
            return self._fetch(job)
        except UpstreamError as error:
            return dict.fromkeys(job.queries, error)
        except Exception as error:  # noqa: BLE001 (a defect of ours must not leave callers waiting)
            return dict.fromkeys(job.queries, self.internal(job.queries[0], type(error).__name__))

    def internal(self, query: Query, what: str) -> Unavailable:
        """Report a defect of ours, and return the error for those who wait."""
        self._report("error", f"internal error while fetching {query.label}: {what}")
        message = f"{query.label} could not be fetched: internal error, see the log"
        return Unavailable(message, code="InternalFailure", status=500)
