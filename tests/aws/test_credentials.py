"""Credentials from environment, endpoint and chain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from extension.aws.credentials import (
    ChainCredentials,
    ContainerCredentials,
    EnvironmentCredentials,
    choose_provider,
    parse_credentials,
)
from extension.core.errors import Unavailable
from extension.core.model import Sensitive
from extension.upstream.http1 import Response
from tests.servers.scripted import ScriptedServer, reply

if TYPE_CHECKING:
    from pathlib import Path

    from extension.aws.retry import Retry
    from extension.upstream.transport import Transport
    from tests.servers.clock import Clock

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "planted", "AWS_SESSION_TOKEN": "planted-token"}
DOWN = reply(b"", "500 Internal Server Error")


def given(number: int, expiration: str = "2027-01-15T09:00:00Z") -> bytes:
    """Return the endpoint's answer with credentials that can be told apart; they live an hour of the test's clock."""
    fields = {
        "AccessKeyId": f"ASIA{number}",
        "SecretAccessKey": "planted",
        "Token": f"token-{number}",
        "Expiration": expiration,
    }
    return reply(json.dumps(fields).encode())


@pytest.fixture
def environment(aws: ScriptedServer) -> dict[str, str]:
    """Return an environment as SnapStart has it."""
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/2021-04-23/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token",
    }


@pytest.fixture
def provider(environment: dict[str, str], transport: Transport, retry: Retry, wall: Clock) -> ContainerCredentials:
    """Return the provider of that environment."""
    return ContainerCredentials(environment, transport, retry, wall)


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        (KEYS, EnvironmentCredentials),
        (KEYS | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1"}, EnvironmentCredentials),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1"}, ContainerCredentials),
        ({"AWS_ACCESS_KEY_ID": "AKIA1"}, ChainCredentials),
        ({}, ChainCredentials),
    ],
)
def test_environment_chooses_the_provider(
    environment: dict[str, str], kind: type, transport: Transport, retry: Retry, wall: Clock
) -> None:
    """Keys first, then the endpoint, then whatever boto3 would find."""
    assert type(choose_provider(environment, transport, retry, wall)) is kind


@pytest.mark.parametrize(("token", "expected"), [("t", Sensitive("t")), ("", None)])
def test_keys_of_the_environment_are_used(token: str, expected: Sensitive | None) -> None:
    """They are what they are; there are no others to renew them with."""
    provider = EnvironmentCredentials(KEYS | {"AWS_SESSION_TOKEN": token})
    credentials = provider.get()

    assert (credentials.access_key_id, credentials.session_token) == ("AKIA1", expected)
    assert provider.renew(credentials) is credentials


def test_endpoint_is_asked_with_its_token(aws: ScriptedServer, provider: ContainerCredentials, wall: Clock) -> None:
    """Path and authorization arrive; the credentials come with their end."""
    aws.steps = [given(1)]

    credentials = provider.get(10)

    assert aws.requests[0].head.startswith("GET /2021-04-23/credentials HTTP/1.1")
    assert aws.requests[0].headers["authorization"] == "container-token"
    assert (credentials.access_key_id, credentials.expires_at) == ("ASIA1", wall.now + 3600)


def test_nothing_is_asked_before_it_is_needed(aws: ScriptedServer, provider: ContainerCredentials) -> None:
    """Under SnapStart no credential may be held before the first INVOKE."""
    assert provider.last_session_tokens() == ()
    assert aws.requests == []


def test_token_file_is_read_each_time(
    aws: ScriptedServer, environment: dict[str, str], provider: ContainerCredentials, tmp_path: Path
) -> None:
    """The token may lie in a file that changes, and the file wins."""
    file = tmp_path / "token"
    environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(file)
    aws.steps = [given(1), given(2)]
    file.write_text("first\n")
    old = provider.get(10)
    file.write_text("second\n")
    provider.renew(old, 10)

    assert [request.headers["authorization"] for request in aws.requests] == ["first", "second"]


@pytest.mark.parametrize(("later", "number"), [(3299, 1), (3300, 2)])
def test_credentials_are_fetched_again_before_they_expire(
    aws: ScriptedServer, provider: ContainerCredentials, wall: Clock, later: float, number: int
) -> None:
    """Five minutes before their end they are replaced."""
    aws.steps = [given(1), given(2)]
    provider.get(10)
    wall.now += later

    assert provider.get(10).access_key_id == f"ASIA{number}"


def test_old_credentials_stand_in_while_they_live(
    aws: ScriptedServer, provider: ContainerCredentials, wall: Clock
) -> None:
    """An endpoint that fails does no harm before the end, and is named after it."""
    aws.steps = [given(1), DOWN]
    provider.get(10)
    wall.now += 3599
    assert provider.get(60).access_key_id == "ASIA1"

    wall.now += 1
    with pytest.raises(Unavailable, match="the credential endpoint answered 500"):
        provider.get(60)


def test_the_last_two_session_tokens_are_known(aws: ScriptedServer, provider: ContainerCredentials) -> None:
    """A function may still hold the token before the current one."""
    aws.steps = [given(1), given(2), given(2), given(3)]
    current = provider.get(10)
    current = provider.renew(current, 10)
    provider.forget()
    current = provider.get(10)
    provider.renew(current, 10)

    assert provider.last_session_tokens() == (Sensitive("token-3"), Sensitive("token-2"))


def test_refused_credentials_are_replaced_once_for_all(aws: ScriptedServer, provider: ContainerCredentials) -> None:
    """Whoever renews what another has renewed already gets that."""
    aws.steps = [given(1), given(2)]
    old = provider.get(10)

    assert provider.renew(old, 10) == provider.renew(old, 10)
    assert len(aws.requests) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "ftp://planted"}, "cannot be used: a URL starts with"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://planted.example/"}, "over http only this machine"),
        ({"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/no/such/planted"}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(
    environment: dict[str, str], provider: ContainerCredentials, changes: dict[str, str], message: str
) -> None:
    """Credentials go nowhere else than to this machine, and errors name the variable alone."""
    environment.update(changes)

    with pytest.raises(Unavailable, match=message) as caught:
        provider.get(10)
    assert "planted" not in caught.value.message


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"AccessKeyId":"planted"}', given(1, "soon").partition(b"\r\n\r\n")[2]]
)
def test_an_answer_without_credentials_is_not_repeated(body: bytes) -> None:
    """What the endpoint says instead is named as such."""
    with pytest.raises(Unavailable, match="holds no credentials") as caught:
        parse_credentials(Response(status=200, headers={}, body=body))
    assert "planted" not in f"{caught.value!r}{caught.value.__context__!r}"


class Chain:
    """What botocore's chain finds."""

    def __init__(self, *found: Any) -> None:
        self._found = list(found)

    def __call__(self) -> Any:
        """Search."""
        return self._found.pop(0)


class Found:
    """Credentials as botocore holds them."""

    def __init__(self, access_key: str) -> None:
        self.access_key, self.secret_key, self.token = access_key, "planted", None

    def get_frozen_credentials(self) -> Found:
        """Return what is good now."""
        return self


def test_chain_is_searched_once_and_again_when_refused() -> None:
    """What was found is kept, until it is refused."""
    provider = ChainCredentials(Chain(Found("AKIA1"), Found("AKIA2")))

    first = [provider.get().access_key_id, provider.get().access_key_id]

    assert [*first, provider.renew(provider.get()).access_key_id] == ["AKIA1", "AKIA1", "AKIA2"]


def test_a_machine_without_credentials_is_told_so() -> None:
    """The message says where was looked."""
    with pytest.raises(Unavailable, match="no AWS credentials were found"):
        ChainCredentials(Chain(None)).get()
