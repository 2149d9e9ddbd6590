"""Who is let in, what the service says of itself, and what clients in the wild send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.contract.client import Client
from tests.contract.service.process import TOKEN, TOKEN_LINE, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.service.upstream import Upstream

GET = "/secretsmanager/get?secretId="
ROUTES = [
    "/secretsmanager/get?secretId={}",
    "/v1/{}",
    "/systemsmanager/parameters/get?name={}",
    "/systemsmanager/parameters/by-path?path=/{}",
    "/value?ref=secretsmanager://{}",
    "/values?ref=secretsmanager://{}",
    "/ready",
    "/status",
    "/metrics",
    "/nowhere",
    "/ping?x",
]
BAD_TOKENS: dict[str, tuple[str, ...]] = {
    "none": (),
    "empty": ("X-Aws-Parameters-Secrets-Token:",),
    "wrong": ("X-Aws-Parameters-Secrets-Token: wrong",),
    "half": (f"X-Aws-Parameters-Secrets-Token: {TOKEN[:-1]}",),
    "longer": (f"X-Aws-Parameters-Secrets-Token: {TOKEN}x",),
    "other case": (f"X-Aws-Parameters-Secrets-Token: {TOKEN.upper()}",),
    "wrong vault": ("X-Vault-Token: wrong",),
    "elsewhere": (f"Authorization: Bearer {TOKEN}",),
}


@pytest.mark.parametrize("headers", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_without_the_token_there_is_nothing(service: Service, upstream: Upstream, headers: tuple[str, ...]) -> None:
    """On no route but `/ping`, also for what is cached; AWS hears nothing of it."""
    made = upstream.secret("x")
    service.get(GET + made.name)
    before = len(upstream.calls)
    refusals = {service.refused(target.format(made.name), *headers, token=None) for target in ROUTES}

    assert {refusal[:2] for refusal in refusals} == {(401, "BadToken")}
    assert {refusal[2].partition(":")[0] for refusal in refusals} == {"bad session token or header key"}
    assert service.get("/ping", *headers, token=None).body == b"healthy"
    assert len(upstream.calls) == before


@pytest.mark.parametrize(
    "header", [TOKEN_LINE, TOKEN_LINE.lower().replace(TOKEN.lower(), TOKEN), f"X-VAULT-TOKEN:\t{TOKEN} "]
)
def test_the_token_lets_in(service: Service, header: str) -> None:
    """Under either header, in any letter case, with blanks around."""
    assert service.get("/ready", header, token=None).body == b"ready"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        (("X-Forwarded-For: 127.0.0.1",), 400, "Forwarded"),
        (("x-forwarded-proto: http",), 400, "Forwarded"),
        (("Forwarded: for=127.0.0.1",), 400, "Forwarded"),
        (("Via: 1.1 proxy",), 400, "Forwarded"),
        (("Origin: http://localhost:2773",), 403, "ForeignOrigin"),
        (("Origin: null",), 403, "ForeignOrigin"),
    ],
)
def test_nobody_else_is_let_in(service: Service, headers: tuple[str, ...], status: int, code: str) -> None:
    """With the token, but through a proxy or from a page; `/ping` is for them, too."""
    assert service.refused("/ready", *headers)[:2] == (status, code)
    assert service.get("/ping", *headers).status == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:2773", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:2773"])
def test_the_host_is_this_one(service: Service, host: str) -> None:
    """By any of its names, with or without a port."""
    answer = service.raw(f"GET /ready HTTP/1.1\r\nHost: {host}\r\n{TOKEN_LINE}\r\n\r\n".encode())
    assert answer.endswith(b"ready")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:2773", "10.0.0.1"])
def test_the_host_is_no_other(service: Service, host: str) -> None:
    """A page that had its name resolved to us gets nothing."""
    answer = service.raw(f"GET /ready HTTP/1.1\r\nHost: {host}\r\n{TOKEN_LINE}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"])
def test_nothing_is_changed_here(service: Service, method: str) -> None:
    """GET and HEAD are all there is, and the refusal names them."""
    reply = service.get("/ready", method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_what_is_nowhere_names_what_there_is(service: Service) -> None:
    """404, with the routes."""
    status, code, message = service.refused("/secretsmanager")
    assert (status, code, "/systemsmanager/parameters/by-path" in message) == (404, "NotFound", True)


def test_status_and_metrics_tell_no_value(service: Service, upstream: Upstream) -> None:
    """References, versions, times, counts and errors."""
    made = upstream.secret("planted-value")
    [service.get(target) for target in (GET + made.name, GET + made.arn, GET + "absent")]
    status, metrics = service.get("/status").body, service.get("/metrics").body.decode()
    entry = next(each for each in json.loads(status)["entries"] if each["version"] == made.version)

    assert (entry["reference"], entry["hits"]) == (f"secretsmanager://{made.name}", 1)
    assert f"secretsmanager://{made.arn}" in entry["names"]
    assert b"planted-value" not in status
    assert {line.partition(" ")[0] for line in metrics.splitlines() if line.startswith("sidekey_")} >= {
        "sidekey_hits_total",
        "sidekey_misses_total",
        "sidekey_fetch_failures_total",
        "sidekey_entries",
    }


@pytest.mark.parametrize(
    "head",
    [
        "GET {} HTTP/1.0\r\n",
        "GET {} HTTP/1.0\r\nConnection: keep-alive\r\n",
        "GET {} HTTP/1.1\r\nHost: localhost:2773\r\nConnection: close\r\nAccept-Encoding: gzip, deflate\r\n",
        "GET {} HTTP/1.1\r\nhost: 127.0.0.1\r\nContent-Length: 0\r\nContent-Type: application/json\r\n",
        "GET {} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Mode: cors\r\nUser-Agent: node\r\nAccept: */*\r\n",
        "GET {} HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHost: localhost\r\n",
        "\r\nGET {} HTTP/1.1\r\nHost: [::1]:2773\r\nConnection: Keep-Alive\r\n",
    ],
)
def test_clients_in_the_wild_are_answered(service: Service, upstream: Upstream, head: str) -> None:
    """Whole, in pieces and twice in one segment; the same bytes each time, first fetched and then cached."""
    made = upstream.secret("x")
    request = f"{head}{TOKEN_LINE}\r\n\r\n".format(GET + made.arn).encode()
    service.raw(request)
    whole = service.raw(request)
    pieces = service.raw(*[request[start : start + 7] for start in range(0, len(request), 7)])
    twice = service.raw(request + request)

    assert whole.partition(b" ")[2].startswith(b"200 OK\r\n")
    assert b'"SecretString":"x"' in whole
    assert pieces == whole
    assert twice in (whole, whole + whole)


def test_both_loopbacks_are_served(service: Service) -> None:
    """Where `localhost` is ::1 first, that is where the client goes."""
    with Client(("::1", service.port)) as client:
        assert client.get("/ping").reply().body == b"healthy"


def test_the_agent_s_dialect(start: Callable[..., Service], upstream: Upstream) -> None:
    """Its shape on the shared endpoint, its word for a bad token, and GET alone."""
    made = upstream.secret("x")
    agent = start(SIDEKEY_DIALECT="agent")
    assert agent.get(GET + made.name).body == agent.get(f"/v1/{made.name}").body
    assert "ResultMetadata" not in agent.json(GET + made.name)
    assert agent.refused(GET + made.name, token="wrong")[0] == 403
    assert agent.refused(GET + made.name, token="wrong")[2].startswith("Bad Token")
    assert agent.get("/ping", method="HEAD").headers["Allow"] == "GET"
    assert agent.refused("/v1/")[2] == "missing secret ID"


def test_a_token_may_stand_in_a_file(
    start: Callable[..., Service], upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And more than one may count."""
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text("from-a-file\n")
    service = start(AWS_TOKEN=f"file://{file}")
    assert [service.get("/ready", token=token).status for token in ("from-a-file", TOKEN, "")] == [200, 200, 401]
