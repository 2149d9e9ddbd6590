"""Two regions: the replica answers while the first one cannot, and only then."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from extension.core.health import FIRST_PAUSE_SECONDS
from scripts.stage.aws import REGION
from tests.fresh.sidecar import ATTEMPT_MS, QUICK, TOKEN, Sidecar, value_of
from tests.servers import faults
from tests.servers.faulty import NO_FAULT, Fault, FaultyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.stage.aws import SampleAws
    from tests.servers.authority import Authority

REPLICA = "eu-west-1"
BOTH = f"{REGION},{REPLICA}"
EXPIRED_SECONDS = 400.0
REFUSAL = faults.said("400 Bad Request", "AccessDeniedException")
THROTTLE = faults.said("400 Bad Request", "ThrottlingException")
PASSING = {
    "500": faults.said("500 Internal Server Error", "InternalServiceError"),
    "503": faults.said("503 Service Unavailable", "ServiceUnavailable"),
    "silence": Fault(faults.silence),
    "reset": Fault(faults.reset),
    "half an answer": faults.after(faults.head, faults.hang_up),
}


@pytest.fixture
def name(aws: SampleAws, new_secret: Callable[[], str]) -> str:
    """Make a secret with a replica; the values tell which is which."""
    name = new_secret()
    manager = aws.client("secretsmanager")
    manager.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": REPLICA}])
    return name


@pytest.fixture
def sidecar(faulty: FaultyServer, authority: Authority) -> Iterator[Sidecar]:
    """Serve, with a replica for everything."""
    environment = {"AWS_ENDPOINT_URL": faulty.url, "AWS_CA_BUNDLE": authority.bundle}
    with Sidecar({**QUICK, **environment, "SIDEKEY_FAILOVER_REGIONS": REPLICA}) as serving:
        yield serving


def new_path() -> str:
    """Return the name of a parameter that nobody has made yet."""
    return f"/fresh/{time.monotonic_ns()}"


def regions_asked(faulty: FaultyServer) -> list[str]:
    """Return the regions of the calls since we asked last."""
    asked = [faults.region_of(request) for request in faulty.requests]
    faulty.requests.clear()
    return asked


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_the_replica_answers_what_may_pass(sidecar: Sidecar, faulty: FaultyServer, name: str, fault: Fault) -> None:
    """5xx, silence and broken connections: one attempt in the first region, and the value comes from the other."""
    faulty.fault = faults.in_region(REGION, fault)

    seen = sidecar.read(value_of(name))

    assert (seen.status, seen.body) == (200, b"sample-1")
    assert regions_asked(faulty) == [REGION, REPLICA]


def test_a_refusal_is_an_answer(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """After a 4xx nobody else is asked."""
    faulty.fault = faults.in_region(REGION, REFUSAL)

    assert sidecar.read(value_of(name)).status == 400
    assert regions_asked(faulty) == [REGION]


def test_a_throttle_is_waited_out(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """It is no reason to burden another region: the first one is asked again, and again."""
    faulty.fault = faults.in_region(REGION, THROTTLE)

    assert sidecar.read(value_of(name)).status == 429
    assert regions_asked(faulty) == [REGION] * 6


def test_a_dead_region_costs_its_timeout_once(
    sidecar: Sidecar, faulty: FaultyServer, name: str, new_secret: Callable[[], str]
) -> None:
    """While its breaker is open, the other one is asked first."""
    faulty.fault = faults.in_region(REGION, PASSING["silence"])
    sidecar.read(value_of(name))
    regions_asked(faulty)

    [sidecar.read(value_of(name) + f"&refreshNow={word}") for word in ("true", "1", "TRUE")]

    assert regions_asked(faulty) == [REPLICA] * 3


def test_the_first_region_is_preferred_again_as_soon_as_it_answers(
    sidecar: Sidecar, faulty: FaultyServer, name: str
) -> None:
    """When the pause is over, one call tries it; what it answers closes the breaker."""
    faulty.fault = faults.in_region(REGION, PASSING["500"])
    sidecar.read(value_of(name))
    faulty.fault = NO_FAULT
    regions_asked(faulty)

    [sidecar.read(value_of(name) + "&refreshNow=true") for _ in range(2)]
    sidecar.clock.now += FIRST_PAUSE_SECONDS
    [sidecar.read(value_of(name) + "&refreshNow=true") for _ in range(2)]

    assert regions_asked(faulty) == [REPLICA, REPLICA, REGION, REGION]


def test_a_probe_that_fails_costs_one_call_and_a_longer_pause(
    sidecar: Sidecar, faulty: FaultyServer, name: str
) -> None:
    """Half-open means one call; the value comes from the replica all the same."""
    faulty.fault = faults.in_region(REGION, PASSING["500"])
    sidecar.read(value_of(name))
    sidecar.clock.now += FIRST_PAUSE_SECONDS
    regions_asked(faulty)

    probe = sidecar.read(value_of(name) + "&refreshNow=true")
    sidecar.clock.now += FIRST_PAUSE_SECONDS
    sidecar.read(value_of(name) + "&refreshNow=true")

    assert probe.status == 200
    assert regions_asked(faulty) == [REGION, REPLICA, REPLICA]


def test_where_no_region_answers_the_old_value_stands_in(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """Both are asked, and the wait is bounded as ever."""
    sidecar.read(value_of(name))
    faulty.fault = Fault(faults.silence)
    faulty.drop_all()
    sidecar.clock.now += EXPIRED_SECONDS
    regions_asked(faulty)

    seen = sidecar.read(value_of(name))

    assert (seen.status, seen.cache, seen.reason) == (200, "stale", "TimeoutError")
    assert set(regions_asked(faulty)) == {REGION, REPLICA}


def test_a_reference_may_name_its_own_regions(
    faulty: FaultyServer, authority: Authority, aws: SampleAws, name: str
) -> None:
    """`region=a,b` works without any setting."""
    faulty.fault = faults.in_region(REGION, PASSING["500"])
    with Sidecar({**QUICK, "AWS_ENDPOINT_URL": faulty.url, "AWS_CA_BUNDLE": authority.bundle}) as sidecar:
        alone = sidecar.read(value_of(name))
        both = sidecar.read(value_of(name, region=BOTH))

    assert (alone.status, both.status) == (502, 200)


def test_a_replica_is_asked_by_its_own_arn(sidecar: Sidecar, faulty: FaultyServer, aws: SampleAws, name: str) -> None:
    """An ARN names a region; the replica's differs in nothing else."""
    faulty.fault = faults.in_region(REGION, PASSING["500"])
    arn = aws.client("secretsmanager").describe_secret(SecretId=name)["ARN"]

    seen = sidecar.read(f"/secretsmanager/get?secretId={arn}")

    assert json.loads(seen.body)["ARN"] == arn.replace(REGION, REPLICA)


