"""The guards: who is let in, and the exact words for everybody else."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.errors import RequestError
from extension.core.guards import check
from tests.samples import PLANTED, TOKEN, request

TARGET = b"/secretsmanager/get?secretId=x"
FORWARDED = (400, "Forwarded")
ORIGIN = (403, "ForeignOrigin")
HOST = (403, "ForeignHost")
BAD_TOKEN = (401, "BadToken")
METHOD = (405, "MethodNotAllowed")


def refusal(target: bytes = TARGET, method: bytes = b"GET", dialect: str = "extension", **headers: bytes) -> object:
    """Return status and code of the refusal, or None where the request is let in."""
    try:
        check(request(target, method, **headers), (b"another", TOKEN), dialect)
    except RequestError as error:
        return error.status, error.code
    return None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": b""},
        {"host": b"localhost"},
        {"host": b"LocalHost:2773"},
        {"host": b"127.0.0.1"},
        {"host": b"127.0.0.1:2773"},
        {"host": b"[::1]"},
        {"host": b"[::1]:2773"},
        {"x_aws_parameters_secrets_token": b"", "x_vault_token": TOKEN},
        {"x_aws_parameters_secrets_token": b"another"},
        {"content_type": b"application/json", "content_length": b"0", "accept_encoding": b"gzip"},
        {"sec_fetch_mode": b"cors", "connection": b"keep-alive", "user_agent": b"node"},
    ],
)
def test_lets_the_function_in(headers: dict[str, Any]) -> None:
    """Every Host that names loopback, either token header, any of the tokens, and what clients in the wild send."""
    assert refusal(**headers) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_forwarded_for": b"1.2.3.4"}, FORWARDED),
        ({"x_forwarded_host": b"a"}, FORWARDED),
        ({"x_forwarded_whatever": b"a"}, FORWARDED),
        ({"forwarded": b"for=1.2.3.4"}, FORWARDED),
        ({"via": b"1.1 proxy"}, FORWARDED),
        ({"origin": b"http://localhost:2773"}, ORIGIN),
        ({"origin": b"null"}, ORIGIN),
        ({"host": b"evil.example"}, HOST),
        ({"host": b"localhost.evil.example"}, HOST),
        ({"host": b"evil.example:2773"}, HOST),
        ({"host": b"localhost:"}, HOST),
        ({"host": b"localhost:port"}, HOST),
        ({"host": b"localhost:1:2"}, HOST),
        ({"host": b"::1"}, HOST),
        ({"host": b"0.0.0.0"}, HOST),
        ({"host": b"127.0.0.1.nip.io"}, HOST),
        ({"host": b"localhost, localhost"}, HOST),
        ({"host": b"user@localhost"}, HOST),
        ({"host": b"\xff"}, HOST),
        ({"x_aws_parameters_secrets_token": b""}, BAD_TOKEN),
        ({"x_aws_parameters_secrets_token": b"wrong"}, BAD_TOKEN),
        ({"x_aws_parameters_secrets_token": TOKEN[:-1]}, BAD_TOKEN),
        ({"x_aws_parameters_secrets_token": TOKEN + b"x"}, BAD_TOKEN),
        ({"x_aws_parameters_secrets_token": TOKEN.upper()}, BAD_TOKEN),
        ({"x_aws_parameters_secrets_token": b"\xff\xfe"}, BAD_TOKEN),
        ({"x_aws_parameters_secrets_token": b"wrong", "x_vault_token": TOKEN}, BAD_TOKEN),
        ({"authorization": b"Bearer " + TOKEN, "x_aws_parameters_secrets_token": b""}, BAD_TOKEN),
    ],
)
def test_keeps_others_out(headers: dict[str, Any], expected: object) -> None:
    """What came through a proxy or from a page, what names another host, what has not the token."""
    assert refusal(**headers) == expected


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"PROPFIND"])
def test_answers_get_and_head_alone(method: bytes) -> None:
    """Any other method is not allowed, in every letter case but the right one."""
    assert refusal(method=method) == METHOD
    assert refusal(b"/ping", method) == METHOD


@pytest.mark.parametrize(("dialect", "expected"), [("extension", None), ("agent", METHOD)])
def test_the_agent_knows_no_head(dialect: str, expected: object) -> None:
    """Its dialect answers GET only, `/ping` included."""
    assert refusal(method=b"HEAD", dialect=dialect) == expected
    assert refusal(b"/ping", b"HEAD", dialect) == expected


WRONG: dict[str, Any] = {"via": b"x", "origin": b"x", "host": b"x", "x_aws_parameters_secrets_token": b"x"}


@pytest.mark.parametrize(("first", "second"), list(combinations(WRONG, 2)))
def test_the_first_guard_speaks(first: str, second: str) -> None:
    """Forwarded, origin, host, token, and the method last: the agent's order."""
    assert refusal(method=b"POST", **{first: WRONG[first], second: WRONG[second]}) == refusal(**{first: WRONG[first]})


