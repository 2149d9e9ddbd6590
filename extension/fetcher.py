"""The fetcher: runs one job against the sources, in a worker.

    secret      ─► DescribeSecret, where a value is held and nobody waits ─► GetSecretValue, unless unchanged
    secrets     ─► BatchGetSecretValue once; what it does not bring the store fetches singly
    parameters  ─► GetParameters        path ─► GetParametersByPath, all pages

Law: regions are tried in the order of their health; another region is asked only for what may pass by itself (5xx,
timeout, unreachable), never after a 4xx or a throttle, for that is an answer. While there is another region left, what
it may answer is not tried again here. All calls of a job share one budget of time, which is not the wall clock's.
Hits come first: a job that nobody waits for gives way at every step, or a hit on the same core waits until it blocks.
"""

from __future__ import annotations

from extension.core.errors import Refused, Stopping, Throttled, TimedOut, Transient, UpstreamError
from extension.core.health import Health
from extension.core.model import DEFAULT_STAGE, Secret
from extension.core.plan import SHORTEST_CALL_SECONDS
from extension.core.record import Record
from extension.core.shelf import Fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol, TypeVar

    from extension.core.model import Parameter, ParameterTree, Query, Value
    from extension.core.plan import Job
    from extension.core.policy import Rotation

    T = TypeVar("T")
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


CREDENTIALS_CODE = "CredentialsError"
"""The code where no credentials could be had: no region is to blame."""
LEAST_SECONDS = 0.1
"""What a call gets even when the budget is spent: enough to fail with a reason."""


class Sources(Record):
    """The two services."""

    secrets: Secrets
    parameters: Parameters


class Budget:
    """What a job may take, on a clock that stands still in a freeze."""

    __slots__ = ("_end", "_monotonic")

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        """Start now."""
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def share(self, calls: int) -> float:
        """Return the seconds for one of so many calls that may still be made."""
        return max(self._end - self._monotonic(), LEAST_SECONDS) / calls


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
        self._hasty = hasty
        self._clock = clock
        self._monotonic = monotonic
        self._call_seconds = call_seconds
        self._report = report
        self._give_way = give_way
        self._health = Health()
        self._denied: set[tuple[str, str | None]] = set()

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

        return self._somewhere(query, budget, call)

    def _tens(self, queries: Sequence[Query], budget: Budget) -> Mapping[Query, Parameter | UpstreamError]:
        def call(sources: Sources, region: str, seconds: float) -> Mapping[Query, Parameter | UpstreamError]:
            found = sources.parameters.fetch_batch(queries, region=region, timeout_seconds=seconds)
            faults = [each for each in found.values() if isinstance(each, Transient)]
            if len(faults) == len(found) and not any(isinstance(each, Throttled) for each in faults):
                raise faults[0]
            return found

        return self._somewhere(queries[0], budget, call)

    def _secret(self, query: Query, held: object, budget: Budget) -> Fetched:
        """Fetch one secret; where a value is held, its version may turn out to be the current one still."""
        rotation = None
        if isinstance(held, Secret):
            rotation = self._described(query, budget)
            self._give_way()
            if rotation is not None and _is_unchanged(query, held, rotation):
                return Fetched(value=held, rotation=rotation)

        def call(sources: Sources, region: str, seconds: float) -> Secret:
            return sources.secrets.fetch(query, region=region, timeout_seconds=seconds)

        return Fetched(value=self._somewhere(query, budget, call), rotation=rotation)

    def _described(self, query: Query, budget: Budget) -> Rotation | None:
        """Describe a secret where that is allowed; without the permission nothing degrades but this.

        Throttled, the refresh ends here: GetSecretValue has the same quota.
        """
        permission = ("secretsmanager:DescribeSecret", query.role_arn)
        if permission in self._denied or query.version_id is not None:
            return None

        def call(sources: Sources, region: str, seconds: float) -> Rotation:
            return sources.secrets.describe(query, region=region, timeout_seconds=seconds)

        try:
            return self._somewhere(query, budget, call, calls_after=1)
        except Refused as error:
            if error.code == "AccessDeniedException":
                self._deny(permission, "rotation dates are not known")
            return None
        except Throttled:
            raise
        except Transient:
            return None

    def _batch(self, job: Job, budget: Budget) -> Results:
        """Try BatchGetSecretValue once; denied or failed, it brings nothing and the secrets are fetched singly."""
        first = job.queries[0]
        permission = ("secretsmanager:BatchGetSecretValue", first.role_arn)
        if permission in self._denied:
            return {}
        region = self._health.order(first.regions, self._clock())[0] if first.regions else ""
        try:
            found = self._sources.secrets.fetch_batch(job.queries, region=region, timeout_seconds=budget.share(1))
        except Refused as error:
            if error.code == "AccessDeniedException":
                self._deny(permission, "secrets are fetched singly")
            return {}
        except Transient:
            return {}
        return _wrapped({query: value for query, value in found.items() if not isinstance(value, Transient)})

    def _deny(self, permission: tuple[str, str | None], consequence: str) -> None:
        self._denied.add(permission)
        self._report("info", f"{permission[0]} is not allowed: {consequence}")

    def _somewhere(
        self, query: Query, budget: Budget, call: Callable[[Sources, str, float], T], *, calls_after: int = 0
    ) -> T:
        """Call in the first region that answers, sharing the time among the calls that are left."""
        regions = self._health.order(query.regions, self._clock()) or ("",)
        for others_left, region in zip(range(len(regions) - 1, -1, -1), regions, strict=True):
            sources = self._hasty if others_left else self._sources
            try:
                found = call(sources, region, budget.share(1 + others_left + calls_after))
            except Throttled:
                raise
            except Transient as error:
                if error.code != CREDENTIALS_CODE:
                    self._health.failed(region, self._clock())
                if not others_left:
                    raise
            except Refused:
                self._health.answered(region)
                raise
            else:
                self._health.answered(region)
                return found
        raise AssertionError


def _waited_out(job: Job) -> TimedOut:
    """Return the error for what has waited for a worker as long as a read may."""
    return TimedOut(f"{job.queries[0].label}: no worker was free to fetch it in the time that a read may wait")


def _too_late(job: Job) -> Stopping:
    """Return the error for what an invocation left no time for: it says nothing of the service, so it is forgotten."""
    return Stopping(f"{job.queries[0].label}: the invocation that it was fetched for ends", code="InvocationEnding")


def _is_unchanged(query: Query, held: Secret, rotation: Rotation) -> bool:
    return rotation.version_of(query.version_stage or DEFAULT_STAGE) == held.version_id


def _wrapped(found: Mapping[Query, Value | UpstreamError]) -> Results:
    return {query: each if isinstance(each, UpstreamError) else Fetched(value=each) for query, each in found.items()}
