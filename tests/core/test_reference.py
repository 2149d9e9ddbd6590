"""References: what each means, and what each wrong one is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.errors import RequestError
from extension.core.model import Query
from extension.core.reference import (
    Reference,
    build_query,
    check_region,
    parse_reference,
    split_references,
)
from tests.samples import PLANTED, secret_arn

ROLE = "arn:aws:iam::123456789012:role/path/reader+=,.@-_"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:111122223333:parameter/app/key"
TO_SECRET = "/aws/reference/secretsmanager/db"


def secret_query(name: str, **changes: Any) -> Query:
    """Return a secret's query without a region."""
    return Query(**{"service": "secretsmanager", "id": name, **changes})


def parameter_query(name: str, **changes: Any) -> Query:
    """Return a parameter's query without a region."""
    return Query(**{"service": "ssm", "id": name, **changes})


@pytest.mark.parametrize(
    ("text", "query", "json_key"),
    [
        ("secretsmanager://prod/db", secret_query("prod/db"), None),
        ("  secretsmanager://prod/db  ", secret_query("prod/db"), None),
        (f"secretsmanager://{secret_arn()}", secret_query(secret_arn()), None),
        ("secretsmanager://a%20b%25", secret_query("a b%"), None),
        ("secretsmanager://db?versionStage=AWSCURRENT", secret_query("db"), None),
        ("secretsmanager://db?versionStage=AWSPREVIOUS", secret_query("db", version_stage="AWSPREVIOUS"), None),
        (
            "secretsmanager://db?versionId=v&versionStage=AWSCURRENT",
            secret_query("db", version_id="v", version_stage="AWSCURRENT"),
            None,
        ),
        ("secretsmanager://db?versionId=v-1#user", secret_query("db", version_id="v-1"), "user"),
        ("secretsmanager://db#a.b%23c", secret_query("db"), "a.b#c"),
        ("secretsmanager://db#what?#now", secret_query("db"), "what?#now"),
        (f"secretsmanager://db?roleArn={ROLE}", secret_query("db", role_arn=ROLE), None),
        ("secretsmanager://db?region=eu-west-1", secret_query("db", regions=("eu-west-1",)), None),
        (
            "secretsmanager://db?region=eu-west-1,us-gov-west-1",
            secret_query("db", regions=("eu-west-1", "us-gov-west-1")),
            None,
        ),
        ("ssm:///app/key", parameter_query("/app/key"), None),
        ("ssm://key", parameter_query("key"), None),
        ("ssm:///app/key:3", parameter_query("/app/key", selector=":3"), None),
        ("ssm:///app/key:Dev", parameter_query("/app/key", selector=":Dev"), None),
        (f"ssm://{TO_SECRET}:0a-1", parameter_query(TO_SECRET, selector=":0a-1"), None),
        ("ssm:///app/key?version=3", parameter_query("/app/key", selector=":3"), None),
        ("ssm:///app/key:3?label=Dev", parameter_query("/app/key", selector=":Dev"), None),
        ("ssm:///k?version=9223372036854775807", parameter_query("/k", selector=":9223372036854775807"), None),
        ("ssm:///app/key?version=1&label=Dev", parameter_query("/app/key", selector=":1"), None),
        ("ssm:///app/key?label=Dev&version=1", parameter_query("/app/key", selector=":Dev"), None),
        ("ssm:///app/key?withDecryption=FALSE#k", parameter_query("/app/key", decrypt=False), "k"),
        ("ssm:///app/key?withDecryption=1", parameter_query("/app/key"), None),
        (f"ssm://{PARAMETER_ARN}", parameter_query(PARAMETER_ARN), None),
        (f"ssm://{PARAMETER_ARN}:7", parameter_query(PARAMETER_ARN, selector=":7"), None),
        ("ssm-path:///app/prod/", Query(service="ssm-path", id="/app/prod/", recursive=True), None),
        (
            "ssm-path:///?recursive=false&withDecryption=0",
            Query(service="ssm-path", id="/", recursive=False, decrypt=False),
            None,
        ),
    ],
)
def test_says_what_it_means(text: str, query: Query, json_key: str | None) -> None:
    """Scheme, id, options and key are read; defaults are those of the interface."""
    assert parse_reference(text) == Reference(text=text.strip(), query=query, json_key=json_key)


