"""The prefetch, seen from outside: what comes with how many calls, and what a function finds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.contract.service.process import PROFILES, Service, wait_for
from tests.servers.fake_aws import FakeAws
from tests.servers.scripted import ScriptedServer, Wire, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.service.upstream import Upstream

NAMES = [f"s{number:02}" for number in range(50)]
SINGLE, BATCH = "GetSecretValue", "BatchGetSecretValue"


def listed(*names: str) -> dict[str, str]:
    """Return the setting that prefetches secrets."""
    return {"SIDEKEY_PREFETCH": ",".join(f"secretsmanager://{name}" for name in names)}


@pytest.fixture(scope="module")
def fake() -> FakeAws:
    """Return an AWS with fifty secrets."""
    aws = FakeAws("eu-central-1")
    [aws.put_secret(name, SecretString=f"value of {name}") for name in NAMES]
    return aws


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("count", "batch", "calls"),
    [
        (20, "auto", {SINGLE: 20}),
        (21, "auto", {BATCH: 2}),
        (50, "auto", {BATCH: 3}),
        (2, "always", {BATCH: 1}),
        (50, "never", {SINGLE: 50}),
    ],
)
def test_secrets_come_singly_or_in_batches(
    fake: FakeAws, profile: str, count: int, batch: str, calls: dict[str, int]
) -> None:
    """Up to twenty single calls, batches of twenty beyond, or as the operator says; each reads its own value."""
    fake.calls.clear()
    settings = {**listed(*NAMES[:count]), "SIDEKEY_BATCH": batch}
    with ScriptedServer([fake]) as server, Service(profile, server.url, settings) as service:
        service.wait_until_ready()
        replies = [service.get(f"/value?ref=secretsmanager://{name}") for name in NAMES[:count]]

    assert [reply.body.decode() for reply in replies] == [f"value of {name}" for name in NAMES[:count]]
    assert {reply.headers["X-Sidekey-Cache"] for reply in replies} == {"hit"}
    assert {action: fake.calls.count(action) for action in set(fake.calls)} == calls


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_batch_that_is_refused_is_fetched_singly(profile: str, code: str) -> None:
    """Denied once, it is not tried again; throttled, it is not tried twice for the same secrets."""
    aws, batches = FakeAws("eu-central-1"), []
    [aws.put_secret(name, SecretString=name) for name in NAMES]

    def answer(wire):  # type: ignore[no-untyped-def]
        if not wire.request.headers["x-amz-target"].endswith(BATCH):
            return aws(wire)
        batches.append(1)
        return wire.socket.sendall(reply(f'{{"__type":"{code}"}}'.encode(), "400 Bad Request"))

    with ScriptedServer([answer]) as server, Service(profile, server.url, listed(*NAMES)) as service:
        service.wait_until_ready()
        replies = [service.get(f"/value?ref=secretsmanager://{name}") for name in NAMES]

    assert [reply.body.decode() for reply in replies] == NAMES
    assert aws.calls == [SINGLE] * 50
    assert 1 <= len(batches) <= 3


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_late_goes_on_arriving(profile: str) -> None:
    """Init waits no longer than it may; who asks meanwhile waits for the same call, and nothing is "not ready"."""
    aws, let = FakeAws("eu-central-1"), Event()
    aws.put_secret("late", SecretString="x")

    def answer(wire: Wire) -> None:
        assert let.wait(20)
        aws(wire)

    settings = {**listed("late"), "SIDEKEY_PREFETCH_TIMEOUT_MS": "1"}
    with (
        ScriptedServer([answer]) as server,
        Service(profile, server.url, settings) as service,
        ThreadPoolExecutor(1) as elsewhere,
    ):
        under_way = service.get("/ready")
        asked = elsewhere.submit(service.get, "/value?ref=secretsmanager://late")
        let.set()
        answered = asked.result()
        again = service.get("/value?ref=secretsmanager://late")

    assert (under_way.status, under_way.body) == (503, b"missing: secretsmanager://late (under way)")
    assert (answered.status, answered.body, again.headers["X-Sidekey-Cache"]) == (200, b"x", "hit")
    assert aws.calls == [SINGLE]


@pytest.mark.parametrize("profile", PROFILES)
def test_many_values_come_in_batches(fake: FakeAws, profile: str) -> None:
    """As a prefetch of so many would."""
    fake.calls.clear()
    target = "/values?" + "&".join(f"ref=secretsmanager://{name}" for name in NAMES)
    with ScriptedServer([fake]) as server, Service(profile, server.url) as service:
        values = service.json(target)["values"]
    assert list(values.values()) == [f"value of {name}" for name in NAMES]
    assert fake.calls == [BATCH] * 3


def test_parameters_come_in_tens_and_paths_whole(start: Callable[..., Service], upstream: Upstream) -> None:
    """Twelve parameters are two calls; what a path has brought is there by its name, too."""
    names = [upstream.parameter(str(number), kind="SecureString") for number in range(12)]
    root = f"/{upstream.new_name()}"
    below = [upstream.parameter("x", name=f"{root}/p{number:02}") for number in range(11)]
    references = [*(f"ssm://{name}" for name in names), f"ssm-path://{root}/"]
    service = start(SIDEKEY_PREFETCH=" , ".join(references))
    service.wait_until_ready()
    replies = [service.get(f"/value?ref=ssm://{name}") for name in (*names, *below)]

    assert [reply.body for reply in replies] == [*(str(number).encode() for number in range(12)), *[b"x"] * 11]
    assert {reply.headers["X-Sidekey-Cache"] for reply in replies} == {"hit"}
    assert sorted(upstream.about(*names, f"{root}/")) == ["GetParameters"] * 2 + ["GetParametersByPath"] * 2


def test_one_secret_by_many_names_is_prefetched_once(start: Callable[..., Service], upstream: Upstream) -> None:
    """Repeated, with a JSON key, and with the stage that is meant anyway."""
    made = upstream.secret('{"a":"1"}')
    forms = ["", "", "#a", "?versionStage=AWSCURRENT"]
    service = start(SIDEKEY_PREFETCH=",".join(f"secretsmanager://{made.name}{form}" for form in forms))
    service.wait_until_ready()
    assert service.get(f"/value?ref=secretsmanager://{made.arn}%23a").body == b"1"
    assert upstream.about(made.name, made.arn) == [SINGLE]


def test_what_is_missing_is_named_and_fetched_on_demand(start: Callable[..., Service], upstream: Upstream) -> None:
    """The others are there; `/ready` says what is not, until a read has brought it."""
    made, name = upstream.secret("x"), upstream.new_name()
    service = start(**listed(made.name, name), SIDEKEY_NEGATIVE_TTL="0")
    wait_for(lambda: service.get("/ready").body.startswith(f"missing: secretsmanager://{name} (".encode()))
    assert service.get(f"/v1/{made.name}").headers["X-Sidekey-Cache"] == "hit"
    upstream.client("secretsmanager").create_secret(Name=name, SecretString="late")

    assert service.json(f"/v1/{name}")["SecretString"] == "late"
    assert service.get("/ready").status == 200
    assert f"prefetch of secretsmanager://{name}" in service.log()
