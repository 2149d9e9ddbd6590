"""SnapStart's credentials and Managed Instances, on AWS's own emulator."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.emulator.acts import API_KEY
from tests.emulator.hosts import PARALLEL, ManagedInstance, SnapStart, may_change_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.stage.aws import SampleAws

PREFETCH = {"SIDEKEY_PREFETCH": "secretsmanager://demo/api-key", "PROBE_INIT": "/value?ref=ssm:///demo/licence"}
READ = {"status": 200, "body": "sample-api-key"}


def test_a_function_reads_with_the_token_of_the_credential_endpoint(aws: SampleAws) -> None:
    """In its init and in its first event, before and after everything was forgotten, with a token we were not given."""
    with SnapStart(aws, PREFETCH) as stage:
        answers = [stage.invoke({"read": API_KEY}).json() for _ in range(2)]

    assert answers == [{"init": {"status": 200, "body": "sample-licence"}, "read": READ}] * 2


@pytest.fixture
def managed(aws: SampleAws) -> Iterator[ManagedInstance]:
    """Run a managed instance."""
    if not may_change_users():
        pytest.skip("the emulator's Managed-Instances mode changes users: it needs root")
    with ManagedInstance(aws, {**PREFETCH, "SECRETS_MANAGER_TTL": "1"}) as stage:
        stage.wait(lambda: "phase next" in stage.extension_log(), "the extension")
        yield stage


def test_parallel_invocations_are_served(managed: ManagedInstance) -> None:
    """As many at the same time as the instance takes, again and again; one process serves them all."""
    with ThreadPoolExecutor(PARALLEL) as callers:
        answers = list(callers.map(lambda _: managed.invoke({"read": API_KEY, "sleep": 0.05}).json(), range(16)))

    assert [answer["read"] for answer in answers] == [READ] * 16
    assert len(managed.extension_starts()) == 1


def test_timers_renew_what_nobody_asks_for(managed: ManagedInstance) -> None:
    """Without an INVOKE and without a read the prefetched secret is fetched again when it is due."""

    def fetched_at() -> str:
        (entry,) = [
            each for each in json.loads(managed.read("/status").body)["entries"] if "api-key" in each["reference"]
        ]
        assert entry["hits"] == 0
        return str(entry["fetchedAt"])

    first = fetched_at()
    managed.wait(lambda: fetched_at() != first, "a refresh")
