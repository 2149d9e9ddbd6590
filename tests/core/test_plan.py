"""The plan: which queries go alone and which together, each of them once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.cache import Entry
from extension.core.plan import BATCH_PARAMETERS, BATCH_SECRETS, Job, company, plan, singles
from extension.core.policy import Freshness, schedule
from tests.samples import NOW, parameter, parameter_query, secret, secret_query

if TYPE_CHECKING:
    from extension.core.model import Query

ROLE = "arn:aws:iam::123456789012:role/reader"


def secrets(count: int, **changes: Any) -> list[Query]:
    """Return queries for secrets."""
    return [secret_query(f"secret{number}", **changes) for number in range(count)]


def parameters(count: int, **changes: Any) -> list[Query]:
    """Return queries for parameters."""
    return [parameter_query(f"/p{number}", **changes) for number in range(count)]


def shape(jobs: list[Job]) -> list[tuple[str, int]]:
    """Return kind and size of each job."""
    return [(job.kind, len(job.queries)) for job in jobs]


@pytest.mark.parametrize(
    ("queries", "batch", "expected"),
    [
        ([], "always", []),
        (secrets(1), "auto", [("secret", 1)]),
        (secrets(20), "auto", [("secret", 1)] * 20),
        (secrets(21), "auto", [("secrets", 20), ("secrets", 1)]),
        (secrets(21), "never", [("secret", 1)] * 21),
        (secrets(2), "always", [("secrets", 2)]),
        (secrets(2) * 3, "always", [("secrets", 2)]),
        (secrets(1, version_id="v") + secrets(1, version_stage="AWSPREVIOUS"), "always", [("secret", 1)] * 2),
        (secrets(1) + secrets(1, role_arn=ROLE), "always", [("secrets", 1)] * 2),
        (secrets(1) + secrets(1, regions=("us-east-1",)), "always", [("secrets", 1)] * 2),
        (parameters(1), "never", [("parameters", 1)]),
        (parameters(11), "never", [("parameters", 10), ("parameters", 1)]),
        (parameters(1, selector=":1") + parameters(1), "never", [("parameters", 2)]),
        (parameters(1) + parameters(1, decrypt=False), "never", [("parameters", 1)] * 2),
        (parameters(1) + parameters(1, role_arn=ROLE), "never", [("parameters", 1)] * 2),
        (
            [parameter_query("/a/", service="ssm-path"), parameter_query("/b/", service="ssm-path")],
            "auto",
            [("path", 1)] * 2,
        ),
    ],
)
def test_what_goes_together(queries: list[Query], batch: str, expected: list[tuple[str, int]]) -> None:
    """Single secrets up to twenty, parameters in tens, paths alone; only what is alike shares a call."""
    assert shape(plan(queries, batch)) == expected


QUERIES = st.lists(
    st.builds(
        secret_query,
        st.sampled_from([f"id{number}" for number in range(40)]),
        service=st.sampled_from(["secretsmanager", "ssm", "ssm-path"]),
        version_id=st.sampled_from([None, "v"]),
        role_arn=st.sampled_from([None, ROLE]),
        decrypt=st.booleans(),
    ),
    max_size=60,
)


@given(QUERIES, st.sampled_from(["auto", "always", "never"]))
def test_every_query_is_in_exactly_one_job(queries: list[Query], batch: str) -> None:
    """None is left out, none is fetched twice, and no call is larger than its service allows."""
    jobs = plan(queries, batch)
    planned = Counter(query for job in jobs for query in job.queries)
    limits = {"secret": 1, "secrets": BATCH_SECRETS, "parameters": BATCH_PARAMETERS, "path": 1}
    assert planned == Counter(set(queries))
    assert all(len(job.queries) <= limits[job.kind] for job in jobs)
    assert all(len({(query.role_arn, query.regions) for query in job.queries}) == 1 for job in jobs)


def test_singles_are_one_job_each() -> None:
    """What a batch did not bring goes on like this."""
    assert singles(secrets(2)) == [Job(kind="secret", queries=(query,)) for query in secrets(2)]


@pytest.mark.parametrize(
    ("kind", "service"),
    [("secret", "secretsmanager"), ("secrets", "secretsmanager"), ("parameters", "ssm"), ("path", "ssm")],
)
def test_a_job_knows_its_service(kind: str, service: str) -> None:
    """Workers are counted by service."""
    assert Job(kind=kind, queries=(secret_query(),)).service == service  # type: ignore[arg-type]


def entry(query: Query, age: float, retry_at: float = 0.0) -> Entry:
    """Return an entry fetched `age` seconds ago with a TTL of 100 s."""
    value = parameter() if query.service == "ssm" else secret()
    made = Entry(query, value, schedule(NOW - age, Freshness(ttl_seconds=100, max_stale_seconds=0), 1.0))
    made.retry_at = retry_at
    return made


def test_parameters_that_are_soon_due_go_along_with_one_that_is() -> None:
    """Those of the same call, past the first moment they could be due, and not just failed."""
    due = parameter_query("/due")
    entries = [
        entry(parameter_query("/soon"), 85),
        entry(parameter_query("/young"), 50),
        entry(parameter_query("/failed"), 85, retry_at=NOW + 1),
        entry(parameter_query("/elsewhere", regions=("us-east-1",)), 85),
        entry(parameter_query("/sealed", decrypt=False), 85),
        entry(secret_query("secret"), 85),
    ]

    assert company([due], entries, NOW) == [parameter_query("/soon")]


def test_secrets_take_nobody_along() -> None:
    """Each costs a call of its own."""
    assert company([secret_query()], [entry(parameter_query("/soon"), 85)], NOW) == []
