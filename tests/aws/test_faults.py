"""What AWS's answers mean."""

from __future__ import annotations

import pytest

from extension.aws.faults import code_and_message, fault, refusal, retry_after_seconds, tag
from extension.core.errors import Refused, Throttled, Unavailable, Unreachable, UpstreamError
from extension.core.policy import ends_value
from extension.upstream.http1 import Response

NOW = 1_445_412_480.0
"""Wed, 21 Oct 2015 07:28:00 GMT."""

XML = b"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>User: a &amp; b &lt;x&gt; is not authorized</Message></Error></ErrorResponse>"""


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    """Return a response; `retry_after` becomes the header."""
    return Response(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body
    )


def refused(code: str, message: str) -> str:
    """Return the message of a refusal."""
    return refusal(code, message, "ssm:///app").message


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (response(400, b'{"__type":"com.amazonaws#NotFound","message":"gone"}'), ("NotFound", "gone")),
        (response(400, b'{"__type":"NotFound:http://x","Message":"gone"}'), ("NotFound", "gone")),
        (response(400, b'{"code":"NotFound"}'), ("NotFound", "")),
        (response(400, b"{}", x_amzn_errortype="NotFound:http://x"), ("NotFound", "")),
        (response(403, XML), ("AccessDenied", "User: a & b <x> is not authorized")),
        (response(502, b"<html>Bad gateway</html>"), ("HTTP502", "")),
        (response(503, b"\xff"), ("HTTP503", "")),
        (response(400, b"[]"), ("HTTP400", "")),
        (response(403, b'{"code":403,"message":"blocked"}'), ("HTTP403", "blocked")),
        (response(403, b'{"code":"blocked_by_policy"}'), ("HTTP403", "")),
        (response(400, b'{"__type":"Odd\\r\\nX-Odd: 1"}'), ("OddXOdd", "")),
        (response(400, b'{"__type":"' + b"T" * 9999 + b'"}'), ("T" * 100, "")),
    ],
)
def test_code_and_sentence_are_found(answer: Response, expected: tuple[str, str]) -> None:
    """The code comes without its namespace, from JSON, XML or the header; a stranger's page has only its status."""
    assert code_and_message(answer) == expected


@pytest.mark.parametrize(
    ("status", "code", "kind", "transient"),
    [
        (400, "ResourceNotFoundException", Refused, False),
        (400, "AccessDeniedException", Refused, False),
        (400, "DecryptionFailure", Refused, False),
        (400, "ThrottlingException", Throttled, True),
        (400, "RequestLimitExceeded", Throttled, True),
        (429, "Anything", Throttled, True),
        (400, "InternalServiceError", Unavailable, True),
        (500, "InternalFailure", Unavailable, True),
        (503, "", Unavailable, True),
        (400, "", Unreachable, True),
        (403, "", Unreachable, True),
        (407, "", Unreachable, True),
        (302, "", Unreachable, True),
        (204, "", Unreachable, True),
    ],
)
def test_code_and_status_choose_the_error(status: int, code: str, kind: type[UpstreamError], transient: bool) -> None:
    """What may pass by itself is transient, what AWS refuses is final."""
    error = fault(response(status, f'{{"__type":"{code}"}}'.encode()), "ssm:///app", NOW)

    assert (type(error), error.transient) == (kind, transient)


@pytest.mark.parametrize(("status", "seen"), [(400, 400), (404, 400), (403, 403)])
def test_refusals_are_400_but_for_denied_roles(status: int, seen: int) -> None:
    """The function sees 400 for AWS's refusals, and STS's 403."""
    assert fault(response(status, b'{"__type":"Odd"}'), "ssm:///app", NOW).status == seen


def test_a_denied_action_is_named_with_what_to_do() -> None:
    """AWS's sentence names action and resource; ours adds where to allow it."""
    message = refused("AccessDeniedException", "User: arn:x is not authorized to perform: ssm:GetParameter on y.")

    assert message == (
        "ssm:///app: User: arn:x is not authorized to perform: ssm:GetParameter on y; "
        "allow it in the policy of the function's role"
    )


def test_a_denied_key_is_named_with_what_to_do() -> None:
    """Where the key is what is denied, both policies that count are named."""
    said = "User: arn:x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/k"

    assert "key/k; allow kms:Decrypt on that key" in refused("AccessDeniedException", said)


def test_signature_errors_repeat_nothing() -> None:
    """AWS repeats the whole request in these messages, the session token among it; we do not."""
    assert "planted" not in refused("SignatureDoesNotMatch", "The canonical string was x-amz-security-token:planted")
    assert "planted" not in refused("IncompleteSignatureException", "Authorization=planted")


def test_a_sentence_that_repeats_our_credentials_is_not_passed_on() -> None:
    """Whoever stands in between may answer with what was sent."""
    answer = response(400, b'{"__type":"Odd","message":"you sent x-amz-security-token: planted"}')

    assert fault(answer, "ssm:///app", NOW, ["other", "planted"]).message == "ssm:///app: Odd"


def test_a_refusal_without_a_reason_is_not_aws_s() -> None:
    """A page of somebody else's says where to look, and nothing of what was asked for: no value is ended by it."""
    error = fault(response(403, b"<html>Blocked</html>"), "ssm:///app", NOW)

    assert not ends_value(error)
    assert (error.status, error.code) == (502, "ConnectionError")
    assert error.message == (
        "ssm:///app: HTTP403; AWS gives a reason with every refusal, this answer has none; is there a proxy in between?"
    )


def test_a_long_message_with_odd_characters_is_tamed() -> None:
    """A message stays one line of bounded length."""
    message = refused("ValidationException", "a\r\nb\x1b[31m" + "c" * 5000)

    assert len(message) < 1100
    assert message.isprintable()


def test_a_refusal_without_a_sentence_has_its_code() -> None:
    """There is always something to read."""
    assert refused("OddException", "") == "ssm:///app: OddException"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("9999999", None),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """Both forms of RFC 9110 are understood, anything else is no wish."""
    assert retry_after_seconds(response(429, retry_after=text), NOW) == seconds


def test_throttling_carries_the_services_word() -> None:
    """The pause that the service asks for goes with the error."""
    error = fault(response(400, b'{"__type":"ThrottlingException"}', retry_after="7"), "ssm:///app", NOW)

    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 7.0


def test_an_element_that_does_not_end_is_none() -> None:
    """Half an XML answer has no values."""
    assert tag("<Code>Access", "Code") == ""
