"""What the operator sets, seen from outside: the cache, timeouts, connections, and the configuration file."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import REGION
from tests.contract.service.process import PROFILES, Service, wait_for
from tests.servers.fake_aws import FakeAws
from tests.servers.scripted import ScriptedServer, hang

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.service.upstream import Upstream
    from tests.servers.scripted import Wire

GET = "/secretsmanager/get?secretId="
OFF = {"PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED": "False"}
NONE = {"PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE": "0"}


def states(service: Service, *targets: str) -> list[str]:
    """Return how each answer came."""
    return [service.get(target).headers["X-Sidekey-Cache"] for target in targets]


@pytest.mark.parametrize("settings", [OFF, NONE], ids=["disabled", "size 0"])
def test_without_a_cache_every_read_goes_upstream(
    start: Callable[..., Service], upstream: Upstream, settings: dict[str, str]
) -> None:
    """Nothing is prefetched either, and what was missing a moment ago may be there now."""
    made, name = upstream.secret("old"), upstream.new_name()
    service = start(**settings, SIDEKEY_PREFETCH=f"secretsmanager://{made.name}")
    targets = [GET + made.name, f"/v1/{made.name}", f"/value?ref=secretsmanager://{made.name}"]
    assert service.get("/ready").status == 200
    assert states(service, *targets, GET + name) == ["miss"] * 4
    upstream.rotate(made, "new")
    upstream.client("secretsmanager").create_secret(Name=name, SecretString="made")

    assert service.json(GET + made.name)["SecretString"] == "new"
    assert service.json(GET + name)["SecretString"] == "made"
    assert upstream.about(made.name) == ["GetSecretValue"] * 4


def test_the_least_recently_used_goes_first(start: Callable[..., Service], upstream: Upstream) -> None:
    """However it was used: by the same bytes again, or under another name."""
    first, second, third = (upstream.secret(str(number)) for number in range(3))
    service = start(PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE="2")
    states(service, GET + first.name, GET + first.name, GET + second.name, GET + first.name, GET + first.arn)

    assert states(service, GET + third.name, GET + first.name, GET + third.name) == ["miss", "hit", "hit"]
    assert states(service, GET + second.name, GET + third.name, GET + first.name) == ["miss", "hit", "miss"]


def test_a_cache_of_one(start: Callable[..., Service], upstream: Upstream) -> None:
    """Holds the last, and gives each its own."""
    made = [upstream.secret(str(number)) for number in range(3)]
    service = start(PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE="1")
    texts = [service.json(GET + one.name)["SecretString"] for one in (*made, *made)]

    assert texts == ["0", "1", "2"] * 2
    assert states(service, GET + made[2].name, GET + made[1].name) == ["hit", "miss"]
    assert len(json.loads(service.get("/status").body)["entries"]) == 1


def test_a_ttl_of_zero_is_no_caching_for_that_service(start: Callable[..., Service], upstream: Upstream) -> None:
    """The other service has its own."""
    made, name = upstream.secret("x"), upstream.parameter("y")
    service = start(SECRETS_MANAGER_TTL="0")
    parameter = f"/systemsmanager/parameters/get?name={name}"
    assert states(service, GET + made.name, GET + made.name, parameter, parameter) == ["miss", "miss", "miss", "hit"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("variable", "target"),
    [
        ("SECRETS_MANAGER_TIMEOUT_MILLIS", GET + "x"),
        ("SSM_PARAMETER_STORE_TIMEOUT_MILLIS", "/systemsmanager/parameters/get?name=x"),
        ("SIDEKEY_DEADLINE_MS", "/values?ref=secretsmanager://x"),
    ],
)
def test_a_timeout_bounds_a_whole_call(profile: str, variable: str, target: str) -> None:
    """With all its attempts; the answer says so, and who was asked."""
    with ScriptedServer([hang]) as server, Service(profile, server.url, {variable: "200"}) as service:
        said = service.get(target).body.decode()
        place = f"127.0.0.1:{server.port}"
    assert "TimeoutError" in said
    assert place in said


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_connections_than_allowed(profile: str, limit: int) -> None:
    """Ten callers of ten secrets: so many are fetched at once, the others wait for their turn; all are answered."""
    aws, let = FakeAws(), Event()
    names = [f"s{number}" for number in range(10)]
    [aws.put_secret(name, SecretString=name) for name in names]

    def answer(wire: Wire) -> None:
        assert let.wait(20)
        aws(wire)

    settings = {"PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS": str(limit)}
    with ScriptedServer([answer]) as server, Service(profile, server.url, settings) as service:
        with ThreadPoolExecutor(10) as crowd:
            texts = crowd.map(lambda name: service.json(GET + name)["SecretString"], names)
            wait_for(lambda: json.loads(service.get("/status").body)["inFlight"] == 10)
            wait_for(lambda: len(server.requests) == limit)
            let.set()
        assert (list(texts), server.connections) == (names, limit)


def test_a_reference_has_settings_of_its_own(start: Callable[..., Service], upstream: Upstream, tmp_path: Path) -> None:
    """TTL, role and region; what is not required may be missing."""
    kept, brief, there = upstream.secret("a"), upstream.secret("b"), upstream.secret("c", region="eu-west-1")
    role = f"arn:aws:iam::123456789012:role/{kept.name}"
    config = tmp_path / "sidekey.toml"
    config.write_text(
        f'[prefetch."secretsmanager://{kept.name}"]\nrequired = true\nrole = "{role}"\n'
        f'[prefetch."secretsmanager://{brief.name}"]\nttl = 0\nmax_stale = 0\n'
        f'[prefetch."secretsmanager://{there.name}"]\nregion = ["eu-west-1"]\n'
        '[prefetch."secretsmanager://absent"]\n'
    )
    service = start(SIDEKEY_CONFIG=str(config))
    wait_for(lambda: service.get("/ready").body.startswith(b"missing: secretsmanager://absent ("))

    assert states(service, *(GET + each.name for each in (kept, brief, there, brief))) == ["hit", "miss", "hit", "miss"]
    assert upstream.about(role) == ["AssumeRole"]
    assert "secretsmanager://absent" in service.log()
    assert service.get("/ready").status == 503


@pytest.mark.parametrize(("level", "said"), [("NONE", ""), ("Error", "error"), ("info", "error")])
def test_no_more_is_logged_than_asked_for(
    start: Callable[..., Service], upstream: Upstream, level: str, said: str
) -> None:
    """In any letter case."""
    service = start(
        PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL=level, SIDEKEY_PREFETCH="secretsmanager://absent", SIDEKEY_X="1"
    )
    wait_for(lambda: b"can't find" in service.get("/ready").body)
    service.stop()
    lines = service.log().splitlines()
    assert {line.split()[1].rstrip(":") for line in lines if "serving on" not in line} == ({said} if said else set())


def test_an_external_id_goes_with_every_role(start: Callable[..., Service], upstream: Upstream) -> None:
    """Where another account asks for it."""
    made = upstream.secret("x")
    role = f"arn:aws:iam::123456789012:role/{made.name}"
    service = start(SIDEKEY_ROLE_EXTERNAL_ID="own id&x=y")
    assert service.get(f"/v1/{made.name}?roleArn={role}").status == 200
    assert [call.payload["ExternalId"] for call in upstream.calls if call.payload.get("RoleArn") == role] == [
        "own id&x=y"
    ]


def test_a_region_that_says_no_is_not_covered(start: Callable[..., Service], upstream: Upstream) -> None:
    """`SIDEKEY_FAILOVER_REGIONS` are asked where the first does not answer: no is an answer."""
    made = upstream.secret("replica", region="eu-west-1")
    service = start(SIDEKEY_FAILOVER_REGIONS="eu-west-1")
    status, code, message = service.refused(GET + made.name)
    assert (status, code, f"in {REGION}" in message) == (400, "ResourceNotFoundException", True)
