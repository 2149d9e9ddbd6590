"""The way to AWS, from outside: hosts, proxies, authorities, and what a function is told when it is barred."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.contract.service.process import PROFILES, Service
from tests.servers.authority import Authority
from tests.servers.fake_aws import FakeAws
from tests.servers.scripted import ScriptedServer, Wire, hang_up, read_request, reply

if TYPE_CHECKING:
    import ssl

    from tests.servers.scripted import Step

SECRET, PARAMETER = "/v1/db", "/systemsmanager/parameters/get?name=/key"
SAYS_NO = "User: arn:aws:sts::123456789012:assumed-role/f is not authorized to perform: {} on resource: {}"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/k"


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make an authority."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def aws() -> FakeAws:
    """Make an AWS with a secret and a parameter."""
    aws = FakeAws("eu-central-1")
    aws.put_secret("db", SecretString="s")
    aws.put_parameter("/key", "p")
    return aws


def tunnel(aws: FakeAws, tls: ssl.SSLContext) -> Step:
    """Play a proxy with AWS behind it."""

    def step(wire: Wire) -> None:
        wire.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with tls.wrap_socket(wire.socket, server_side=True) as link:
            while (request := read_request(link, 0)) is not None:
                aws(Wire(link, wire.ended, request))

    return step


@pytest.mark.parametrize(
    ("settings", "target", "host"),
    [
        ({}, SECRET, "secretsmanager.eu-central-1.amazonaws.com"),
        ({}, PARAMETER, "ssm.eu-central-1.amazonaws.com"),
        ({"AWS_REGION": "cn-north-1"}, PARAMETER, "ssm.cn-north-1.amazonaws.com.cn"),
        ({"AWS_REGION": "us-gov-west-1"}, SECRET, "secretsmanager.us-gov-west-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, SECRET, "secretsmanager-fips.eu-central-1.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, PARAMETER, "ssm.eu-central-1.api.aws"),
    ],
)
def test_the_host_is_asked_through_the_proxy(
    aws: FakeAws, authority: Authority, settings: dict[str, str], target: str, host: str
) -> None:
    """By its name, with the proxy's credentials, and believed by the authority that is set."""
    with ScriptedServer([tunnel(aws, authority.context(host))]) as proxy:
        way = {"HTTPS_PROXY": f"http://user:pass%20word@127.0.0.1:{proxy.port}", "AWS_CA_BUNDLE": authority.bundle}
        with Service("front", "", {**way, **settings}) as service:
            reply = service.get(target)
    assert reply.status == 200
    assert proxy.requests[0].head.startswith(f"CONNECT {host}:443 HTTP/1.1\r\n")
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="


@pytest.mark.parametrize("profile", PROFILES)
def test_what_needs_no_proxy_is_asked_directly(aws: FakeAws, authority: Authority, profile: str) -> None:
    """`NO_PROXY` names it; the same certificate is refused where the authority is not believed."""
    with ScriptedServer([aws], tls=authority.context("localhost"), host="localhost") as server:
        way = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "localhost"}
        with Service(profile, server.url, {**way, "AWS_CA_BUNDLE": authority.bundle}) as service:
            believed = service.get(SECRET)
        with Service(profile, server.url, {**way, "SIDEKEY_DEADLINE_MS": "1500"}) as service:
            status, code, message = service.refused(SECRET)
    assert believed.status == 200
    assert (status, code) == (502, "ConnectionError")
    assert "is not trusted" in message
    assert "AWS_CA_BUNDLE" in message


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("answer", "status", "code", "words"),
    [
        (b'{"__type":"AccessDeniedException","message":"%b"}', 400, "AccessDeniedException", "the function's role"),
        (b'{"__type":"DecryptionFailure","message":"%b"}', 400, "DecryptionFailure", "kms:Decrypt"),
        (
            b'{"__type":"InvalidRequestException","message":"marked for deletion"}',
            400,
            "InvalidRequestException",
            "del",
        ),
        (b'{"__type":"ExpiredTokenException","message":"x"}', 400, "ExpiredTokenException", "have expired"),
        (b'{"__type":"ThrottlingException"}', 429, "ThrottlingException", "throttles"),
    ],
)
def test_a_refusal_says_what_and_why(profile: str, answer: bytes, status: int, code: str, words: str) -> None:
    """The service's own status and type; the resource, the permission, and what to do."""
    said = SAYS_NO.format("secretsmanager:GetSecretValue", KEY).encode()
    body = answer.replace(b"%b", said)
    settings = {"SIDEKEY_DEADLINE_MS": "300"}
    with ScriptedServer([reply(body, "400 Bad Request")]) as server, Service(profile, server.url, settings) as service:
        answered = service.get(SECRET)
    refusal = json.loads(answered.body)
    assert (answered.status, refusal["__type"]) == (status, code)
    assert words in refusal["message"]
    assert "secretsmanager://db" in refusal["message"]
    assert ("Retry-After" in answered.headers) == (status == 429)


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        (hang_up, 502, "ConnectionError"),
        (reply(b"<html>", "302 Found", Location="http://127.0.0.1:1/"), 502, "ConnectionError"),
        (reply(b"<html>"), 502, "ConnectionError"),
        (reply(b'{"ARN":"arn'), 502, "ConnectionError"),
        (reply(b"", "500 Oops"), 502, "HTTP500"),
        (reply(b'{"__type":"InternalServiceError"}', "500 Oops"), 502, "InternalServiceError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 502, "ConnectionError"),
    ],
)
def test_what_is_no_answer_is_no_end(aws: FakeAws, step: Step, status: int, code: str) -> None:
    """It is said, and the next read does better; a value that was there stands in."""
    settings = {"SIDEKEY_DEADLINE_MS": "700", "SIDEKEY_NEGATIVE_TTL": "0"}
    with ScriptedServer([step]) as server, Service("front", server.url, settings) as service:
        refused = service.refused(SECRET)
        server.steps[:] = [aws]
        well = service.get(SECRET)
        server.steps[:] = [step]
        cached = service.get(SECRET)
    assert refused[:2] == (status, code)
    assert (well.status, cached.status, cached.body) == (200, 200, well.body)


def test_either_permission_is_enough_for_parameters(aws: FakeAws) -> None:
    """Without both, the refusal names them."""
    aws.deny("ssm:GetParameter")
    with ScriptedServer([aws]) as server, Service("front", server.url) as service:
        allowed = service.get(PARAMETER)
        aws.deny("ssm:GetParameters")
        status, code, message = service.refused(PARAMETER + "&refreshNow=true")
    assert allowed.status == 200
    assert (status, code) == (400, "AccessDeniedException")
    assert "ssm:GetParameter or ssm:GetParameters" in message
