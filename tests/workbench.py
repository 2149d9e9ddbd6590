"""A store on the workbench: its world is a clock, a scripted upstream, and work that runs when the test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extension.core.cache import Cache
from extension.core.errors import UpstreamError
from extension.core.flight import Flights
from extension.core.policy import Freshness
from extension.core.shelf import Fetched, Shelf
from extension.store import Store
from tests.samples import NOW, secret
from tests.servers.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.answer import Answer
    from extension.core.model import Query, Value
    from extension.core.plan import Job


class Workbench:
    """A store with TTL 100, stale for 50, negatives for 5, due at 90; `upstream` says what an id brings.

    A read waits for 10 seconds of the same clock.
    """

    def __init__(
        self,
        *,
        limit: int = 10,
        ttl: float = 100,
        max_stale: float = 50,
        batch: str = "auto",
        patience: float = float("inf"),
    ) -> None:
        """Every id brings a secret of that name, version 1, until the test says otherwise."""
        freshness = Freshness(ttl_seconds=ttl, max_stale_seconds=max_stale)
        self.clock = Clock(NOW)
        self.shelf = Shelf(Cache(limit), lambda _query: freshness, lambda: 0.5, 5)
        self.upstream: dict[str, Value | Exception | None] = {}
        self.jobs: list[Job] = []
        self.waiting: list[tuple[str, Callable[[], None], bool]] = []
        self.urgencies: list[bool] = []
        self.reports: list[tuple[str, str]] = []
        self.answers: list[Answer] = []
        self.threads_are_out = False
        self.store = Store(
            self.shelf,
            self.fetch,
            self.submit,
            clock=self.clock,
            report=self.report,
            batch=batch,
            flights=Flights(patience, lambda _service: self.clock() + 10),
        )

    def report(self, level: str, sentence: str) -> None:
        """Note what is logged."""
        self.reports.append((level, sentence))

    def submit(self, service: str, work: Callable[[], None], *, wide: bool, urgent: bool) -> None:
        """Take work, to be run later."""
        if self.threads_are_out:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        self.waiting.append((service, work, wide))
        self.urgencies.append(urgent)

    def fetch(self, job: Job) -> dict[Query, Fetched | UpstreamError]:
        """Bring what the upstream has for each id; None is left out, exceptions but UpstreamError are raised."""
        self.jobs.append(job)
        found = {query: self.upstream.get(query.id, secret(query.id)) for query in job.queries}
        defects = [
            each for each in found.values() if isinstance(each, Exception) and not isinstance(each, UpstreamError)
        ]
        if defects:
            raise defects[0]
        return {query: _result(each) for query, each in found.items() if each is not None}

    def run(self) -> None:
        """Run all work that waits, and what comes of it."""
        while self.waiting:
            self.waiting.pop(0)[1]()

    def read(self, query: Query, *, refresh: bool = False, failed_version: str | None = None) -> Answer | None:
        """Read now; late answers gather in `answers`."""
        return self.store.read(query, self.clock(), self.answers.append, refresh=refresh, failed_version=failed_version)

    def got(self, query: Query, *, refresh: bool = False, failed_version: str | None = None) -> Answer:
        """Read, run what waits, and return the one answer."""
        answer = self.read(query, refresh=refresh, failed_version=failed_version)
        self.run()
        late, self.answers = self.answers, []
        (only,) = [answer] if answer is not None else late
        return only


def _result(brought: Any) -> Fetched | UpstreamError:
    if isinstance(brought, UpstreamError):
        return brought
    return Fetched(value=brought)
