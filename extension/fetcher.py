"""The fetcher: runs one job against the sources, in a worker.

    secret      ─► DescribeSecret, where a value is held and nobody waits ─► GetSecretValue, unless unchanged of late
    secrets     ─► BatchGetSecretValue once; what it does not bring the store fetches singly
    parameters  ─► GetParameters        path ─► GetParametersByPath, all pages

Law: all calls of a job, in whatever region, share one budget of time, which is not the wall clock's. Hits come first:
a job that nobody waits for gives way at every step, or a hit on the same core waits until it blocks.
"""

from __future__ import annotations

from extension.core.denials import Denials
from extension.core.errors import Refused, Stopping, Throttled, TimedOut, Transient, UpstreamError
from extension.core.model import DEFAULT_STAGE, Secret
from extension.core.plan import SHORTEST_CALL_SECONDS
from extension.core.policy import may_be_renewed
from extension.core.record import Record
from extension.core.shelf import Fetched
from extension.regions import Budget, Regions, first_region

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from extension.core.cache import Entry
    from extension.core.model import Parameter, ParameterTree, Query, Value
    from extension.core.plan import Job
    from extension.core.policy import Rotation

    Results = Mapping[Query, Fetched | UpstreamError]

    class Secrets(Protocol):
        """Secrets Manager in one region."""

        def fetch(self, query: Query, *, region: str, timeout_seconds: float) -> Secret:
            """Return the secret."""

        def fetch_batch(
            self, queries: Sequence[Query], *, region: str, timeout_seconds: float
        ) -> Mapping[Query, Secret | UpstreamError]:
            """Return what one BatchGetSecretValue brings."""

        def describe(self, query: Query, *, region: str, timeout_seconds: float) -> Rotation:
            """Return what is known of its rotation and versions."""

    class Parameters(Protocol):
        """Parameter Store in one region."""

        def fetch_batch(
            self, queries: Sequence[Query], *, region: str, timeout_seconds: float
        ) -> Mapping[Query, Parameter | UpstreamError]:
            """Return what one GetParameters brings."""

        def fetch_path(self, query: Query, *, region: str, timeout_seconds: float) -> ParameterTree:
            """Return all parameters below a path."""


class Sources(Record):
    """The two services."""

    secrets: Secrets
    parameters: Parameters


