"""How queries become upstream calls: which go alone, which together.

Law: every query is in exactly one job. Single secret calls are the rule (10,000/s against BatchGetSecretValue's 100/s);
parameters go in tens, because 40/s is all an account has.
"""

from __future__ import annotations

from extension.core.policy import may_go_along
from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from typing import Literal

    from extension.core.cache import Entry
    from extension.core.model import Query

    Kind = Literal["secret", "secrets", "parameters", "path"]

SINGLE_SECRETS = 20
"""Up to here secrets are fetched singly when `batch` is auto."""
SHORTEST_CALL_SECONDS = 0.5
"""No call is made behind an invocation that has less time left than this."""
BATCH_SECRETS = 20
BATCH_PARAMETERS = 10


class Job(Record):
    """One upstream call (with its pages). `held` are the entries in the cache that the call may find unchanged.

    It has ended by `ends_at` (epoch seconds), with its invocation, or is not made at all; and by `waits_until`
    (seconds of the monotonic clock), until when whoever reads it waits.
    """

    kind: Kind
    queries: tuple[Query, ...]
    held: Mapping[Query, Entry] = {}
    ends_at: float = float("inf")
    waits_until: float = float("inf")

    @property
    def can_wait(self) -> bool:
        """Whether nobody waits for it: there is a value in the cache meanwhile."""
        return bool(self.held)

    @property
    def service(self) -> str:
        """The service whose workers run the job."""
        return "secretsmanager" if self.kind in ("secret", "secrets") else "ssm"


def plan(queries: Iterable[Query], batch: str) -> list[Job]:
    """Return the jobs for `queries`; `batch` is auto, always or never."""
    distinct = list(dict.fromkeys(queries))
    secrets = [query for query in distinct if query.service == "secretsmanager"]
    together = batch == "always" or (batch == "auto" and len(secrets) > SINGLE_SECRETS)
    bulk = [query for query in secrets if together and _is_current(query)]
    alone = [query for query in secrets if not (together and _is_current(query))]
    parameters = [query for query in distinct if query.service == "ssm"]
    return [
        *singles(alone),
        *_grouped("secrets", bulk, BATCH_SECRETS),
        *_grouped("parameters", parameters, BATCH_PARAMETERS),
        *(Job(kind="path", queries=(query,)) for query in distinct if query.service == "ssm-path"),
    ]


def singles(queries: Iterable[Query]) -> list[Job]:
    """Return a job for each secret."""
    return [Job(kind="secret", queries=(query,)) for query in queries]


def _is_current(query: Query) -> bool:
    """Tell whether BatchGetSecretValue can answer it: it knows only AWSCURRENT."""
    return query.version_id is None and query.version_stage is None


def company(due: Iterable[Query], entries: Iterable[Entry], now: float) -> list[Query]:
    """Return the parameters that are soon due as well and go along: ten cost Parameter Store no more than one."""
    groups = {_group(query) for query in due if query.service == "ssm"}
    alike = [entry for entry in entries if groups and entry.asked.service == "ssm" and _group(entry.asked) in groups]
    return [entry.asked for entry in alike if now >= entry.retry_at and may_go_along(entry.times, now)]


def _group(query: Query) -> Hashable:
    """Return what the queries of one call have in common."""
    return (query.role_arn, query.regions, query.decrypt)


def _grouped(kind: Kind, queries: list[Query], size: int) -> list[Job]:
    """Return jobs of at most `size` queries of one group."""
    groups: dict[Hashable, list[Query]] = {}
    for query in queries:
        groups.setdefault(_group(query), []).append(query)
    return [
        Job(kind=kind, queries=tuple(group[start : start + size]))
        for group in groups.values()
        for start in range(0, len(group), size)
    ]
