"""Routes: what each target asks for, and the sentence for each that asks for nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.errors import RequestError
from extension.core.model import Query
from extension.core.reference import parse_reference
from extension.core.routes import MAX_REFERENCES, Operation, route
from tests.samples import PLANTED, secret_arn

ROLE = "arn:aws:iam::123456789012:role/reader"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:111122223333:parameter/app/key"
SECRET = b"/secretsmanager/get?"
PARAMETER = b"/systemsmanager/parameters/get?"
TREE = b"/systemsmanager/parameters/by-path?"


def secret(name: str, **changes: Any) -> Query:
    """Return a secret's query without a region."""
    return Query(**{"service": "secretsmanager", "id": name, **changes})


def parameter(name: str, **changes: Any) -> Query:
    """Return a parameter's query as the endpoint's defaults have it: not decrypted."""
    return Query(**{"service": "ssm", "id": name, "decrypt": False, **changes})


def tree(path: str, **changes: Any) -> Query:
    """Return a path's query as the endpoint's defaults have it: neither decrypted nor recursive."""
    return Query(**{"service": "ssm-path", "id": path, "decrypt": False, **changes})


@pytest.mark.parametrize(
    ("target", "query"),
    [
        (SECRET + b"secretId=prod/db", secret("prod/db")),
        (b"/secretsmanager/get/?secretId=prod/db", secret("prod/db")),
        (SECRET + b"secretId=prod%2Fdb", secret("prod/db")),
        (SECRET + b"secretId=a+b%20c%2Bd", secret("a+b c+d")),
        (SECRET + b"secretId=" + secret_arn().encode(), secret(secret_arn())),
        (SECRET + b"secretId=" + quote(secret_arn(), safe="").encode(), secret(secret_arn())),
        (SECRET + b"versionStage=AWSCURRENT&secretId=x", secret("x")),
        (SECRET + b"versionStage=AWSPENDING&secretId=x", secret("x", version_stage="AWSPENDING")),
        (SECRET + b"secretId=x&versionId=v1", secret("x", version_id="v1")),
        (SECRET + b"secretId=x&roleArn=" + ROLE.encode(), secret("x", role_arn=ROLE)),
        (SECRET + b"secretId=x&region=eu-west-1", secret("x", regions=("eu-west-1",))),
        (SECRET + b"secretId=x&region=eu-west-1,us-east-1", secret("x", regions=("eu-west-1", "us-east-1"))),
        (SECRET + b"&secretId=x&&", secret("x")),
        (b"/v1/prod/db", secret("prod/db")),
        (b"/v1/prod%2Fdb?versionStage=AWSPREVIOUS", secret("prod/db", version_stage="AWSPREVIOUS")),
        (b"/v1//x/", secret("/x/")),
        (b"/v1/" + secret_arn().encode(), secret(secret_arn())),
        (PARAMETER + b"name=/app/key", parameter("/app/key")),
        (b"/systemsmanager/parameters/get/?name=/app/key", parameter("/app/key")),
        (PARAMETER + b"name=%2Fapp%2Fkey&withDecryption=true", parameter("/app/key", decrypt=True)),
        (PARAMETER + b"withDecryption=True&name=x", parameter("x", decrypt=True)),
        (PARAMETER + b"withDecryption=0&name=x", parameter("x")),
        (PARAMETER + b"name=x:3", parameter("x", selector=":3")),
        (PARAMETER + b"name=x&version=3&label=Dev", parameter("x", selector=":3")),
        (PARAMETER + b"label=Dev&name=x&version=3", parameter("x", selector=":Dev")),
        (PARAMETER + b"name=" + PARAMETER_ARN.encode(), parameter(PARAMETER_ARN)),
        (PARAMETER + b"name=" + PARAMETER_ARN.encode() + b":Dev", parameter(PARAMETER_ARN, selector=":Dev")),
        (TREE + b"path=/app/", tree("/app/")),
        (TREE + b"path=/app&recursive=true&withDecryption=true", tree("/app", recursive=True, decrypt=True)),
        (b"/systemsmanager/parameters/by-path/?path=/", tree("/")),
    ],
)
def test_reads_one_thing(target: bytes, query: Query) -> None:
    """Both endpoints, the agent's path and by-path, in every spelling that clients use."""
    operation = route(target, "extension")
    assert operation.query == query
    assert (operation.refresh, operation.failed_version, len(operation.references)) == (False, None, 1)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (SECRET + b"secretId=x", "secret"),
        (b"/v1/x", "secret"),
        (PARAMETER + b"name=x", "parameter"),
        (TREE + b"path=/x", "tree"),
        (b"/value?ref=ssm://x", "value"),
        (b"/values?ref=ssm://x", "values"),
        (b"/ping", "ping"),
        (b"/ready", "ready"),
        (b"/status", "status"),
        (b"/metrics?", "metrics"),
    ],
)
def test_each_route_has_its_kind(target: bytes, kind: str) -> None:
    """The answer's form depends on it."""
    assert route(target, "extension").kind == kind