class Fetcher:
    """Fetches jobs; `call_seconds` bounds a whole call by service.

    `hasty` are the same sources, which leave trying again to whoever knows another region.
    """

    def __init__(
        self,
        sources: Sources,
        hasty: Sources,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        call_seconds: Mapping[str, float],
        report: Callable[[str, str], None],
        give_way: Callable[[], object] = lambda: None,
    ) -> None:
        """Start with every region trusted and every permission assumed; `clock` gives epoch seconds.

        `give_way` lets another thread that is ready go first.
        """
        self._sources = sources
        self._clock = clock
        self._monotonic = monotonic
        self._call_seconds = call_seconds
        self._report = report
        self._give_way = give_way
        self._regions = Regions(sources, hasty, clock)
        self._denials = Denials()

    def fetch(self, job: Job) -> Results:
        """Return a value or an error for each query; UpstreamError speaks for all of them."""
        self._step(job)
        try:
            return self._fetch(job, self._budget(job))
        except TimedOut as error:
            if job.ends_at - self._clock() < SHORTEST_CALL_SECONDS:
                raise _too_late(job) from error
            raise
        finally:
            self._step(job)

    def _step(self, job: Job) -> None:
        if job.can_wait:
            self._give_way()

    def _fetch(self, job: Job, budget: Budget) -> Results:
        first = job.queries[0]
        if job.kind == "secrets":
            return self._batch(job, budget)
        if job.kind == "secret":
            return {first: self._secret(first, job.held.get(first), budget)}
        if job.kind == "path":
            return {first: Fetched(value=self._tree(first, budget))}
        return _wrapped(self._tens(job.queries, budget))

    def _budget(self, job: Job) -> Budget:
        """Return what time there is; TimedOut or Stopping where that is too little for any call."""
        left, waits = job.ends_at - self._clock(), job.waits_until - self._monotonic()
        if waits <= 0:
            raise _waited_out(job)
        if left < SHORTEST_CALL_SECONDS:
            raise _too_late(job)
        return Budget(min(left, waits, self._call_seconds[job.service]), self._monotonic)

    def _tree(self, query: Query, budget: Budget) -> ParameterTree:
        def call(sources: Sources, region: str, seconds: float) -> ParameterTree:
            return sources.parameters.fetch_path(query, region=region, timeout_seconds=seconds)

        return self._regions.ask(query, budget, call)

    def _tens(self, queries: Sequence[Query], budget: Budget) -> Mapping[Query, Parameter | UpstreamError]:
        """Fetch parameters together; what another region than the first one refuses is left for that to answer."""
        copies: dict[Query, Parameter | UpstreamError] = {}

        def call(sources: Sources, region: str, seconds: float) -> Mapping[Query, Parameter | UpstreamError]:
            left = [query for query in queries if query not in copies]
            found = sources.parameters.fetch_batch(left, region=region, timeout_seconds=seconds)
            faults = [each for each in found.values() if isinstance(each, Transient)]
            if len(faults) == len(found) and not any(isinstance(each, Throttled) for each in faults):
                raise faults[0]
            refusals = [each for each in found.values() if isinstance(each, Refused)]
            if refusals and region != first_region(queries[0]):
                copies.update({query: each for query, each in found.items() if not isinstance(each, UpstreamError)})
                raise refusals[0]
            return found

        try:
            found = self._regions.ask(queries[0], budget, call)
        except UpstreamError as error:
            if not copies:
                raise
            found = dict.fromkeys(queries, error)
        return {**found, **copies}

    def _secret(self, query: Query, held: Entry | None, budget: Budget) -> Fetched:
        """Fetch one secret; where a value is held, its version may turn out to be the current one still."""
        rotation = None
        if held is not None and isinstance(held.value, Secret):
            rotation = self._described(query, budget)
            self._give_way()
            if rotation is not None and _is_unchanged(query, held.value, rotation) and self._may_be_renewed(held):
                renewed = _with_stages(held.value, rotation)
                return Fetched(value=renewed, rotation=rotation, sourced_at=held.sourced_at)

        def call(sources: Sources, region: str, seconds: float) -> Secret:
            return sources.secrets.fetch(query, region=region, timeout_seconds=seconds)

        return Fetched(value=self._regions.ask(query, budget, call), rotation=rotation)

    def _may_be_renewed(self, held: Entry) -> bool:
        return may_be_renewed(held.sourced_at, held.times, self._clock())

    def _described(self, query: Query, budget: Budget) -> Rotation | None:
        """Describe a secret where that is allowed; without the permission nothing degrades but this.

        Throttled, the refresh ends here: GetSecretValue has the same quota.
        """
        permission = ("secretsmanager:DescribeSecret", query.role_arn)
        here = (*permission, query.id)
        if query.version_id is not None or self._denials.holds(here, self._clock()):
            return None

        def call(sources: Sources, region: str, seconds: float) -> Rotation:
            return sources.secrets.describe(query, region=region, timeout_seconds=seconds)

        try:
            return self._regions.ask(query, budget, call, calls_after=1)
        except Refused as error:
            if _is_denial(error):
                self._deny(permission, here, f"rotation dates of {query.label} are not known")
            return None
        except Throttled:
            raise
        except Transient:
            return None

    def _batch(self, job: Job, budget: Budget) -> Results:
        """Try BatchGetSecretValue once; denied or failed, it brings nothing and the secrets are fetched singly."""
        first = job.queries[0]
        permission = ("secretsmanager:BatchGetSecretValue", first.role_arn)
        if self._denials.holds(permission, self._clock()):
            return {}
        region = self._regions.best(first)
        try:
            found = self._sources.secrets.fetch_batch(job.queries, region=region, timeout_seconds=budget.share(1))
        except Refused as error:
            if _is_denial(error):
                self._deny(permission, permission, "secrets are fetched singly")
            return {}
        except Transient:
            return {}
        unsure: type[UpstreamError] = Transient if region == first_region(first) else UpstreamError
        return _wrapped({query: value for query, value in found.items() if not isinstance(value, unsure)})

    def _deny(self, permission: tuple[str | None, ...], where: tuple[str | None, ...], consequence: str) -> None:
        """Remember a denial, and say it aloud the first time: it may be one secret's, or that of all."""
        now = self._clock()
        known = self._denials.holds(permission, now)
        self._report("debug" if known else "info", f"{permission[0]} is not allowed: {consequence}")
        self._denials.add(permission, now)
        self._denials.add(where, now)


def _waited_out(job: Job) -> TimedOut:
    """Return the error for what has waited for a worker as long as a read may."""
    return TimedOut(f"{job.queries[0].label}: no worker was free to fetch it in the time that a read may wait")


def _too_late(job: Job) -> Stopping:
    """Return the error for what an invocation left no time for: it says nothing of the service, so it is forgotten."""
    return Stopping(f"{job.queries[0].label}: the invocation that it was fetched for ends", code="InvocationEnding")


def _is_denial(error: Refused) -> bool:
    """Tell whether the permission is what is missing, and not a role to ask for it with."""
    return error.code == "AccessDeniedException" and not error.about_credentials


def _is_unchanged(query: Query, held: Secret, rotation: Rotation) -> bool:
    return rotation.version_of(query.version_stage or DEFAULT_STAGE) == held.version_id


def _with_stages(held: Secret, rotation: Rotation) -> Secret:
    """Return the value with the stages that its version carries now, which move without it."""
    stages = rotation.stages_of(held.version_id)
    return held if set(stages) == set(held.stages) else held.replace(stages=stages)


def _wrapped(found: Mapping[Query, Value | UpstreamError]) -> Results:
    return {query: each if isinstance(each, UpstreamError) else Fetched(value=each) for query, each in found.items()}
