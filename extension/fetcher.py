"""The fetcher: runs one job against the sources, in a worker.

    secret      ─► DescribeSecret, where a value is held and nobody waits ─► GetSecretValue, unless unchanged
    secrets     ─► BatchGetSecretValue once; what it does not bring the store fetches singly
    parameters  ─► GetParameters        path ─► GetParametersByPath, all pages

Law: regions are tried in the order of their health; another region is asked only for what may pass by itself (5xx,
timeout, unreachable), never after a 4xx or a throttle, for that is an answer.
"""

from __future__ import annotations

from extension.core.errors import Refused, Throttled, Transient, UpstreamError
from extension.core.health import Health
from extension.core.model import DEFAULT_STAGE, Secret
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


class Fetcher:
    """Fetches jobs; `call_seconds` bounds a whole call by service."""

    def __init__(
        self,
        secrets: Secrets,
        parameters: Parameters,
        *,
        clock: Callable[[], float],
        call_seconds: Mapping[str, float],
        report: Callable[[str, str], None],
    ) -> None:
        """Start with every region trusted and every permission assumed."""
        self._secrets = secrets
        self._parameters = parameters
        self._clock = clock
        self._call_seconds = call_seconds
        self._report = report
        self._health = Health()
        self._denied: set[tuple[str, str | None]] = set()

    def fetch(self, job: Job) -> Results:
        """Return a value or an error for each query; UpstreamError speaks for all of them."""
        first = job.queries[0]
        seconds = min(job.timeout_seconds or 900.0, self._call_seconds[job.service])
        if job.kind == "secrets":
            return self._batch(job, seconds)
        if job.kind == "secret":
            return {first: self._secret(first, job.held.get(first), seconds)}
        if job.kind == "path":
            return {first: Fetched(value=self._tree(first, seconds))}
        return _wrapped(self._tens(job.queries, seconds))

    def _tree(self, query: Query, seconds: float) -> ParameterTree:
        def call(region: str, timeout: float) -> ParameterTree:
            return self._parameters.fetch_path(query, region=region, timeout_seconds=timeout)

        return self._somewhere(query, seconds, call)

    def _tens(self, queries: Sequence[Query], seconds: float) -> Mapping[Query, Parameter | UpstreamError]:
        def call(region: str, timeout: float) -> Mapping[Query, Parameter | UpstreamError]:
            return self._parameters.fetch_batch(queries, region=region, timeout_seconds=timeout)

        return self._somewhere(queries[0], seconds, call)

    def _secret(self, query: Query, held: object, seconds: float) -> Fetched:
        """Fetch one secret; where a value is held, its version may turn out to be the current one still."""
        rotation = self._described(query, seconds) if isinstance(held, Secret) else None
        if rotation is not None and isinstance(held, Secret) and _is_unchanged(query, held, rotation):
            return Fetched(value=held, rotation=rotation)

        def call(region: str, timeout: float) -> Secret:
            return self._secrets.fetch(query, region=region, timeout_seconds=timeout)

        return Fetched(value=self._somewhere(query, seconds, call), rotation=rotation)

    def _described(self, query: Query, seconds: float) -> Rotation | None:
        """Describe a secret where that is allowed; without the permission nothing degrades but this."""
        permission = ("secretsmanager:DescribeSecret", query.role_arn)
        if permission in self._denied or query.version_id is not None:
            return None

        def call(region: str, timeout: float) -> Rotation:
            return self._secrets.describe(query, region=region, timeout_seconds=timeout)

        try:
            return self._somewhere(query, seconds, call)
        except Refused as error:
            if error.code == "AccessDeniedException":
                self._deny(permission, "rotation dates are not known")
            return None
        except Transient:
            return None

    def _batch(self, job: Job, seconds: float) -> Results:
        """Try BatchGetSecretValue once; denied or failed, it brings nothing and the secrets are fetched singly."""
        first = job.queries[0]
        permission = ("secretsmanager:BatchGetSecretValue", first.role_arn)
        if permission in self._denied:
            return {}
        region = self._health.order(first.regions, self._clock())[0] if first.regions else ""
        try:
            found = self._secrets.fetch_batch(job.queries, region=region, timeout_seconds=seconds)
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

    def _somewhere(self, query: Query, seconds: float, call: Callable[[str, float], T]) -> T:
        """Call in the first region that answers, sharing the time among those that are left."""
        regions = self._health.order(query.regions, self._clock()) or ("",)
        for position, region in enumerate(regions):
            begun = self._clock()
            try:
                found = call(region, seconds / (len(regions) - position))
            except Throttled:
                raise
            except Transient:
                self._health.failed(region, self._clock())
                seconds = max(seconds - max(self._clock() - begun, 0.0), 0.1)
                if position == len(regions) - 1:
                    raise
            except Refused:
                self._health.answered(region)
                raise
            else:
                self._health.answered(region)
                return found
        raise AssertionError


def _is_unchanged(query: Query, held: Secret, rotation: Rotation) -> bool:
    return rotation.version_of(query.version_stage or DEFAULT_STAGE) == held.version_id


def _wrapped(found: Mapping[Query, Value | UpstreamError]) -> Results:
    return {query: each if isinstance(each, UpstreamError) else Fetched(value=each) for query, each in found.items()}