SCHEMES = "a reference starts with one of secretsmanager://, ssm://, ssm-path://"
ESCAPES = "a reference has a % that no two hex digits of UTF-8 follow"
KEYS = "after # stands a JSON key (not for ssm-path://)"
SECRET_OPTIONS = "after ? of secretsmanager:// stand versionStage, versionId, roleArn, region, each once as name=value"
VERSION = "version is a whole number from 1 on"
LABEL = "label has 1 to 100 letters, digits, dots, dashes and underscores, no digit first"
COLONS = "name has more colons than a name, an ARN or one of both with :version or :label"
PATH = "path is a parameter path: it starts with / and has no empty part, as /app/prod/"
ROLE_WORDS = "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"
REGION = "region is one region or several with commas, as eu-west-1,eu-central-1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", SCHEMES),
        ("prod/db", SCHEMES),
        ("http://x", SCHEMES),
        ("SSM:///x", SCHEMES),
        ("secretsmanager:/db", SCHEMES),
        ("secretsmanager://", "missing parameter secretId"),
        ("ssm://", "missing parameter name"),
        ("ssm-path://", "missing parameter path"),
        ("secretsmanager://a%2", ESCAPES),
        ("secretsmanager://a%zz", ESCAPES),
        ("secretsmanager://a%ff", ESCAPES),
        ("secretsmanager://a\udcff", ESCAPES),
        ("secretsmanager://a#k%2", ESCAPES),
        ("secretsmanager://a?versionId=%", ESCAPES),
        ("secretsmanager://a#", KEYS),
        ("ssm-path:///a#k", KEYS),
        ("secretsmanager://a?x=1", SECRET_OPTIONS),
        ("secretsmanager://a?versionId", SECRET_OPTIONS),
        ("secretsmanager://a?versionId=1&versionId=2", SECRET_OPTIONS),
        ("secretsmanager://a?", None),
        ("secretsmanager://a?&", SECRET_OPTIONS),
        ("secretsmanager://a?version=1", SECRET_OPTIONS),
        ("secretsmanager://a?versionId=", "missing parameter versionId"),
        ("secretsmanager://a?versionStage=%0a", "versionStage has control characters"),
        ("secretsmanager://a%00", "secretId has control characters"),
        ("secretsmanager://" + "é" * 1025, "secretId is over 2048 bytes"),
        ("secretsmanager://" + "e" * 2048, None),
        ("ssm://a%7f", "name has control characters"),
        ("ssm://:5", "missing parameter name"),
        ("ssm://a:0", VERSION),
        ("ssm://a:", LABEL),
        ("ssm://a:²", VERSION),
        ("ssm://a:é", LABEL),
        ("ssm://a:b:c", COLONS),
        ("ssm://arn:aws:ssm:eu-west-1", COLONS),
        (f"ssm://{PARAMETER_ARN}:1:2", COLONS),
        ("ssm://a?version=", VERSION),
        ("ssm://a?version=-1", VERSION),
        ("ssm://a?version=1.0", VERSION),
        ("ssm://a?version=%D9%A3", VERSION),
        ("ssm://a?version=" + "9" * 20, VERSION),
        ("ssm://a?label=", LABEL),
        ("ssm://a?label=1a", LABEL),
        ("ssm://a?label=a b", LABEL),
        ("ssm://a?label=" + "a" * 101, LABEL),
        ("ssm://a?withDecryption=yes", "invalid withDecryption value: true, false, 1 and 0 are allowed"),
        ("ssm-path:///a?recursive=", "invalid recursive value: true, false, 1 and 0 are allowed"),
        ("ssm-path://app", PATH),
        ("ssm-path:///a//b", PATH),
        ("ssm-path:///a b", PATH),
        ("secretsmanager://a?roleArn=x", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:aws:iam::12345678901:role/r", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:aws:iam::123456789012:role/", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:aws:iam::123456789012:role/a//b", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:aws:iam::123456789012:role/a b", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:aws:iam::123456789012:user/a", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:evil:iam::123456789012:role/a", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:aws1:iam::123456789012:role/a", ROLE_WORDS),
        ("secretsmanager://a?roleArn=arn:aws:sts::123456789012:role/a", ROLE_WORDS),
        ("secretsmanager://a?region=", REGION),
        ("secretsmanager://a?region=eu-west-1,", REGION),
        ("secretsmanager://a?region=evil.example/x-y-z", REGION),
    ],
)
def test_says_what_is_wrong(text: str, words: str | None) -> None:
    """Each mistake has its sentence, and what stands just inside the limits has none."""
    assert wrong(text) == words


def wrong(text: str) -> str | None:
    """Return what is said of a reference."""
    try:
        parse_reference(text)
    except RequestError as error:
        return error.message
    return None


@given(st.text() | st.text(alphabet="secretmangr:/?&#%=,.-0a ", max_size=60).map("secretsmanager://".__add__))
def test_no_text_is_more_than_a_request_error(text: str) -> None:
    """Whatever stands there, it is parsed or refused with a sentence that repeats nothing of it."""
    said = wrong(text + PLANTED)
    assert said is None or PLANTED not in said


@pytest.mark.parametrize(
    "text",
    [f"{PLANTED}://x", f"secretsmanager://x?{PLANTED}=1", f"secretsmanager://{PLANTED}%zz", f"ssm://x:{PLANTED}é"],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(text: str) -> None:
    """The operator sees what is wrong, not what was written."""
    assert PLANTED not in str(wrong(text))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (" , ,", []),
        ("ssm:///a, ssm:///b ,", ["ssm:///a", "ssm:///b"]),
        (
            "secretsmanager://a?region=eu-west-1,eu-central-1,ssm:///b",
            ["secretsmanager://a?region=eu-west-1,eu-central-1", "ssm:///b"],
        ),
        ("ssm:///a,oops,ssm:///b", ["ssm:///a", "oops", "ssm:///b"]),
        ("oops", ["oops"]),
    ],
)
def test_splits_a_list(text: str, parts: list[str]) -> None:
    """Commas part references, but not the regions of one."""
    assert split_references(text) == parts


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "us-gov-west-1", "eu-isoe-west-1", "cn-north-1"])
def test_knows_a_region(region: str) -> None:
    """Names of regions, of every partition."""
    assert check_region(region)


@pytest.mark.parametrize(
    "region",
    [
        "",
        "-",
        "eu-west",
        "EU-WEST-1",
        "eu-west-1-",
        "-eu-west-1",
        "1-2-3",
        "eu--west-1",
        "a.b-c-d",
        "a-b-c@d",
        "é-b-c",
        "a-b-" + "c" * 30,
    ],
)
def test_knows_what_is_no_region(region: str) -> None:
    """What could lead a request to another host is none."""
    assert not check_region(region)


def test_the_endpoints_use_the_same_checks() -> None:
    """Options in a mapping, as the endpoints have them, give the query that a reference gives."""
    query = build_query("ssm", "/a", {"version": "2", "withDecryption": "false", "region": "eu-west-1"})
    assert query == parse_reference("ssm:///a:2?withDecryption=false&region=eu-west-1").query