@pytest.mark.parametrize(
    ("target", "dialect", "shape"),
    [
        (SECRET + b"secretId=x", "extension", "extension"),
        (SECRET + b"secretId=x", "agent", "agent"),
        (b"/v1/x", "extension", "agent"),
        (b"/v1/x", "agent", "agent"),
        (PARAMETER + b"name=x", "agent", "extension"),
    ],
)
def test_the_dialect_shapes_the_shared_endpoint_alone(target: bytes, dialect: str, shape: str) -> None:
    """`/v1/` is always the agent's, parameters are always the extension's."""
    assert route(target, dialect).shape == shape  # type: ignore[arg-type]


@pytest.mark.parametrize("flag", [b"true", b"1", b"TRUE"])
@pytest.mark.parametrize(
    "target",
    [
        SECRET + b"secretId=x&",
        PARAMETER + b"name=x&",
        TREE + b"path=/x&",
        b"/v1/x?",
        b"/value?ref=ssm://x&",
        b"/values?ref=ssm://x&",
    ],
)
def test_a_refresh_can_be_asked_for_everywhere(target: bytes, flag: bytes) -> None:
    """refreshNow, as the agent reads it."""
    assert route(target + b"refreshNow=" + flag, "extension").refresh
    assert not route(target + b"refreshNow=false", "extension").refresh


@pytest.mark.parametrize(
    "target",
    [SECRET + b"secretId=x&", PARAMETER + b"name=x&", b"/v1/x?", b"/value?ref=ssm://x&", b"/values?ref=ssm://x&"],
)
def test_a_refused_version_can_be_told(target: bytes) -> None:
    """FailedVersionId goes with every read of one value."""
    assert route(target + b"failedVersionId=v1", "extension").failed_version == "v1"


def test_values_keep_their_references_in_order_and_once() -> None:
    """As they were written, with what they pick."""
    texts = ["ssm:///b#k", "secretsmanager://a", "ssm:///b"]
    target = "/values?" + "&".join(f"ref={quote(text, safe='')}" for text in [*texts, texts[0]])
    assert route(target.encode(), "extension") == Operation(
        kind="values", references=tuple(parse_reference(text) for text in texts)
    )


