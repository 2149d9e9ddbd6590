"""Secrets, as the service gives them: both endpoints, every parameter, one entry and one call for all names."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from scripts.stage.aws import REGION
from tests.contract.client import Client
from tests.contract.service.process import TOKEN_LINE

if TYPE_CHECKING:
    from tests.contract.service.process import Service
    from tests.contract.service.upstream import Upstream

GET = "/secretsmanager/get?secretId="
ROLE = "arn:aws:iam::123456789012:role/service/reader"
EXTENSION_KEYS = [
    "ARN", "CreatedDate", "Name", "SecretBinary", "SecretString", "VersionId", "VersionStages", "ResultMetadata",
]  # fmt: skip


def test_a_secret_in_the_extension_s_shape(service: Service, upstream: Upstream) -> None:
    """Every key in its order, compact; AWS's own sample cuts the text out behind `"SecretString":"`."""
    made = upstream.secret("pass word")
    reply = service.get(GET + made.name)

    said = json.loads(reply.body)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert list(said) == EXTENSION_KEYS
    assert reply.body.startswith(f'{{"ARN":"{made.arn}","CreatedDate":"20'.encode())
    assert reply.body.partition(b'"SecretString":"')[2].partition(b'"')[0] == b"pass word"
    assert said["CreatedDate"].endswith("Z")
    assert (said["Name"], said["SecretBinary"], said["VersionId"]) == (made.name, None, made.version)
    assert (said["VersionStages"], said["ResultMetadata"]) == (["AWSCURRENT"], {})


def test_a_secret_in_the_agent_s_shape(service: Service, upstream: Upstream) -> None:
    """What is absent is omitted, and the date is a text of epoch seconds."""
    made = upstream.secret("x")
    said = service.json(f"/v1/{made.name}")
    assert list(said) == ["ARN", "Name", "VersionId", "SecretString", "VersionStages", "CreatedDate"]
    assert float(said["CreatedDate"]) > 1.7e9


def test_a_binary_secret(service: Service, upstream: Upstream) -> None:
    """Base64 in both shapes, and the octets themselves as a bare value."""
    made = upstream.secret(b"\x00\xff\xfe")
    extension, agent = service.json(GET + made.name), service.json(f"/v1/{made.name}")
    bare = service.get(f"/value?ref=secretsmanager://{made.name}")
    assert (extension["SecretBinary"], extension["SecretString"]) == ("AP/+", None)
    assert (agent["SecretBinary"], "SecretString" in agent) == ("AP/+", False)
    assert (bare.body, bare.headers["Content-Type"]) == (b"\x00\xff\xfe", "application/octet-stream")


def test_all_names_are_one_entry(service: Service, upstream: Upstream) -> None:
    """Name, ARN and partial ARN, raw or encoded, on whichever route: AWS is asked once."""
    made = upstream.secret("one")
    targets = [
        GET + made.name,
        GET + made.arn,
        GET + quote(made.arn, safe=""),
        f"/secretsmanager/get/?secretId={made.partial_arn}",
        f"/v1/{made.partial_arn}",
        f"/v1/{quote(made.name, safe='')}",
        f"/value?ref=secretsmanager://{made.arn}",
        f"/values?ref=secretsmanager://{made.name}&ref=secretsmanager://{made.partial_arn}",
        f"/secretsmanager/get?versionStage=AWSCURRENT&secretId={made.name}",
        f"{GET}{made.name}&region={REGION}",
    ]
    states = [service.get(target).headers["X-Sidekey-Cache"] for target in targets]

    assert states == ["miss"] + ["hit"] * (len(targets) - 1)
    assert upstream.about(made.name, made.arn, made.partial_arn) == ["GetSecretValue"]


def test_many_callers_are_one_call(service: Service, upstream: Upstream) -> None:
    """However many ask for what is not there yet, under whichever header and version of HTTP."""
    made = upstream.secret("shared")
    with ThreadPoolExecutor(16) as crowd:
        bodies = set(crowd.map(lambda _: service.get(GET + made.name).body, range(48)))
    assert len(bodies) == 1
    assert upstream.about(made.name) == ["GetSecretValue"]


def test_versions_are_entries_of_their_own(service: Service, upstream: Upstream) -> None:
    """By id and by stage; each is fetched once."""
    made = upstream.secret("old")
    newer = upstream.rotate(made, "new")
    forms = ["", "&versionStage=AWSPREVIOUS", f"&versionId={made.version}", f"&versionId={newer}"]
    values = [service.json(GET + made.name + form)["SecretString"] for form in (*forms, *forms)]

    assert values == ["new", "old", "old", "new"] * 2
    assert upstream.about(made.name) == ["GetSecretValue"] * 4


