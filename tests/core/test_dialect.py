"""Dialects: the bytes that clients of AWS's extension and of its agent know, and errors as both give them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core import dialect
from extension.core.errors import Refused, RequestError, SidekeyError, Throttled, Unreachable
from extension.core.model import Parameter, ParameterTree, Secret, Sensitive
from extension.core.reference import Reference, parse_reference
from extension.core.routes import Operation
from tests.samples import PLANTED, entry, parameter, parameter_query, secret, secret_query

SECRET = Secret(
    arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:dummy-string-secret-MFUBmH",
    name="dummy-string-secret",
    version_id="b1c367b9-7f53-4a47-82c4-be51a054b953",
    stages=("AWSCURRENT",),
    created_at=1668586960.499,
    text=Sensitive("an-insecure-string-secret-value"),
)
BINARY = SECRET.replace(text=None, binary=Sensitive("YSBzdHJpbmcgc2VjcmV0"), stages=("AWSPREVIOUS", "mine"))
PARAMETER = Parameter(
    arn="arn:aws:ssm:us-east-1:123456789012:parameter/lambda-ext-test-param/dummy-string",
    name="/lambda-ext-test-param/dummy-string",
    type="String",
    value=Sensitive("my-string-param-value"),
    version=1,
    modified_at=1668586960.362,
)
REFERENCED = PARAMETER.replace(
    arn=SECRET.arn,
    data_type=None,
    name="/aws/reference/secretsmanager/dummy-string-secret",
    source_result=Sensitive('{"secretString":"x"}'),
    type="SecureString",
    version=0,
)


def operation(kind: str, *texts: str, shape: str = "extension") -> Operation:
    """Return an operation on references."""
    return Operation(kind=kind, references=tuple(map(parse_reference, texts)), shape=shape)  # type: ignore[arg-type]


READ = operation("secret", "secretsmanager://x")
READ_PARAMETER = operation("parameter", "ssm:///x")
AGENT = operation("secret", "secretsmanager://x", shape="agent")


def body(asked: Operation, value: object) -> str:
    """Return the body of a miss."""
    return dialect.success(asked, entry(value=value), "miss", None).body.decode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            SECRET,
            (
                '{"ARN":"arn:aws:secretsmanager:us-east-1:123456789012:secret:dummy-string-secret-MFUBmH",'
                '"CreatedDate":"2022-11-16T08:22:40.499Z","Name":"dummy-string-secret","SecretBinary":null,'
                '"SecretString":"an-insecure-string-secret-value","VersionId":"b1c367b9-7f53-4a47-82c4-be51a054b953",'
                '"VersionStages":["AWSCURRENT"],"ResultMetadata":{}}'
            ),
        ),
        (
            BINARY,
            (
                '{"ARN":"arn:aws:secretsmanager:us-east-1:123456789012:secret:dummy-string-secret-MFUBmH",'
                '"CreatedDate":"2022-11-16T08:22:40.499Z","Name":"dummy-string-secret",'
                '"SecretBinary":"YSBzdHJpbmcgc2VjcmV0","SecretString":null,'
                '"VersionId":"b1c367b9-7f53-4a47-82c4-be51a054b953","VersionStages":["AWSPREVIOUS","mine"],'
                '"ResultMetadata":{}}'
            ),
        ),
        (
            SECRET.replace(arn="a", name="n", version_id="v", created_at=None, stages=(), text=Sensitive("")),
            (
                '{"ARN":"a","CreatedDate":null,"Name":"n","SecretBinary":null,"SecretString":"","VersionId":"v",'
                '"VersionStages":[],"ResultMetadata":{}}'
            ),
        ),
    ],
)
def test_a_secret_as_the_extension_shows_it(value: Secret, expected: str) -> None:
    """Every key present, absent ones null, no blanks, milliseconds and Z."""
    assert body(READ, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            PARAMETER,
            (
                '{"Parameter":{"ARN":"arn:aws:ssm:us-east-1:123456789012:parameter/lambda-ext-test-param/dummy-string",'
                '"DataType":"text","LastModifiedDate":"2022-11-16T08:22:40.362Z",'
                '"Name":"/lambda-ext-test-param/dummy-string","Selector":null,"SourceResult":null,"Type":"String",'
                '"Value":"my-string-param-value","Version":1},"ResultMetadata":{}}'
            ),
        ),
        (
            PARAMETER.replace(arn="a", name="n", selector=":Dev", modified_at=None),
            (
                '{"Parameter":{"ARN":"a","DataType":"text","LastModifiedDate":null,"Name":"n","Selector":":Dev",'
                '"SourceResult":null,"Type":"String","Value":"my-string-param-value","Version":1},"ResultMetadata":{}}'
            ),
        ),
        (
            REFERENCED.replace(modified_at=None),
            (
                '{"Parameter":{"ARN":"arn:aws:secretsmanager:us-east-1:123456789012:secret:dummy-string-secret-MFUBmH",'
                '"DataType":null,"LastModifiedDate":null,"Name":"/aws/reference/secretsmanager/dummy-string-secret",'
                '"Selector":null,"SourceResult":"{\\"secretString\\":\\"x\\"}","Type":"SecureString",'
                '"Value":"my-string-param-value","Version":0},"ResultMetadata":{}}'
            ),
        ),
    ],
)
def test_a_parameter_as_the_extension_shows_it(value: Parameter, expected: str) -> None:
    """ARN and name without the selector, a reference's source as a JSON text."""
    assert body(READ_PARAMETER, value) == expected