UNKNOWN_SECRET = (
    "unknown parameter: {}; allowed: secretId, versionStage, versionId, roleArn, region, refreshNow, failedVersionId"
)
ESCAPES = "a % stands in the parameters that no two hex digits of UTF-8 follow"
VALUES = f"/values takes 1 to {MAX_REFERENCES} times ref"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (SECRET, "missing parameter secretId"),
        (b"/secretsmanager/get", "missing parameter secretId"),
        (SECRET + b"secretId=", "missing parameter secretId"),
        (SECRET + b"secretId", "missing parameter secretId"),
        (SECRET + b"secretid=x", UNKNOWN_SECRET.format("secretid")),
        (SECRET + b"name=x", UNKNOWN_SECRET.format("name")),
        (SECRET + b"secretId=x&a-b=1", UNKNOWN_SECRET.format("(not a name)")),
        (SECRET + b"secretId=x&=1", UNKNOWN_SECRET.format("(not a name)")),
        (SECRET + b"secretId=x&" + b"a" * 65, UNKNOWN_SECRET.format("(not a name)")),
        (SECRET + b"secretId=x&secretId=y", "parameter given twice: secretId"),
        (SECRET + b"secretId=x&versionId=a&versionId=a", "parameter given twice: versionId"),
        (SECRET + b"secretId=x&versionId=", "missing parameter versionId"),
        (SECRET + b"secretId=x&versionStage=%07", "versionStage has control characters"),
        (SECRET + b"secretId=%00", "secretId has control characters"),
        (SECRET + b"secretId=a%0d%0ab", "secretId has control characters"),
        (SECRET + b"secretId=" + b"a" * 2049, "secretId is over 2048 bytes"),
        (SECRET + b"secretId=%", ESCAPES),
        (SECRET + b"secretId=%e9", ESCAPES),
        (SECRET + b"secretId=%ed%a0%80", ESCAPES),
        (SECRET + b"secretId=x&refreshNow=yes", "invalid refreshNow value: true, false, 1 and 0 are allowed"),
        (SECRET + b"secretId=x&refreshNow", "invalid refreshNow value: true, false, 1 and 0 are allowed"),
        (
            SECRET + b"secretId=x&roleArn=r",
            "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>",
        ),
        (SECRET + b"secretId=x&region=x", "region is one region or several with commas, as eu-west-1,eu-central-1"),
        (SECRET + b"secretId=x&failedVersionId=", "missing parameter failedVersionId"),
        (b"/v1/", "missing secret ID"),
        (b"/v1/?versionId=x", "missing secret ID"),
        (b"/v1/%zz", "a % stands in the address that no two hex digits of UTF-8 follow"),
        (
            b"/v1/x?secretId=y",
            UNKNOWN_SECRET.replace("secretId, ", "").format("secretId"),
        ),
        (PARAMETER, "missing parameter name"),
        (PARAMETER + b"name=:5", "missing parameter name"),
        (PARAMETER + b"name=x&version=0", "version is a whole number from 1 on"),
        (PARAMETER + b"name=x&version=1.5", "version is a whole number from 1 on"),
        (PARAMETER + b"name=x&version=%C2%B2", "version is a whole number from 1 on"),
        (PARAMETER + b"name=x&version=" + b"9" * 9000, "version is a whole number from 1 on"),
        (
            PARAMETER + b"name=x&label=1",
            "label has 1 to 100 letters, digits, dots, dashes and underscores, no digit first",
        ),
        (PARAMETER + b"name=x&withDecryption=", "invalid withDecryption value: true, false, 1 and 0 are allowed"),
        (TREE, "missing parameter path"),
        (TREE + b"path=", "missing parameter path"),
        (TREE + b"path=app", "path is a parameter path: it starts with / and has no empty part, as /app/prod/"),
        (TREE + b"path=/a&recursive=2", "invalid recursive value: true, false, 1 and 0 are allowed"),
        (
            TREE + b"path=/a&failedVersionId=1",
            "unknown parameter: failedVersionId; allowed: path, recursive, withDecryption, roleArn, region, refreshNow",
        ),
        (b"/value", "/value takes one ref"),
        (b"/value?ref=ssm://a&ref=ssm://b", "/value takes one ref"),
        (b"/value?ref=", "a reference starts with one of secretsmanager://, ssm://, ssm-path://"),
        (b"/value?ref=ssm://a%2525zz", None),
        (b"/value?ref=ssm://a%25zz", "a reference has a % that no two hex digits of UTF-8 follow"),
        (b"/values?", VALUES),
        (b"/values?" + b"ref=ssm://a&" * 101, VALUES),
        (b"/values?" + b"ref=ssm://a&" * 100, None),
        (b"/values?ref=ssm://a&x=1", "unknown parameter: x; allowed: ref, refreshNow, failedVersionId"),
        (b"/values?ref=ssm://a&refreshNow=1&refreshNow=0", "parameter given twice: refreshNow"),
        (b"/ping?x=1", "unknown parameter: x; there is none here"),
        (b"/status?verbose", "unknown parameter: verbose; there is none here"),
    ],
)
def test_says_what_is_wrong(target: bytes, words: str | None) -> None:
    """The agent's phrases where it has some, and always what is allowed."""
    assert wrong(target) == (None if words is None else (400, words))


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/secretsmanager",
        b"/secretsmanager/get/x",
        b"/v1",
        b"/v2/x",
        b"/value/",
        b"/PING",
        b"/ping/",
        b"//ping",
        b"/%70ing",
        b"/status/",
    ],
)
def test_says_what_there_is(target: bytes) -> None:
    """404 lists the routes."""
    status, words = wrong(target) or (0, "")
    assert status == 404
    assert words.startswith("Not found: there is /secretsmanager/get, ")


def wrong(target: bytes) -> tuple[int, str] | None:
    """Return status and words of a refusal."""
    try:
        route(target, "extension")
    except RequestError as error:
        return error.status, error.message
    return None


TARGETS = st.sampled_from(
    [b"/", SECRET, PARAMETER, TREE, b"/v1/", b"/value?ref=", b"/values?ref=ssm:%2f%2f", b"/status?"]
)


@given(TARGETS, st.binary(max_size=60) | st.text(alphabet="&=%:/.-0aé#", max_size=60).map(str.encode))
def test_no_target_is_more_than_a_client_error(start: bytes, rest: bytes) -> None:
    """Any bytes are routed or refused with a 4xx."""
    status, _ = wrong(start + rest) or (400, "")
    assert status in (400, 404)


@pytest.mark.parametrize(
    "start", [SECRET, PARAMETER + b"name=x&version=", TREE + b"path=", b"/value?ref=", b"/v1/%", b"/"]
)
def test_no_refusal_repeats_a_value(start: bytes) -> None:
    """What stands in the wrong place could be a secret."""
    assert PLANTED not in str(wrong(start + PLANTED.encode()))