@pytest.mark.parametrize("target", ["/value?ref=ssm://{0}{1}", "/values?ref=ssm://{0}{1}&ref=ssm://{0}-2{1}"])
def test_parameters_have_copies_where_the_reference_says_so(
    sidecar: Sidecar, faulty: FaultyServer, aws: SampleAws, target: str
) -> None:
    """Whoever keeps them in both regions names both: alone, and together."""
    faulty.fault = faults.in_region(REGION, PASSING["500"])
    path = new_path()
    store = aws.client("ssm", REPLICA)
    [store.put_parameter(Name=name, Type="String", Value="sample-1") for name in (path, f"{path}-2")]

    seen = sidecar.read(target.format(path, f"%3Fregion={BOTH}"))

    assert seen.status == 200
    assert seen.body.count(b"sample-1") == target.count("ref=")
    assert regions_asked(faulty) == [REGION, REPLICA]


def test_a_setting_for_all_is_not_for_parameters(sidecar: Sidecar, faulty: FaultyServer, aws: SampleAws) -> None:
    """Nothing replicates them: an old value stands in for a fault, and is not ended by another region's 4xx."""
    path = new_path()
    aws.client("ssm").put_parameter(Name=path, Type="String", Value="sample-1")
    sidecar.read(f"/value?ref=ssm://{path}")
    faulty.fault = faults.in_region(REGION, PASSING["500"])
    sidecar.clock.now += EXPIRED_SECONDS
    regions_asked(faulty)

    seen = sidecar.read(f"/value?ref=ssm://{path}")

    assert (seen.status, seen.cache) == (200, "stale")
    assert set(regions_asked(faulty)) == {REGION}


def test_a_replica_that_is_missing_ends_no_value(
    sidecar: Sidecar, faulty: FaultyServer, new_secret: Callable[[], str]
) -> None:
    """A secret without the replica that the setting speaks of: after a fault at home its 4xx says nothing."""
    target = value_of(new_secret())
    sidecar.read(target)
    faulty.fault = faults.in_region(REGION, PASSING["500"])
    sidecar.clock.now += EXPIRED_SECONDS

    seen = [sidecar.read(target) for _ in range(2)]

    assert [(each.status, each.cache, each.reason) for each in seen] == [(200, "stale", "InternalServiceError")] * 2


def test_one_silent_region_leaves_time_for_the_other(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """The first region gets one attempt, not the whole deadline with all its attempts."""
    faulty.fault = faults.in_region(REGION, PASSING["silence"])
    seen = sidecar.read(value_of(name), TOKEN)

    assert seen.status == 200
    assert seen.seconds >= ATTEMPT_MS / 1000
    assert regions_asked(faulty).count(REGION) == 1
