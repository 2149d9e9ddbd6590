"""What is secret is in the answer to who may have it, and nowhere else: whatever goes wrong, at the level debug."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import CREDENTIALS
from tests.contract.service.process import PROFILES, TOKEN_LINE, Service
from tests.servers.scripted import ScriptedServer, reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.service.upstream import Upstream

PLANTED = "planted-value"
CREDENTIAL_VALUES = tuple(CREDENTIALS.values())[1:]


def leaks(*texts: str) -> list[str]:
    """Return what stands in any of the texts that should not."""
    return [each for each in (PLANTED, *CREDENTIAL_VALUES) if any(each in text for text in texts)]


def test_no_log_and_no_refusal_holds_a_value(start: Callable[..., Service], upstream: Upstream, tmp_path: Path) -> None:
    """Values that do not fit, keys that are not there, values given as settings, references, ids and tokens."""
    text, broken = upstream.secret(f'{{"a":"{PLANTED}"}}'), upstream.secret(f'{{"a":"{PLANTED}')
    binary, secure = upstream.secret(PLANTED.encode()), upstream.parameter(PLANTED, kind="SecureString")
    config = tmp_path / "sidekey.toml"
    config.write_text(f'[prefetch."{PLANTED}"]\n[prefetch."ssm:///x"]\nrole = "{PLANTED}"\n')
    service = start(
        SIDEKEY_PREFETCH=f"secretsmanager://{text.name},ssm://{secure},secretsmanager://absent,{PLANTED}",
        SIDEKEY_CONFIG=str(config),
        SIDEKEY_BATCH=PLANTED,
        SECRETS_MANAGER_TTL=PLANTED,
        AWS_ENDPOINT_URL_STS=PLANTED,
        SIDEKEY_MAX_STALE="1234567890123",
    )
    told = [
        service.get(target)
        for target in (
            f"/value?ref=secretsmanager://{text.name}%23b",
            f"/value?ref=secretsmanager://{text.name}%23a.b",
            f"/value?ref=secretsmanager://{broken.name}%23a",
            f"/value?ref=secretsmanager://{binary.name}%23a",
            f"/value?ref=ssm://{secure}%23a",
            f"/value?ref={PLANTED}",
            f"/value?ref=ssm:///x%3F{PLANTED}=1",
            f"/secretsmanager/get?{PLANTED}=1",
            f"/secretsmanager/get?secretId=a&roleArn={PLANTED}",
            f"/secretsmanager/get?secretId=a&region={PLANTED}",
            f"/systemsmanager/parameters/get?name=a&version={PLANTED}",
            "/status",
            "/metrics",
            "/ready",
        )
    ]
    told += [service.get("/ready", token=PLANTED), service.get(f"/{PLANTED}")]
    raw = service.raw(f"GET /ready HTTP/1.1\r\n{TOKEN_LINE}\r\n{PLANTED}\r\n\r\n".encode())
    given = service.get(f"/value?ref=secretsmanager://{text.name}%23a")
    service.stop()

    assert given.body.decode() == PLANTED
    assert leaks(*(reply.body.decode() for reply in told), raw.decode(), service.log()) == []
    assert [reply.status for reply in told].count(200) == 2


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "answer",
    [
        reply(f'{{"ARN":"a","Name":"db","SecretString":"{PLANTED}'.encode()),
        reply(f'{{"ARN":"a","Name":"db","SecretString":["{PLANTED}"]}}'.encode()),
        reply(f'{{"ARN":"a","Name":"db","SecretBinary":"%%{PLANTED}"}}'.encode()),
        reply(f'{{"ARN":"a","SecretString":"{PLANTED}"}}'.encode()),
        reply(f'{{"ARN":"a","Name":"db","SecretString":"{PLANTED}","CreatedDate":1e300}}'.encode()),
        reply(f'"{PLANTED}"'.encode()),
        reply(f"<html>{PLANTED}".encode(), "403 Forbidden"),
        reply(f"<html>{PLANTED}".encode(), "302 Found"),
        reply(b'{"__type":"Odd","message":"you sent sample-session-token"}', "400 Bad Request"),
        reply(b'{"__type":"SignatureDoesNotMatch","message":"sample-secret-access-key"}', "403 Forbidden"),
        f"HTTP/1.1 200 OK\r\n{PLANTED}\r\n\r\n".encode(),
        f"{PLANTED} 200 OK\r\n\r\n".encode(),
    ],
)
def test_no_broken_answer_is_repeated(profile: str, answer: bytes) -> None:
    """What AWS, or somebody in between, has sent and we cannot read."""
    settings = {"SIDEKEY_DEADLINE_MS": "100", "SIDEKEY_PREFETCH": "secretsmanager://db"}
    with ScriptedServer([answer]) as server, Service(profile, server.url, settings) as service:
        told = [service.get(target) for target in ("/value?ref=secretsmanager://db%23a", "/status", "/ready")]
        service.get("/v1/db")
        service.stop()
        assert leaks(*(reply.body.decode() for reply in told), service.log()) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_value_leaves_no_trace_in_another_s_answer(profile: str, upstream: Upstream) -> None:
    """Thousands of values through one process: each caller gets the one that was asked for."""
    made = [upstream.secret(f"value {number}") for number in range(20)]
    with Service(profile, upstream.url, {"PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE": "7"}) as service:
        requests = [f"GET /value?ref=secretsmanager://{one.name} HTTP/1.1\r\nHost: a\r\n".encode() for one in made]
        whole = b"".join(
            request.replace(b": a", b": localhost") + f"{TOKEN_LINE}\r\n\r\n".encode() for request in requests
        )
        answers = service.raw(whole * 10)
    assert [piece for piece in answers.split(b"\r\n") if piece.startswith(b"value ")] != []
    found = [part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert found == [f"value {number}".encode() for number in range(20)] * 10
