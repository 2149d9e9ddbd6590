"""SnapStart: memory after init is cloned, so nothing is in it that must not be shared; the first INVOKE begins anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import CREDENTIALS, REGION
from scripts.stage.emulator import ROOT
from tests.fresh.process import Process, until
from tests.fresh.sidecar import PATIENT, Sidecar, value_of
from tests.servers.credentials import AUTHORIZATION, CredentialEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.stage.aws import SampleAws
    from tests.servers.authority import Authority
    from tests.servers.faulty import FaultyServer

SECRET_KEY = b"sample-secret-key-"
CLONES = Path(__file__).with_name("clones.py")


@pytest.fixture
def endpoint() -> Iterator[CredentialEndpoint]:
    """Give credentials as Lambda does under SnapStart."""
    with CredentialEndpoint() as serving:
        yield serving


@pytest.fixture
def value() -> str:
    """Make a value that is nowhere else."""
    return f"sample-{os.urandom(12).hex()}"


@pytest.fixture
def name(aws: SampleAws, value: str) -> str:
    """Store the value under a name that does not tell it."""
    name = f"fresh/snapshot-{len(value)}-{os.urandom(4).hex()}"
    aws.client("secretsmanager").create_secret(Name=name, SecretString=value)
    return name


@pytest.fixture
def environment(faulty: FaultyServer, authority: Authority, endpoint: CredentialEndpoint, name: str) -> dict[str, str]:
    """Return what a function under SnapStart sets and is given."""
    return {
        **PATIENT,
        **endpoint.environment,
        "AWS_ENDPOINT_URL": faulty.url,
        "AWS_CA_BUNDLE": authority.bundle,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "SIDEKEY_PREFETCH": f"secretsmanager://{name}",
    }


@pytest.fixture
def process(environment: dict[str, str], tmp_path: Path) -> Iterator[Process]:
    """Run a process to the end of its init."""
    with Process(environment, tmp_path) as running:
        yield running


def test_nothing_is_asked_for_before_the_first_invoke(
    process: Process, faulty: FaultyServer, endpoint: CredentialEndpoint, name: str
) -> None:
    """No credential, no secret, no connection; at the first INVOKE all of it."""
    before = endpoint.asked, len(faulty.requests)
    process.invoke()
    seen = process.read(value_of(name), AUTHORIZATION)

    assert before == (0, 0)
    assert seen.status == 200
    assert (endpoint.asked, len(faulty.requests)) == (1, 1)


def test_what_the_init_code_reads_is_fetched_answered_and_not_kept(
    process: Process, faulty: FaultyServer, endpoint: CredentialEndpoint, name: str, value: str
) -> None:
    """Neither the value nor the credentials nor the connection: each read begins anew, and so does the INVOKE."""
    early = [process.read(value_of(name), AUTHORIZATION) for _ in range(2)]
    asked_early = endpoint.asked, len(faulty.requests)
    process.invoke()
    late = process.read(value_of(name), AUTHORIZATION)

    assert [(seen.cache, seen.body.decode()) for seen in early] == [("miss", value)] * 2
    assert asked_early == (2, 2)
    assert late.body.decode() == value
    assert (endpoint.asked, len(faulty.requests)) == (3, 3)


def test_a_snapshot_holds_no_secret(process: Process, name: str, value: str) -> None:
    """The memory image before the first INVOKE has neither a value nor a key; after it, the search finds both."""
    before = process.memory()
    process.invoke()
    process.read(value_of(name), AUTHORIZATION)
    after = process.memory()

    assert (value.encode() in before, SECRET_KEY in before) == (False, False)
    assert (value.encode() in after, SECRET_KEY in after) == (True, True)


def test_clones_of_one_image_both_serve(environment: dict[str, str], name: str, value: str) -> None:
    """Two processes forked after init: each has its own fetch, its own chance, and the parent's memory stays clean."""
    command = [sys.executable, str(CLONES), value_of(name), AUTHORIZATION]
    surroundings = {**CREDENTIALS, "AWS_REGION": REGION, **environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True, timeout=50)
    said = json.loads(done.stdout)

    assert said["bodies"] == [value, value]
    assert len(set(said["chances"])) == 2
    assert len(set(said["tls chances"])) == 2
    assert said["marked"] is True  # what the search must find, or it proves nothing
    assert said["found"] == []


@pytest.fixture
def awake(environment: dict[str, str]) -> Iterator[Sidecar]:
    """Serve with credentials from the endpoint; nothing has been asked for yet."""
    with Sidecar(environment) as sidecar:
        yield sidecar


def test_the_session_token_of_now_is_learned_from_the_endpoint(
    awake: Sidecar, endpoint: CredentialEndpoint, name: str
) -> None:
    """A function that took its token from the endpoint is let in, though we had not asked for ours yet."""
    seen = awake.read(value_of(name), endpoint.token)

    assert seen.status == 200


def test_the_session_tokens_of_now_and_last_count(awake: Sidecar, endpoint: CredentialEndpoint, name: str) -> None:
    """The endpoint gave newer ones to the function than to us: we ask again. The last ones count, older ones do not."""
    tokens = []
    for _ in range(3):
        tokens.append(endpoint.token)
        awake.read(value_of(name), endpoint.token)
        awake.clock.now += 2
        endpoint.rotate()

    assert [awake.read(value_of(name), token).status for token in [AUTHORIZATION, *tokens[::-1]]] == [
        200,
        200,
        200,
        401,
    ]


def test_the_session_token_counts_before_and_right_after_the_first_invoke(
    process: Process, endpoint: CredentialEndpoint, name: str
) -> None:
    """What was learned in init was forgotten, so it is asked for again, however short the time between."""
    early = [process.read(value_of(name), endpoint.token).status for _ in range(2)]
    process.invoke()
    late = [process.read(value_of(name), endpoint.token).status for _ in range(2)]

    assert early + late == [200] * 4


def test_a_wrong_token_is_no_call_per_request(awake: Sidecar, endpoint: CredentialEndpoint, name: str) -> None:
    """Whoever sends one makes us ask the endpoint once a second at most."""
    statuses = {awake.read(value_of(name), "sample-wrong").status for _ in range(5)}

    assert statuses == {401}
    assert endpoint.asked == 1


def test_tokens_from_before_a_snapshot_do_not_count_after_it(
    awake: Sidecar, endpoint: CredentialEndpoint, name: str
) -> None:
    """All clones share what was in memory then."""
    old = endpoint.token
    awake.read(value_of(name), old)
    endpoint.rotate()
    awake.parts.forget(keeping=True)
    awake.read(value_of(name), endpoint.token)

    assert awake.read(value_of(name), old).status == 401


def test_a_token_learned_in_init_is_not_kept(awake: Sidecar, endpoint: CredentialEndpoint) -> None:
    """It would be in the snapshot, with the credentials that came along."""
    awake.parts.forget(keeping=False)
    status = awake.read("/ping-not", endpoint.token).status
    until(lambda: not awake.parts.access.session_tokens())

    assert status == 404
    until(lambda: endpoint.token.encode() not in awake.parts.tokens._known[1])