@pytest.mark.parametrize(
    ("created_at", "shown"),
    [
        (1569534789.046, ',"CreatedDate":"1569534789.046"'),
        (1569534789.0, ',"CreatedDate":"1569534789"'),
        (1569534780.5, ',"CreatedDate":"1569534780.5"'),
        (1500000000, ',"CreatedDate":"1500000000"'),
        (None, ""),
    ],
)
def test_a_secret_as_the_agent_shows_it(created_at: float | None, shown: str) -> None:
    """The agent's order, the date a text of epoch seconds, what is absent omitted."""
    value = SECRET.replace(arn="a", created_at=created_at)
    assert body(AGENT, value) == (
        '{"ARN":"a","Name":"dummy-string-secret","VersionId":"b1c367b9-7f53-4a47-82c4-be51a054b953",'
        '"SecretString":"an-insecure-string-secret-value","VersionStages":["AWSCURRENT"]' + shown + "}"
    )


def test_a_binary_secret_as_the_agent_shows_it() -> None:
    """SecretBinary in the place of SecretString."""
    assert body(AGENT, BINARY.replace(arn="a", created_at=None)) == (
        '{"ARN":"a","Name":"dummy-string-secret","VersionId":"b1c367b9-7f53-4a47-82c4-be51a054b953",'
        '"SecretBinary":"YSBzdHJpbmcgc2VjcmV0","VersionStages":["AWSPREVIOUS","mine"]}'
    )


def test_a_tree_is_a_list_of_parameters() -> None:
    """As GetParametersByPath names it."""
    shown = json.loads(body(operation("tree", "ssm-path:///x"), ParameterTree(parameters=(PARAMETER, PARAMETER))))
    assert shown == {"Parameters": [dialect.parameter(PARAMETER)] * 2}


@given(st.text(st.characters()))
def test_any_text_travels_in_json(text: str) -> None:
    """Quotes, controls, line separators, lone surrogates: a JSON reader gets back what was stored."""
    assert json.loads(body(READ, SECRET.replace(text=Sensitive(text))))["SecretString"] == text


DOCUMENT = SECRET.replace(
    text=Sensitive('{"user":"ü","n":5,"o":{"a.b":[true,null]},"a.b":"dotted","a":{"b":"deep"},"l":[10,[20]],"":"e"}')
)
TREE = b'{"/lambda-ext-test-param/dummy-string":"my-string-param-value"}'


