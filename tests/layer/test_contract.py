"""The HTTP contract once more, against processes started from the unpacked layer: another Python, and no asserts.

What the working copy answers to the same requests, in both profiles, is the measure.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import CREDENTIALS
from scripts.stage.stage import SIDEKEY_PORT, Stage
from tests.contract.cases import REFUSED
from tests.emulator.acts import PROBE
from tests.layer.roots import LayerStage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.stage.aws import SampleAws

pytestmark = pytest.mark.timeout(300)
TOKEN = f"X-Aws-Parameters-Secrets-Token: {CREDENTIALS['AWS_SESSION_TOKEN']}"
TARGETS = (
    "/secretsmanager/get?secretId=demo/database",
    "/secretsmanager/get?secretId=demo/keystore&versionStage=AWSCURRENT",
    "/secretsmanager/get?secretId=nobody/knows",
    "/secretsmanager/get",
    "/secretsmanager/get?secretId=demo/api-key&colour=red",
    "/systemsmanager/parameters/get?name=/demo/licence&withDecryption=true",
    "/systemsmanager/parameters/get/?name=/demo/greeting:1",
    "/systemsmanager/parameters/get?name=/demo/greeting&version=99",
    "/systemsmanager/parameters/by-path?path=/demo/limits/&recursive=true",
    "/value?ref=secretsmanager://demo/database%23password",
    "/value?ref=ssm:///demo/greeting",
    "/value?ref=nonsense",
    "/values?ref=ssm:///demo/greeting&ref=secretsmanager://nobody",
    "/v1/demo/api-key",
    "/ping",
    "/nowhere",
)
PROFILES = {"lean": {}, "daemon": {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"}}


@pytest.fixture(scope="module", params=PROFILES)
def stages(request: pytest.FixtureRequest, aws: SampleAws) -> Iterator[tuple[Stage, Stage]]:
    """Start the layer and the working copy, each beside a function of its own."""
    settings = PROFILES[request.param]
    with LayerStage(PROBE, aws, settings) as layer, Stage(PROBE, aws, settings) as copy:
        assert layer.invoke().status == copy.invoke().status == 200
        yield layer, copy


def converse(stage: Stage, request: bytes) -> bytes:
    """Send bytes, then nothing more, and return all that comes back."""
    pieces: list[bytes] = []
    with stage.sandbox.connect(SIDEKEY_PORT) as link, contextlib.suppress(ConnectionError):
        link.sendall(request)
        link.shutdown(1)
        pieces.extend(iter(lambda: link.recv(65536), b""))
    return b"".join(pieces)


def ask(stage: Stage, target: str, *headers: str) -> list[bytes]:
    """Get a target, and return the answer's lines; when a value was fetched is each process's own."""
    lines = (f"GET {target} HTTP/1.1", "Host: localhost:2773", "Connection: close", *headers, "", "")
    answer = converse(stage, "\r\n".join(lines).encode())
    return [line for line in answer.split(b"\r\n") if not line.startswith(b"X-Sidekey-Fetched-At: ")]


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_must_be_refused(stages: tuple[Stage, Stage], case: str) -> None:
    """Malformed requests get their exact status and sentence."""
    request, status, words = REFUSED[case]

    answer = converse(stages[0], request).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert words in answer


@pytest.mark.parametrize("target", TARGETS)
def test_answers_as_the_working_copy_does(stages: tuple[Stage, Stage], target: str) -> None:
    """Same request, same bytes: first fetched, then out of the cache."""
    layer, copy = stages

    assert ask(layer, target, TOKEN) == ask(copy, target, TOKEN)
    assert ask(layer, target, TOKEN) == ask(copy, target, TOKEN)


@pytest.mark.parametrize(
    "headers", [(), ("X-Vault-Token: wrong",), (TOKEN, "X-Forwarded-For: 1.2.3.4"), (TOKEN, "Via: x")]
)
def test_keeps_its_guards(stages: tuple[Stage, Stage], headers: tuple[str, ...]) -> None:
    """Who lacks the token, or is sent by somebody else, gets nothing."""
    layer, copy = stages

    answer = ask(layer, TARGETS[0], *headers)
    assert answer == ask(copy, TARGETS[0], *headers)
    assert answer[0].split()[1] in {b"400", b"401", b"403"}


def test_serves_the_operators_routes(stages: tuple[Stage, Stage]) -> None:
    """What only the operator asks for is in the layer, too."""
    layer, copy = stages

    assert ask(layer, "/status", TOKEN)[0] == ask(copy, "/status", TOKEN)[0] == b"HTTP/1.1 200 OK"
    assert ask(layer, "/metrics", TOKEN)[0] == ask(copy, "/metrics", TOKEN)[0] == b"HTTP/1.1 200 OK"
