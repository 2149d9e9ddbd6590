"""What AWS's refusals mean: from a response that is no success to an error that a person can act on.

Law: pure. AWS's own sentence is kept, for it names the action, the resource and the key; except where it may repeat
the request, as signature errors do with every header, the session token among them. Only AWS refuses: a 4xx without a
code of AWS's is some proxy's, and says no more of what was asked for than a broken connection.
"""

from __future__ import annotations

from extension.core.errors import Refused, Throttled, Unavailable, Unreachable
from extension.core.instant import http_date
from extension.core.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from extension.core.errors import UpstreamError
    from extension.upstream.http1 import Response

CLOCK_CODES = frozenset(
    {"InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed"}
)
"""The signature is not good: our clock may be wrong."""

CREDENTIAL_CODES = frozenset(
    {"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"}
)
"""The credentials are not good: there may be newer ones."""

_THROTTLING = frozenset(
    {
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "TooManyUpdates", "RequestLimitExceeded", "LimitExceededException", "SlowDown",
        "ProvisionedThroughputExceededException", "BandwidthLimitExceeded", "PriorRequestNotComplete",
    }
)  # fmt: skip
_PASSING = frozenset(
    {
        "InternalServiceError", "InternalServerError", "InternalFailure", "InternalError", "ServiceUnavailable",
        "RequestTimeout", "RequestTimeoutException", "IDPCommunicationError",
    }
)  # fmt: skip
_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_ADVICE = {
    "ResourceNotFoundException": "check the name and the region",
    "ParameterNotFound": "check the name, the region, and the version or label",
    "ParameterVersionNotFound": "check the version or label",
    "DecryptionFailure": "check that the KMS key is enabled and that the role may use it (kms:Decrypt)",
    "InvalidKeyId": "check that the KMS key exists, is enabled, and that the role may use it (kms:Decrypt)",
}
_SIGNATURE_ADVICE = "the signature was not accepted; check the credentials and the clock"
_CREDENTIALS_ADVICE = "the credentials were not accepted; they have expired or do not exist"
_BETWEEN = "is there a proxy in between?"
_LONGEST_MESSAGE = 1000
_LONGEST_CODE = 100


def fault(response: Response, about: str, wall_seconds: float, hidden: Iterable[str] = ()) -> UpstreamError:
    """Return the error that a response means; `about` names what was asked for, the wall clock dates `Retry-After`.

    A sentence that repeats any of the `hidden` texts, our credentials, is not passed on.
    """
    code, message = code_and_message(response)
    if any(text in message for text in hidden):
        message = ""
    if response.status < 400:  # noqa: PLR2004 (no success, and no refusal: somebody else's answer)
        return Unreachable(f"{about}: the answer has status {response.status}, which AWS never gives; {_BETWEEN}")
    if code in _THROTTLING or response.status == 429:  # noqa: PLR2004 (Too Many Requests)
        pause = retry_after_seconds(response, wall_seconds)
        return Throttled(f"{about}: AWS throttles the calls ({code})", retry_after_seconds=pause, code=code)
    if code in _PASSING or response.status >= 500:  # noqa: PLR2004
        return Unavailable(f"{about}: AWS answered {response.status} {code}", code=code)
    if code == _unnamed(response):
        return Unreachable(f"{about}: {code}; AWS gives a reason with every refusal, this answer has none; {_BETWEEN}")
    return refusal(code, message, about, status=response.status)


def refusal(code: str, message: str, about: str, *, status: int = 400) -> UpstreamError:
    """Return the error for AWS's code and sentence, as a response or one entry of a batch has them.

    Secrets Manager and Parameter Store refuse with 400, whatever the reason; STS says 403 to a role that is denied.
    """
    if code in _THROTTLING:
        return Throttled(f"{about}: AWS throttles the calls ({code})", code=code)
    if code in _PASSING:
        return Unavailable(f"{about}: {code}", code=code)
    code = "AccessDeniedException" if code in _DENIED else code
    return Refused(f"{about}: {_sentence(code, message)}", code=code, status=403 if status == 403 else 400)  # noqa: PLR2004


def _sentence(code: str, message: str) -> str:
    if code in CLOCK_CODES or "Signature" in code:
        return _SIGNATURE_ADVICE
    if code in CREDENTIAL_CODES:
        return _CREDENTIALS_ADVICE
    said = "".join(character for character in message if character.isprintable())[:_LONGEST_MESSAGE].rstrip(". ")
    advice = _denied_advice(said) if code in _DENIED else _ADVICE.get(code)
    return "; ".join(part for part in (said or code, advice) if part)


def _denied_advice(said: str) -> str:
    if "kms" in said.lower():
        return "allow kms:Decrypt on that key, in the function's role and in the key's own policy"
    return "allow it in the policy of the function's role"


def code_and_message(response: Response) -> tuple[str, str]:
    """Return AWS's error code without its namespace, and its sentence, from JSON, XML or a bare header."""
    code, message = response.headers.get("x-amzn-errortype", ""), ""
    if response.body.lstrip().startswith(b"<"):
        text = response.body.decode("utf-8", "replace")
        code, message = code or tag(text, "Code"), tag(text, "Message")
    else:
        fields = _object(response.body)
        code = code or str(fields.get("__type") or fields.get("code") or "")
        message = str(fields.get("message") or fields.get("Message") or "")
    name = "".join(filter(str.isalnum, code.rpartition("#")[2].partition(":")[0]))[:_LONGEST_CODE]
    return name if name[:1].isupper() else _unnamed(response), message


def _unnamed(response: Response) -> str:
    """Return what stands for the code where there is none of AWS's: those begin with a capital letter."""
    return f"HTTP{response.status}"


def _object(body: bytes) -> dict[str, object]:
    try:
        found = loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def tag(text: str, name: str) -> str:
    """Return the text of the first XML element called `name`, or nothing."""
    _, opened, rest = text.partition(f"<{name}>")
    inner, closed, _ = rest.partition(f"</{name}>")
    if not opened or not closed:
        return ""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        inner = inner.replace(entity, character)
    return inner.strip()


def retry_after_seconds(response: Response, wall_seconds: float) -> float | None:
    """Return what `Retry-After` asks for, be it seconds or a date; None where it says nothing usable."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdigit() and len(text) < 7:  # noqa: PLR2004 (eleven days)
        return float(text)
    try:
        return max(0.0, http_date(text) - wall_seconds)
    except ValueError:
        return None