@pytest.mark.parametrize(
    ("reference", "value", "expected", "content_type"),
    [
        ("secretsmanager://x", SECRET, b"an-insecure-string-secret-value", dialect.TEXT),
        ("secretsmanager://x", SECRET.replace(text=Sensitive("")), b"", dialect.TEXT),
        ("secretsmanager://x", SECRET.replace(text=Sensitive("\ud800ü")), b"\\ud800\xc3\xbc", dialect.TEXT),
        ("secretsmanager://x", SECRET.replace(text=None), b"", dialect.TEXT),
        ("secretsmanager://x", BINARY, b"a string secret", dialect.OCTETS),
        ("ssm:///x", PARAMETER, b"my-string-param-value", dialect.TEXT),
        ("ssm-path:///x", ParameterTree(parameters=(PARAMETER,)), TREE, dialect.JSON),
        ("secretsmanager://x#user", DOCUMENT, "ü".encode(), dialect.TEXT),
        ("secretsmanager://x#n", DOCUMENT, b"5", dialect.TEXT),
        ("secretsmanager://x#o", DOCUMENT, b'{"a.b":[true,null]}', dialect.TEXT),
        ("secretsmanager://x#a.b", DOCUMENT, b"dotted", dialect.TEXT),
        ("secretsmanager://x#l.0", DOCUMENT, b"10", dialect.TEXT),
        ("secretsmanager://x#l.1.0", DOCUMENT, b"20", dialect.TEXT),
        ("ssm:///x#k", PARAMETER.replace(value=Sensitive('{"k":null}')), b"null", dialect.TEXT),
    ],
)
def test_a_bare_value(reference: str, value: object, expected: bytes, content_type: str) -> None:
    """The text itself, octets for binary, a JSON key's value, a tree as an object."""
    response = dialect.success(operation("value", reference), entry(value=value), "miss", None)  # type: ignore[arg-type]
    assert (response.body, response.content_type) == (expected, content_type)


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("k", "no json", "NotJson"),
        ("k", "", "NotJson"),
        ("k", "[" * 100_000, "NotJson"),
        ("k", "{}", "NoSuchKey"),
        ("k", "5", "NoSuchKey"),
        ("k", '"k"', "NoSuchKey"),
        ("l.2", '{"l":[1,2]}', "NoSuchKey"),
        ("l.-1", '{"l":[1,2]}', "NoSuchKey"),
        ("l.00", '{"l":[1,2]}', "NoSuchKey"),
        ("l.²", '{"l":[1,2,3]}', "NoSuchKey"),
        ("l.\u0661", '{"l":[1,2,3]}', "NoSuchKey"),
        ("l." + "1" * 5000, '{"l":[1,2,3]}', "NoSuchKey"),
        ("l.0.x", '{"l":[1,2]}', "NoSuchKey"),
        ("a.", '{"a":{"b":1}}', "NoSuchKey"),
        ("é", '{"e":1}', "NoSuchKey"),
    ],
)
def test_a_key_that_is_not_there(key: str, text: str, code: str) -> None:
    """Always the caller's error, whatever spelling; and the value is not told."""
    reference = parse_reference("secretsmanager://prod/db").replace(json_key=key)
    with pytest.raises(RequestError) as caught:
        dialect.pick(reference, SECRET.replace(text=Sensitive(text)))
    assert caught.value.code == code
    assert caught.value.message.startswith("secretsmanager://prod/db is ")


VALUES = st.recursive(st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.text(), st.text() | VALUES.map(json.dumps))
def test_any_key_of_any_value_is_found_or_refused(key: str, text: str) -> None:
    """No key and no text is a fault of ours; what was refused is not repeated."""
    reference = parse_reference("secretsmanager://x").replace(json_key=key)
    assert refused(reference, PLANTED + text) == "secretsmanager://x is not JSON, so it has no key to pick"
    assert refused(reference, text) in (
        None,
        "secretsmanager://x is not JSON, so it has no key to pick",
        "secretsmanager://x is JSON, but has no such key",
    )


def refused(reference: Reference, text: str) -> str | None:
    """Return the refusal's words, or None where something was found."""
    try:
        dialect.pick(reference, SECRET.replace(text=Sensitive(text)))
    except RequestError as error:
        return error.message
    return None


def headers(state: str, reason: str | None) -> tuple[tuple[str, str], ...]:
    """Return the marks of an answer."""
    return dialect.success(READ, entry(fetched_at=1668586960.499), state, reason).headers


@pytest.mark.parametrize(("state", "reason"), [("hit", None), ("miss", None), ("refreshed", None), ("stale", "Why")])
def test_every_value_says_how_it_came(state: str, reason: str | None) -> None:
    """State and time of the fetch; a stale one its reason."""
    marks = [("X-Sidekey-Cache", state), ("X-Sidekey-Fetched-At", "2022-11-16T08:22:40.499Z")]
    assert headers(state, reason) == (*marks, *([("X-Sidekey-Stale-Reason", reason)] if reason else []))