@pytest.mark.parametrize("headers", [{name: value} for name, value in WRONG.items()])
def test_ping_is_for_everybody(headers: dict[str, Any]) -> None:
    """No guard but the method stands before it; with a query it is another target."""
    assert refusal(b"/ping", **headers) is None
    assert refusal(b"/ping?x=1", **headers) == refusal(**headers)


@pytest.mark.parametrize(
    "target", [b"/ready", b"/status", b"/metrics", b"/value?ref=x", b"/v1/x", b"/", b"/ping/", b"//ping"]
)
def test_everything_else_needs_the_token(target: bytes) -> None:
    """Health in detail and unknown paths too."""
    assert refusal(target, x_aws_parameters_secrets_token=b"") == BAD_TOKEN


@pytest.mark.parametrize("tokens", [(), (b"",), (b"", b"")])
def test_without_a_token_nobody_is_let_in(tokens: tuple[bytes, ...]) -> None:
    """No token and an empty one are not the same as any token: least of all an absent header."""
    with pytest.raises(RequestError, match="bad session token"):
        check(request(TARGET, x_aws_parameters_secrets_token=b""), tokens, "extension")


@pytest.mark.parametrize(
    ("dialect", "status", "words"),
    [
        ("extension", 401, "bad session token or header key: "),
        ("agent", 403, "Bad Token: "),
    ],
)
def test_a_bad_token_is_told_in_the_dialects_words(dialect: str, status: int, words: str) -> None:
    """Clients look for them; and the token that was sent is not among them."""
    with pytest.raises(RequestError) as caught:
        check(request(TARGET, x_aws_parameters_secrets_token=PLANTED.encode()), (TOKEN,), dialect)
    assert (caught.value.status, caught.value.message.startswith(words)) == (status, True)
    assert PLANTED not in caught.value.message


@pytest.mark.parametrize(("dialect", "allowed"), [("extension", "GET and HEAD"), ("agent", "GET")])
def test_a_method_is_told_those_that_are_allowed(dialect: str, allowed: str) -> None:
    """`Not allowed`, as the agent says, and what is."""
    with pytest.raises(RequestError, match=f"^Not allowed: {allowed} requests are answered$"):
        check(request(TARGET, b"PATCH"), (TOKEN,), dialect)


@given(st.binary(), st.lists(st.binary()))
def test_only_a_token_that_counts_lets_in(given_token: bytes, tokens: list[bytes]) -> None:
    """Equal, whole and not empty; no bytes break the comparison."""
    sent = request(TARGET)
    sent.headers[b"x-aws-parameters-secrets-token"] = given_token
    assert let_in(sent, tuple(tokens)) is (given_token != b"" and given_token in tokens)


def let_in(sent: object, tokens: tuple[bytes, ...]) -> bool:
    """Tell whether a request passes."""
    try:
        check(sent, tokens, "extension")  # type: ignore[arg-type]
    except RequestError:
        return False
    return True
