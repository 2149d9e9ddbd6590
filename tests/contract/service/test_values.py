"""Bare values by reference, one or several, whole or one JSON key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.service.process import Service
    from tests.contract.service.upstream import Upstream

DOCUMENT = '{"user":"app","pass word":"ä","deep":{"list":[1,{"x":null}]},"a.b":"dotted"}'


@pytest.fixture
def document(upstream: Upstream) -> str:
    """Make a secret that holds JSON, and return its reference."""
    return f"secretsmanager://{upstream.secret(DOCUMENT).name}"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("", DOCUMENT),
        ("%23user", "app"),
        ("%23pass%2520word", "ä"),
        ("%23deep", '{"list":[1,{"x":null}]}'),
        ("%23deep.list.0", "1"),
        ("%23deep.list.1.x", "null"),
        ("%23a.b", "dotted"),
    ],
)
def test_a_bare_value(service: Service, document: str, key: str, expected: str) -> None:
    """The text itself, ready for a shell."""
    reply = service.get(f"/value?ref={document}{key}")
    assert (reply.status, reply.body.decode()) == (200, expected)
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("key", "code"), [("%23absent", "NoSuchKey"), ("%23user.x", "NoSuchKey"), ("%23deep.list.00", "NoSuchKey")]
)
def test_a_key_that_is_not_there(service: Service, document: str, key: str, code: str) -> None:
    """The refusal names the secret, and repeats nothing of it."""
    status, said, message = service.refused(f"/value?ref={document}{key}")
    assert (status, said, document in message, "app" in message) == (400, code, True, False)


def test_several_values_and_errors(service: Service, upstream: Upstream, document: str) -> None:
    """Each under the reference it was asked by; parameters together, and one failure takes nothing along."""
    plain, secure = upstream.parameter("p"), upstream.parameter("s", kind="SecureString")
    root, absent = f"/{upstream.new_name()}", f"ssm:///{upstream.new_name()}"
    below = upstream.parameter("b", name=f"{root}/below")
    references = [f"{document}%23user", f"ssm://{plain}", f"ssm://{secure}", absent, f"ssm-path://{root}/", document]
    reply = service.get("/values?" + "&".join(f"ref={each}" for each in references))

    said = json.loads(reply.body)
    written = [each.replace("%23", "#") for each in references]
    assert list(said) == ["values", "errors"]
    assert said["values"] == dict(
        zip([each for each in written if each != absent], ["app", "p", "s", {below: "b"}, DOCUMENT], strict=True)
    )
    assert list(said["errors"]) == [absent]
    assert said["errors"][absent]["__type"] == "ParameterNotFound"
    assert [call for call in upstream.about(plain, secure) if call != "GetParameter"] == ["GetParameters"]
    assert upstream.about(document.removeprefix("secretsmanager://")) == ["GetSecretValue"]


def test_several_hits_are_a_hit(service: Service, upstream: Upstream) -> None:
    """Once all is there nothing is asked."""
    target = "/values?" + "&".join(f"ref=ssm://{upstream.parameter('p')}" for _ in range(3))
    replies = [service.get(target) for _ in range(2)]
    assert [each.headers["X-Sidekey-Cache"] for each in replies] == ["miss", "hit"]
    assert replies[0].body == replies[1].body


@pytest.mark.parametrize("target", ["/value?ref={}&refreshNow=true", "/values?ref={}&refreshNow=true"])
def test_values_can_be_fetched_anew(service: Service, upstream: Upstream, target: str) -> None:
    """Whatever the cache holds."""
    made = upstream.secret("old")
    service.get(target.format(f"secretsmanager://{made.name}"))
    upstream.rotate(made, "new")
    reply = service.get(target.format(f"secretsmanager://{made.name}"))
    assert (b"new" in reply.body, reply.headers["X-Sidekey-Cache"]) == (True, "refreshed")


def test_a_path_as_one_value(service: Service, upstream: Upstream) -> None:
    """An object of names and texts, all the way down."""
    root = f"/{upstream.new_name()}"
    name = upstream.parameter("x", kind="SecureString", name=f"{root}/a/b")
    reply = service.get(f"/value?ref=ssm-path://{root}/")
    assert (json.loads(reply.body), reply.headers["Content-Type"]) == ({name: "x"}, "application/json")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/value", "takes one ref"),
        ("/value?ref=ssm:///a&ref=ssm:///b", "takes one ref"),
        ("/value?ref=", "a reference starts with one of"),
        ("/value?ref=/a", "a reference starts with one of"),
        ("/value?ref=file:///etc/passwd", "a reference starts with one of"),
        ("/value?ref=ssm://", "missing parameter name"),
        ("/value?ref=ssm:///a%3Fcolour=red", "after ? of ssm://"),
        ("/value?ref=ssm:///a%23", "after # stands a JSON key"),
        ("/value?ref=ssm-path:///a/%23x", "not for ssm-path://"),
        ("/value?ref=ssm-path://a", "starts with /"),
        ("/values", "takes 1 to 100 times ref"),
        ("/values?" + "ref=ssm:///a&" * 101, "takes 1 to 100 times ref"),
        ("/values?ref=ssm:///a&x=y", "unknown parameter: x"),
        ("/values?ref=ssm:///a&refreshNow=1&refreshNow=1", "parameter given twice: refreshNow"),
    ],
)
def test_what_is_no_reference(service: Service, target: str, words: str) -> None:
    """An exact 400 that says what is allowed."""
    status, _code, message = service.refused(target)
    assert (status, words in message) == (400, True)