def test_a_reference_to_octets_has_no_text() -> None:
    """AWS's extension shows null; as a bare value it would be an empty secret, so it is refused."""
    octets = REFERENCED.replace(value=None)
    assert '"Value":null' in body(READ_PARAMETER, octets)
    with pytest.raises(RequestError, match="refers to a binary secret"):
        dialect.pick(parse_reference("ssm:///x"), octets)


def test_a_hits_answer_may_be_given_again() -> None:
    """It leases the entry, so that it may be sent again."""
    one = entry()
    assert dialect.success(READ, one, "hit", None).lease is one


@pytest.mark.parametrize("state", ["miss", "refreshed", "stale"])
def test_other_answers_are_not(state: str) -> None:
    """They are true once."""
    one = entry()
    assert dialect.success(READ, one, state, None).lease is None


def test_what_left_the_cache_is_not_given_again() -> None:
    """Its value would live on in the bytes."""
    one = entry()
    one.current = False
    assert dialect.success(READ, one, "hit", None).lease is None


@pytest.mark.parametrize(
    ("error", "status", "code", "extra"),
    [
        (Refused("denied", code="Denied"), 400, "Denied", ()),
        (Unreachable("denied"), 502, "ConnectionError", ()),
        (Throttled("denied"), 429, "ThrottlingException", (("Retry-After", "1"),)),
        (Throttled("denied", retry_after_seconds=0.0), 429, "ThrottlingException", (("Retry-After", "1"),)),
        (Throttled("denied", retry_after_seconds=7.6), 429, "ThrottlingException", (("Retry-After", "8"),)),
        (RequestError("denied: GET and HEAD", status=405), 405, "InvalidRequest", (("Allow", "GET, HEAD"),)),
        (RequestError("denied: GET", status=405), 405, "InvalidRequest", (("Allow", "GET"),)),
    ],
)
def test_an_error_has_its_true_status(
    error: SidekeyError, status: int, code: str, extra: tuple[tuple[str, str], ...]
) -> None:
    """`__type` and message, and the header that belongs to the status."""
    response = dialect.failure(error)
    assert (response.status, response.headers) == (status, extra)
    assert response.body.decode() == f'{{"__type":"{code}","message":"{error.message}"}}'


def test_several_values_and_errors_by_reference() -> None:
    """In the order of the request, each under the text it was asked by."""
    asked = operation("values", "ssm:///b", "ssm:///a", "ssm:///c")
    response = dialect.several(
        asked,
        {"ssm:///a": "1", "ssm:///b": {"k": 2}},
        {"ssm:///c": Refused("no", code="Gone")},
        dialect.marks("stale", 1668586960.499, "TimeoutError"),
    )
    assert response.body == (
        b'{"values":{"ssm:///b":{"k":2},"ssm:///a":"1"},"errors":{"ssm:///c":{"__type":"Gone","message":"no"}}}'
    )
    assert response.headers == (
        ("X-Sidekey-Cache", "stale"),
        ("X-Sidekey-Fetched-At", "2022-11-16T08:22:40.499Z"),
        ("X-Sidekey-Stale-Reason", "TimeoutError"),
    )


def test_a_read_that_failed_says_how_it_came() -> None:
    """A remembered failure is a hit, too."""
    assert dialect.failure(Refused("no"), "hit").headers == (("X-Sidekey-Cache", "hit"),)


def test_a_short_text() -> None:
    """For `/ping` and `/ready`."""
    response = dialect.plain("missing: é", 503)
    assert (response.status, response.body.decode(), response.content_type) == (503, "missing: é", dialect.TEXT)


@pytest.mark.parametrize("value", [secret(), secret(text=None, binary=Sensitive("aHVudGVy")), parameter()])
def test_a_response_does_not_show_its_body(value: object) -> None:
    """Its repr is its status, and its headers hold nothing of the value."""
    query = secret_query() if isinstance(value, Secret) else parameter_query()
    response = dialect.success(READ, entry(query, value), "hit", None)  # type: ignore[arg-type]
    assert repr(response) == "<Response 200>"
    assert PLANTED not in str(response.headers)
