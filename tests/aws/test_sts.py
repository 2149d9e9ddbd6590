"""Roles assumed, kept, renewed and forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.aws.exchange import Exchange
from extension.aws.sts import MOST_ROLES, AssumedRoles, escaped, parse_assumed
from extension.core.errors import Refused, Unavailable, Unreachable
from tests.servers.clock import Clock
from tests.servers.keys import Keys, key
from tests.servers.scripted import ScriptedServer, Wire, reply

ROLE = "arn:aws:iam::123456789012:role/team/reader"
LIFE_SECONDS = 3600.0
DOWN = reply(b"", "503 Service Unavailable")


def assumed(number: int, expiration: str = "2027-01-15T09:00:00Z") -> bytes:
    """Return STS's answer with credentials that can be told apart; they live for an hour of the test's clock."""
    return f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
      <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/reader/sidekey</Arn></AssumedRoleUser>
      <Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>planted/+{number}</SecretAccessKey>
      <SessionToken>planted//+{number}==</SessionToken><Expiration>{expiration}</Expiration></Credentials>
      </AssumeRoleResult></AssumeRoleResponse>""".encode()


def answers(*numbers: int) -> list[bytes]:
    """Return a script of STS's answers."""
    return [reply(assumed(number)) for number in numbers]


@pytest.fixture
def roles(exchange: Exchange, wall: Clock) -> AssumedRoles:
    """Return roles assumed at the scripted server, with an external id."""
    return AssumedRoles(exchange, Keys(key(1)), wall=wall, region="eu-west-1", external_id="our id&more")


def test_role_is_asked_for_with_its_external_id(aws: ScriptedServer, roles: AssumedRoles, wall: Clock) -> None:
    """The form names role, session and external id; the credentials come with their end."""
    aws.steps = answers(7)

    credentials = roles.provider(ROLE).get(10)

    assert parse_qs(aws.requests[0].body.decode(), strict_parsing=True) == {
        "Action": ["AssumeRole"],
        "Version": ["2011-06-15"],
        "RoleArn": [ROLE],
        "RoleSessionName": ["sidekey"],
        "ExternalId": ["our id&more"],
    }
    assert "/eu-west-1/sts/aws4_request" in aws.requests[0].headers["authorization"]
    assert (credentials.access_key_id, credentials.expires_at) == ("ASIA7", wall.now + LIFE_SECONDS)
    assert credentials.session_token is not None
    assert credentials.session_token.reveal() == "planted//+7=="


@pytest.mark.parametrize(("later", "number"), [(0, 1), (3299, 1), (3300, 2), (9999, 2)])
def test_credentials_are_renewed_before_they_expire(
    aws: ScriptedServer, roles: AssumedRoles, wall: Clock, later: float, number: int
) -> None:
    """Until five minutes before their end they are kept, then fetched anew."""
    aws.steps = answers(1, 2)
    role = roles.provider(ROLE)
    role.get(10)
    wall.now += later

    assert role.get(10).access_key_id == f"ASIA{number}"


@pytest.mark.parametrize(("later", "usable"), [(3300, True), (3599, True), (3600, False)])
def test_old_credentials_stand_in_while_they_live(
    aws: ScriptedServer, roles: AssumedRoles, wall: Clock, later: float, usable: bool
) -> None:
    """While STS does not answer, credentials are used up to their end, and not beyond."""
    aws.steps = [*answers(1), DOWN]
    role = roles.provider(ROLE)
    role.get(10)
    wall.now += later
    try:
        found = role.get(60).access_key_id == "ASIA1"
    except Unavailable:
        found = False
    assert found is usable


def test_a_refused_role_is_403(aws: ScriptedServer, roles: AssumedRoles) -> None:
    """A role that may not be assumed says which one, and what to allow."""
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: a cannot</Message></Error></ErrorResponse>"
    aws.steps = [reply(body, "403 Forbidden")]

    with pytest.raises(Refused, match=r"AssumeRole of .*reader: User: a cannot; allow it") as caught:
        roles.provider(ROLE).get(10)
    assert (caught.value.status, caught.value.code) == (403, "AccessDeniedException")


def test_refused_credentials_are_replaced_once_for_all(aws: ScriptedServer, roles: AssumedRoles) -> None:
    """Whoever renews what another has renewed already gets that."""
    aws.steps = answers(1, 2)
    role = roles.provider(ROLE)
    old = role.get(10)

    assert [role.renew(old, 10).access_key_id, role.renew(old, 10).access_key_id] == ["ASIA2", "ASIA2"]
    assert len(aws.requests) == 2


def test_many_threads_make_one_call(aws: ScriptedServer, roles: AssumedRoles) -> None:
    """One thread asks, the others wait for what it gets."""
    aws.steps = answers(1)

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: roles.provider(ROLE).get(10).access_key_id, range(32)))

    assert (found, len(aws.requests)) == ({"ASIA1"}, 1)


def test_the_role_used_longest_ago_is_forgotten(aws: ScriptedServer, roles: AssumedRoles) -> None:
    """Callers name roles, so their number is bounded; using one keeps it."""

    def echo_role(wire: Wire) -> None:
        wire.socket.sendall(reply(assumed(len(aws.requests))))

    aws.steps = [echo_role]
    first, second, *others = [f"{ROLE}{number}" for number in range(MOST_ROLES)]
    kept = [roles.provider(role).get(10) for role in (first, second, *others)]
    roles.provider(first)
    roles.provider(f"{ROLE}-one-more")

    assert roles.provider(first).get(10) == kept[0]
    assert roles.provider(second).get(10) != kept[1]


def test_forgotten_roles_are_assumed_anew(aws: ScriptedServer, roles: AssumedRoles) -> None:
    """Nothing from before a snapshot is used after it."""
    aws.steps = answers(1, 2)
    roles.provider(ROLE).get(10)
    roles.forget()

    assert roles.provider(ROLE).get(10).access_key_id == "ASIA2"


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<html>planted</html>",
        assumed(1, expiration="soon").decode(),
        assumed(1).decode().replace("SessionToken", "Other"),
    ],
)
def test_an_answer_without_credentials_is_broken(xml: str) -> None:
    """Half of the credentials is none of them, and the answer is not repeated."""
    with pytest.raises(Unreachable, match="STS's answer holds no credentials") as caught:
        parse_assumed(xml, "AssumeRole")
    assert "planted" not in caught.value.message


@given(st.text())
def test_form_values_survive(text: str) -> None:
    """Whatever a value holds, the form carries it."""
    sendable = text.encode("utf-8", "replace").decode()

    assert parse_qs(f"a={escaped(sendable)}", keep_blank_values=True) == {"a": [sendable]}