def test_refresh_now_brings_the_next_version(service: Service, upstream: Upstream) -> None:
    """It is fetched whatever the cache holds, and kept for everybody."""
    made = upstream.secret("old")
    assert service.json(GET + made.name)["SecretString"] == "old"
    upstream.rotate(made, "new")
    cached = service.get(GET + made.name)
    fresh = service.get(f"{GET}{made.name}&refreshNow=true")
    after = service.get(f"/v1/{made.arn}")

    assert [json.loads(each.body)["SecretString"] for each in (cached, fresh, after)] == ["old", "new", "new"]
    assert [each.headers["X-Sidekey-Cache"] for each in (cached, fresh, after)] == ["hit", "refreshed", "hit"]
    assert after.headers["X-Sidekey-Fetched-At"] == fresh.headers["X-Sidekey-Fetched-At"]


def test_a_refused_version_brings_the_next(service: Service, upstream: Upstream) -> None:
    """The first report fetches; afterwards the newer one is answered at once."""
    made = upstream.secret("old")
    service.get(GET + made.name)
    upstream.rotate(made, "new")
    report = f"{GET}{made.name}&failedVersionId={made.version}"
    replies = [service.get(report) for _ in range(3)]

    assert [json.loads(each.body)["SecretString"] for each in replies] == ["new"] * 3
    assert [each.headers["X-Sidekey-Cache"] for each in replies] == ["refreshed", "hit", "hit"]
    assert upstream.about(made.name) == ["GetSecretValue"] * 2


def test_a_role_is_assumed_once(service: Service, upstream: Upstream) -> None:
    """Its credentials sign the calls; what one may read is not given to the other."""
    made, other = upstream.secret("x"), upstream.secret("y")
    role = f"{ROLE}-{service.profile}"
    states = [service.get(f"{GET}{made.name}{form}").headers["X-Sidekey-Cache"] for form in ("", f"&roleArn={role}")]
    service.get(f"{GET}{other.name}&roleArn={role}")

    signed = [call.signed for call in upstream.calls if call.payload.get("SecretId") in (made.name, other.name)]
    assert states == ["miss", "miss"]
    assert upstream.about(role) == ["AssumeRole"]
    assert ["Credential=ASIA" in each for each in signed] == [False, True, True]


def test_a_region_is_asked(service: Service, upstream: Upstream) -> None:
    """The one that is named, or that the ARN names."""
    made = upstream.secret("elsewhere", region="eu-west-1")
    by_name = service.json(f"{GET}{made.name}&region=eu-west-1")
    by_arn = service.json(GET + made.arn)
    here = service.refused(GET + made.name)

    assert by_name == by_arn
    assert here[:2] == (400, "ResourceNotFoundException")
    assert f"(GetSecretValue in {REGION})" in here[2]


def test_head_tells_the_length_alone(service: Service, upstream: Upstream) -> None:
    """The head of the answer that GET would get."""
    made = upstream.secret("x")
    with Client(service.address) as client:
        whole = client.get(GET + made.name, TOKEN_LINE).reply()
        whole = client.get(GET + made.name, TOKEN_LINE).reply()
        head = client.get(GET + made.name, TOKEN_LINE, method="HEAD").reply(to_head=True)
        again = client.get(GET + made.name, TOKEN_LINE).reply()
    assert (head.status, head.headers) == (200, whole.headers)
    assert again == whole


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/secretsmanager/get", "missing parameter secretId"),
        ("/secretsmanager/get?secretId=", "missing parameter secretId"),
        ("/v1/", "missing secret ID"),
        (GET + "a&secretID=b", "unknown parameter: secretID"),
        (GET + "a&secretId=b", "parameter given twice: secretId"),
        (GET + "a&versionId=", "missing parameter versionId"),
        (GET + "a&versionStage=", "missing parameter versionStage"),
        (GET + "a&refreshNow=yes", "invalid refreshNow value"),
        (GET + "a&roleArn=reader", "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"),
        (GET + "a&region=Paris", "region is one region"),
        (GET + "a%00b", "secretId has control characters"),
        (GET + "a%0d%0ab", "secretId has control characters"),
        (GET + "%zz", "two hex digits"),
        (GET + "%ff", "two hex digits"),
        (GET + "a" * 2049, "over 2048 bytes"),
        ("/v1/a?secretId=b", "unknown parameter: secretId"),
    ],
)
def test_what_cannot_be_asked(service: Service, upstream: Upstream, target: str, words: str) -> None:
    """An exact 400 that says what is allowed; AWS hears nothing of it, and the connection goes on."""
    before = len(upstream.calls)
    with Client(service.address) as client:
        reply = client.get(target, TOKEN_LINE).reply()
        assert client.get("/ping").reply().body == b"healthy"
    assert (reply.status, words in json.loads(reply.body)["message"]) == (400, True)
    assert len(upstream.calls) == before


def test_what_is_not_there_is_asked_for_once_in_a_while(service: Service, upstream: Upstream) -> None:
    """AWS's status and type, the resource and what to do; repeated without a call."""
    name = upstream.new_name()
    first, second = service.refused(GET + name), service.refused(GET + name)
    assert first == second
    assert first[:2] == (400, "ResourceNotFoundException")
    assert f"secretsmanager://{name}" in first[2]
    assert "check the name and the region" in first[2]
    assert upstream.about(name) == ["GetSecretValue"]
