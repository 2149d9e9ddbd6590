"""JSON 1.1 calls."""

from __future__ import annotations

import json

import pytest

from extension.aws.client import AwsClient
from extension.aws.exchange import Exchange
from extension.aws.sts import AssumedRoles
from extension.core.errors import Refused, Throttled, Unreachable
from tests.servers.clock import Clock
from tests.servers.keys import Keys, key
from tests.servers.scripted import ScriptedServer, reply

ROLE = "arn:aws:iam::123456789012:role/reader"
ASSUMED = b"""<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA9</AccessKeyId>
<SecretAccessKey>planted</SecretAccessKey><SessionToken>planted</SessionToken>
<Expiration>2027-01-15T09:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


@pytest.fixture
def client(exchange: Exchange, wall: Clock) -> AwsClient:
    """Return a client of the scripted server."""
    keys = Keys(key(1))
    return AwsClient(exchange, keys, AssumedRoles(exchange, keys, wall=wall, region="eu-west-1"))


@pytest.mark.parametrize(
    ("service", "target"),
    [("secretsmanager", "secretsmanager.GetIt"), ("ssm", "AmazonSSM.GetIt")],
)
def test_action_and_payload_arrive(aws: ScriptedServer, client: AwsClient, service: str, target: str) -> None:
    """The action is the target header, the payload the body, and the answer's object comes back."""
    aws.steps = [reply('{"Välue":"✓"}'.encode())]

    answer = client.call(service, "GetIt", {"Näme": "x"}, region="eu-west-1", timeout_seconds=10)

    request = aws.requests[0]
    assert answer == {"Välue": "✓"}
    assert json.loads(request.body) == {"Näme": "x"}
    assert request.headers["x-amz-target"] == target
    assert request.headers["content-type"] == "application/x-amz-json-1.1"


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>planted</html>", b'{"a":'])
def test_an_answer_that_is_no_object_is_broken(aws: ScriptedServer, client: AwsClient, body: bytes) -> None:
    """A stranger's 200 is not an answer, and is not repeated."""
    aws.steps = [reply(body)]

    with pytest.raises(Unreachable, match=r"GetIt in eu-west-1: the answer is not a JSON object") as caught:
        client.call("ssm", "GetIt", {}, region="eu-west-1", timeout_seconds=10)
    assert "planted" not in f"{caught.value!r}{caught.value.__context__!r}"


def test_messages_say_what_was_asked_for(aws: ScriptedServer, client: AwsClient) -> None:
    """Reference, action and region stand in front of AWS's sentence."""
    aws.steps = [reply(b'{"__type":"ParameterNotFound"}', "400 Bad Request")]

    with pytest.raises(Refused, match=r"^ssm:///app \(GetIt in eu-west-1\): ParameterNotFound; check the name"):
        client.call("ssm", "GetIt", {}, region="eu-west-1", about="ssm:///app")


def test_a_caller_may_want_one_attempt(aws: ScriptedServer, client: AwsClient, pauses: list[float]) -> None:
    """With `attempts=1` a throttled call fails at once."""
    aws.steps = [reply(b"", "429 Too Many Requests")]

    with pytest.raises(Throttled):
        client.call("ssm", "GetIt", {}, region="eu-west-1", attempts=1)
    assert pauses == []


def test_a_role_is_assumed_before_the_call(aws: ScriptedServer, client: AwsClient) -> None:
    """A call for a role is signed with the role's credentials, which are fetched once."""
    aws.steps = [reply(ASSUMED), reply(b"{}")]

    client.call("ssm", "GetIt", {}, region="eu-west-1", role_arn=ROLE)
    client.call("ssm", "GetIt", {}, region="eu-west-1", role_arn=ROLE)

    assert [request.headers["authorization"].partition("Credential=")[2][:5] for request in aws.requests] == [
        "AKIA1",
        "ASIA9",
        "ASIA9",
    ]
