"""Refresh-ahead: by a read, by an invocation; and staleness: bounded, visible, and never after a refusal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fresh.sidecar import PATIENT, QUICK, TOKEN, Sidecar, value_of
from tests.servers import faults
from tests.servers.faulty import NO_FAULT, Fault, FaultyServer, pass_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scripts.stage.aws import SampleAws
    from tests.servers.authority import Authority
    from tests.servers.faulty import Call

DUE_SECONDS, EXPIRED_SECONDS, HOUR_SECONDS = 290.0, 400.0, 3600.0
BROKEN = faults.said("500 Internal Server Error", "InternalServiceError")
EXPIRED_TOKEN = faults.said("400 Bad Request", "ExpiredTokenException")
DENIED = faults.said("400 Bad Request", "AccessDeniedException")


@pytest.fixture
def name(new_secret: Callable[[], str]) -> str:
    """Make a secret."""
    return new_secret()


@pytest.fixture
def environment(faulty: FaultyServer, authority: Authority) -> dict[str, str]:
    """Lead to the faulty server."""
    return {"AWS_ENDPOINT_URL": faulty.url, "AWS_CA_BUNDLE": authority.bundle}


@pytest.fixture
def sidecar(environment: dict[str, str], name: str) -> Iterator[Sidecar]:
    """Serve, with one secret on the prefetch list."""
    with Sidecar({**PATIENT, **environment, "SIDEKEY_PREFETCH": f"secretsmanager://{name}"}) as serving:
        serving.parts.prefetch.start()
        assert serving.parts.prefetch.wait(20)
        yield serving


def test_what_is_due_is_answered_and_renewed_behind(sidecar: Sidecar, aws: SampleAws, name: str) -> None:
    """The read that finds it due does not wait; the next one has the new value."""
    aws.rotate(name, "sample-2")
    sidecar.clock.now += DUE_SECONDS
    due = sidecar.read(value_of(name))
    sidecar.settle()
    after = sidecar.read(value_of(name))

    assert (due.cache, due.body) == ("hit", b"sample-1")
    assert (after.cache, after.body) == ("hit", b"sample-2")


@pytest.mark.parametrize("seconds", [DUE_SECONDS, EXPIRED_SECONDS, 30 * HOUR_SECONDS])
def test_an_invocation_renews_what_is_due_before_the_handler_asks(
    sidecar: Sidecar, aws: SampleAws, name: str, seconds: float
) -> None:
    """However long the function was not invoked, its handler finds the new value on its way, or there."""
    aws.rotate(name, "sample-2")
    sidecar.clock.now += seconds
    started = sidecar.invoke()
    sidecar.settle()
    seen = sidecar.read(value_of(name))

    assert started == 1
    assert (seen.cache, seen.body) == ("hit", b"sample-2")


def test_a_handler_that_asks_meanwhile_joins_the_fetch(
    sidecar: Sidecar, aws: SampleAws, faulty: FaultyServer, name: str
) -> None:
    """What the invocation has started is not asked for twice."""
    aws.rotate(name, "sample-2")
    sidecar.clock.now += EXPIRED_SECONDS
    faulty.requests.clear()
    faulty.fault = faults.late(0.05)
    sidecar.invoke()
    seen = sidecar.read(value_of(name))

    assert seen.body == b"sample-2"
    assert "GetSecretValue" in [faults.action_of(request) for request in faulty.requests]
    assert len(faulty.requests) <= 2


def test_nothing_is_started_that_cannot_end_in_the_invocation(
    sidecar: Sidecar, faulty: FaultyServer, name: str
) -> None:
    """With less than half a second to the deadline there is no call."""
    sidecar.clock.now += EXPIRED_SECONDS
    faulty.requests.clear()

    assert sidecar.invoke(0.4) == 0
    assert faulty.requests == []


def test_what_waits_for_a_worker_past_the_deadline_is_not_begun(
    environment: dict[str, str], faulty: FaultyServer, new_secret: Callable[[], str]
) -> None:
    """Of two refreshes over one connection, the second has no time left when the first has ended."""
    names = [new_secret(), new_secret()]
    listed = ",".join(f"secretsmanager://{name}" for name in names)
    alone = {"PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS": "1", "SIDEKEY_PREFETCH": listed}
    with Sidecar({**PATIENT, **environment, **alone}) as sidecar:
        [sidecar.read(value_of(name)) for name in names]
        sidecar.clock.now += EXPIRED_SECONDS
        faulty.requests.clear()
        faulty.fault = Fault(taking(sidecar, 60.0))
        started = sidecar.invoke(30.0)
        sidecar.settle()
        asked = list(faulty.requests)
        faulty.fault = NO_FAULT
        after = [sidecar.read(value_of(name)).status for name in names]

    assert started == 2
    assert len(asked) <= 2  # DescribeSecret and GetSecretValue of the first
    assert {b'"SecretId":"' + names[1].encode() in request.body for request in asked} == {False}
    assert after == [200, 200]


def taking(sidecar: Sidecar, seconds: float) -> Callable[[Call], None]:
    """Let each answer take so long on the sidecar's clock."""

    def serve(call: Call) -> None:
        sidecar.clock.now += seconds
        pass_on(call)

    return serve


def test_an_invocation_that_ends_says_nothing_of_the_service(
    environment: dict[str, str], faulty: FaultyServer, new_secret: Callable[[], str]
) -> None:
    """A refresh that its invocation left no time for is not remembered as a failure: the next read asks."""
    name = new_secret()
    listed = {"SIDEKEY_MAX_STALE": "0", "SIDEKEY_PREFETCH": f"secretsmanager://{name}"}
    with Sidecar({**QUICK, **environment, **listed}) as sidecar:
        sidecar.read(value_of(name))
        sidecar.clock.now += EXPIRED_SECONDS
        faulty.fault = Fault(silent_for(sidecar, 10.0))
        started = sidecar.invoke(10.2)
        sidecar.settle()
        faulty.fault = NO_FAULT
        seen = sidecar.read(value_of(name))

    assert started == 1
    assert (seen.status, seen.cache) == (200, "miss")


def silent_for(sidecar: Sidecar, seconds: float) -> Callable[[Call], None]:
    """Say nothing, while the sidecar's clock goes on."""

    def serve(call: Call) -> None:
        sidecar.clock.now += seconds
        faults.silence(call)

    return serve


def test_a_stale_value_is_marked_told_and_counted(
    environment: dict[str, str], faulty: FaultyServer, name: str, tmp_path: Path
) -> None:
    """Header, reason, the time of the fetch, one warning in the log, a metric; and never a value in any of them."""
    log = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    with Sidecar({**PATIENT, **environment, "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "warn"}) as sidecar:
        sidecar.parts.log._descriptor = log
        fresh = sidecar.read(value_of(name))
        sidecar.clock.now += EXPIRED_SECONDS
        faulty.fault = BROKEN
        stale = sidecar.read(value_of(name))
        metrics = sidecar.read("/metrics", TOKEN).body.decode()
    os.close(log)
    said = (tmp_path / "log").read_text()

    assert (stale.status, stale.cache, stale.reason) == (200, "stale", "InternalServiceError")
    assert stale.headers["X-Sidekey-Fetched-At"] == fresh.headers["X-Sidekey-Fetched-At"]
    assert "sidekey_stale_total 1" in metrics
    assert said.count("warn") == 1
    assert name in said
    assert "sample-1" not in said + metrics


def test_a_failure_that_is_kept_keeps_nothing_of_the_call(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """Neither its signed request nor half an answer: no frame of the call lives on in the error."""
    faulty.fault = faults.after(faults.head, faults.hang_up)
    sidecar.clock.now += EXPIRED_SECONDS
    sidecar.read(value_of(name))
    (failure,) = [entry.failure for entry in sidecar.parts.store.shelf.cache]

    assert failure is not None
    assert (failure.__traceback__, failure.__cause__, failure.__context__) == (None, None, None)


def test_staleness_has_a_bound(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """An hour past the TTL the old value is good for nothing, and failed refreshes have not renewed it."""
    faulty.fault = BROKEN
    steps = [EXPIRED_SECONDS, 1000.0, 1000.0, 1000.0, 1000.0]
    seen = [after(sidecar, seconds, name) for seconds in steps]

    assert seen == [200, 200, 200, 200, 502]


def after(sidecar: Sidecar, seconds: float, name: str) -> int:
    """Read after a while, twice, and return the status of the second time."""
    sidecar.clock.now += seconds
    sidecar.read(value_of(name))
    sidecar.settle()
    return sidecar.read(value_of(name)).status


def test_the_bound_is_adjustable_for_a_reference(
    environment: dict[str, str], faulty: FaultyServer, new_secret: Callable[[], str], tmp_path: Path
) -> None:
    """One secret may be stale for a day, another not at all."""
    lasting, strict = new_secret(), new_secret()
    config = tmp_path / "sidekey.toml"
    config.write_text(
        f'[prefetch."secretsmanager://{lasting}"]\nmax_stale = 86400\n'
        f'[prefetch."secretsmanager://{strict}"]\nmax_stale = 0\n'
    )
    with Sidecar({**PATIENT, **environment, "SIDEKEY_CONFIG": str(config)}) as sidecar:
        [sidecar.read(value_of(name)) for name in (lasting, strict)]
        faulty.fault = BROKEN
        sidecar.clock.now += 5 * HOUR_SECONDS
        seen = [sidecar.read(value_of(name)).status for name in (lasting, strict)]

    assert seen == [200, 502]


def test_an_outage_is_waited_for_once(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """Reads right after a failed one are answered stale at once, without a call."""
    sidecar.clock.now += EXPIRED_SECONDS
    faulty.fault = BROKEN
    sidecar.read(value_of(name))
    faulty.requests.clear()

    assert {sidecar.read(value_of(name)).cache for _ in range(5)} == {"stale"}
    assert faulty.requests == []


def test_credentials_that_expire_cost_no_fresh_value(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """The value is kept as long as it is fresh; then there is the error, and never a stale value."""
    faulty.fault = EXPIRED_TOKEN
    sidecar.clock.now += DUE_SECONDS
    sidecar.read(value_of(name))
    sidecar.settle()
    still_fresh = sidecar.read(value_of(name))
    sidecar.clock.now += EXPIRED_SECONDS - DUE_SECONDS
    expired = sidecar.read(value_of(name))

    assert (still_fresh.status, still_fresh.cache) == (200, "hit")
    assert expired.status == 400
    assert b"ExpiredTokenException" in expired.body


def test_a_refusal_behind_ends_the_value_at_once(sidecar: Sidecar, faulty: FaultyServer, name: str) -> None:
    """Denied or deleted: what was fresh a moment ago is not served any more."""
    faulty.fault = DENIED
    sidecar.clock.now += DUE_SECONDS
    sidecar.read(value_of(name))
    sidecar.settle()

    assert sidecar.read(value_of(name)).status == 400


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 2.5), (0.5, 5.0), (0.999, 7.49)])
def test_a_negative_answer_is_remembered_briefly(
    environment: dict[str, str], faulty: FaultyServer, aws: SampleAws, chance: float, seconds: float
) -> None:
    """Five seconds by default, half of that to both sides: a missing secret is no call per request."""
    name = f"fresh/late-{chance}"
    with Sidecar({**PATIENT, **environment}, chance=chance) as sidecar:
        first = sidecar.read(value_of(name)).status
        aws.client("secretsmanager").create_secret(Name=name, SecretString="sample-1")
        sidecar.clock.now += seconds - 0.1
        remembered = sidecar.read(value_of(name)).status
        calls = len(faulty.requests)
        sidecar.clock.now += 0.1 + seconds / 100
        then = sidecar.read(value_of(name)).status

    assert (first, remembered, then) == (400, 400, 200)
    assert calls == 1
