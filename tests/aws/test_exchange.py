"""One signed call: attempts, clock, credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.aws.endpoints import EndpointSettings
from extension.aws.exchange import Call, Exchange
from extension.aws.retry import Retry
from extension.core.errors import Refused, Stopping, Throttled, TimedOut, Unavailable, Unreachable, UpstreamError
from tests.servers.clock import Clock
from tests.servers.keys import Keys, key
from tests.servers.scripted import ScriptedServer, hang_up, reply

if TYPE_CHECKING:
    from extension.aws.signing import Credentials
    from extension.upstream.transport import Transport

CALL = Call(service="ssm", region="eu-west-1", headers=(("X-Amz-Target", "T"),), body=b'{"a":1}', about="ssm:///app")
DONE = reply(b'{"done":true}')
THROTTLED = reply(b'{"__type":"ThrottlingException"}', "400 Bad Request")
DOWN = reply(b"", "503 Service Unavailable")
DENIED = reply(b'{"__type":"AccessDeniedException","message":"no"}', "400 Bad Request")
PAGE = reply(b"<html>Blocked</html>", "403 Forbidden")
EXPIRED = reply(b'{"__type":"ExpiredTokenException"}', "400 Bad Request")
SKEWED = reply(b'{"__type":"InvalidSignatureException"}', "400 Bad Request", Date="Fri, 15 Jan 2027 09:00:00 GMT")
SERVER_TIME = "20270115T090000Z"


def dates(aws: ScriptedServer) -> list[str]:
    """Return the times that the requests were signed with."""
    return [request.headers["x-amz-date"] for request in aws.requests]


def signers(aws: ScriptedServer) -> list[str]:
    """Return the access keys that the requests were signed with."""
    return [request.headers["authorization"].partition("Credential=")[2].partition("/")[0] for request in aws.requests]


def test_a_call_is_signed_and_answered(aws: ScriptedServer, exchange: Exchange) -> None:
    """Headers, body and signature arrive, and the response comes back."""
    aws.steps = [DONE]

    response = exchange.perform(CALL, Keys(key(1)), 10)

    request = aws.requests[0]
    assert response.body == b'{"done":true}'
    assert request.head.startswith("POST / HTTP/1.1\r\n")
    assert request.body == b'{"a":1}'
    assert request.headers["host"] == f"127.0.0.1:{aws.port}"
    assert request.headers["user-agent"] == "sidekey"
    assert request.headers["x-amz-security-token"] == "planted-token-1"
    assert "Credential=AKIA1/20270115/eu-west-1/ssm/aws4_request" in request.headers["authorization"]


def test_what_passes_by_itself_is_tried_again(aws: ScriptedServer, exchange: Exchange, pauses: list[float]) -> None:
    """Throttled, down and hung up on: the fourth attempt counts."""
    aws.steps = [THROTTLED, reply(b"", "503 Service Unavailable", Connection="close"), hang_up, DONE]

    assert exchange.perform(CALL, Keys(key(1)), 10).status == 200
    assert pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("step", "kind"),
    [(THROTTLED, Throttled), (DOWN, Unavailable), (hang_up, Unreachable), (PAGE, Unreachable), (DENIED, Refused)],
)
def test_what_stays_is_told(aws: ScriptedServer, exchange: Exchange, step: bytes, kind: type[UpstreamError]) -> None:
    """The last error is the one that the caller gets."""
    aws.steps = [step]

    with pytest.raises(kind):
        exchange.perform(CALL, Keys(key(1)), 60)


def test_a_failed_connection_names_what_was_asked_for(aws: ScriptedServer, exchange: Exchange) -> None:
    """Reference and host both stand in the message."""
    aws.steps = [hang_up]

    with pytest.raises(Unreachable, match=r"^ssm:///app: no usable answer from 127\.0\.0\.1:"):
        exchange.perform(CALL, Keys(key(1)), 60)


def test_a_refusal_is_asked_for_once(aws: ScriptedServer, exchange: Exchange) -> None:
    """What AWS refuses is refused, and names what was asked for."""
    aws.steps = [DENIED]

    with pytest.raises(Refused, match="ssm:///app: no; allow it"):
        exchange.perform(CALL, Keys(key(1)), 10)
    assert len(aws.requests) == 1


def test_retry_after_is_honoured(aws: ScriptedServer, exchange: Exchange, pauses: list[float]) -> None:
    """The service's own word is waited for."""
    aws.steps = [reply(b"", "429 Too Many Requests", Retry_After="4"), DONE]

    exchange.perform(CALL, Keys(key(1)), 60)

    assert pauses == [4.5]


def test_a_wrong_clock_is_set_by_the_service(aws: ScriptedServer, exchange: Exchange, wall: Clock) -> None:
    """After a thaw our clock may be off: the service's date is taken, for this call and those after it."""
    aws.steps = [SKEWED, DONE]

    exchange.perform(CALL, Keys(key(1)), 10)
    wall.now += 1
    exchange.perform(CALL, Keys(key(1)), 10)

    assert dates(aws) == ["20270115T080000Z", SERVER_TIME, "20270115T090001Z"]


@pytest.mark.parametrize(
    "date", ["Fri, 15 Jan 2027 08:00:10 GMT", "yesterday"], ids=["a clock that is right", "no date at all"]
)
def test_a_bad_signature_with_a_right_clock_is_final(aws: ScriptedServer, exchange: Exchange, date: str) -> None:
    """Where the clock is not the reason, the refusal is told at once."""
    aws.steps = [reply(b'{"__type":"InvalidSignatureException"}', "400 Bad Request", Date=date)]

    with pytest.raises(Refused, match="check the credentials and the clock"):
        exchange.perform(CALL, Keys(key(1)), 10)
    assert len(aws.requests) == 1


def test_the_clock_is_set_once_per_call(aws: ScriptedServer, exchange: Exchange) -> None:
    """A service whose time jumps about does not keep us."""
    elsewhere = SKEWED.replace(b"09:00:00", b"15:00:00")
    aws.steps = [SKEWED, elsewhere]

    with pytest.raises(Refused):
        exchange.perform(CALL, Keys(key(1)), 10)
    assert len(aws.requests) == 2


def test_expired_credentials_are_renewed_once(aws: ScriptedServer, exchange: Exchange) -> None:
    """Newer credentials are asked for, and tried if they differ."""
    aws.steps = [EXPIRED, DONE]
    keys = Keys(key(1), key(2))

    exchange.perform(CALL, keys, 10)

    assert signers(aws) == ["AKIA1", "AKIA2"]
    assert keys.refused == [key(1)]


@pytest.mark.parametrize(("numbers", "tried"), [((1,), ["AKIA1"]), ((1, 2, 3), ["AKIA1", "AKIA2"])])
def test_credentials_that_stay_bad_are_told(
    aws: ScriptedServer, exchange: Exchange, numbers: tuple[int, ...], tried: list[str]
) -> None:
    """The same credentials are not tried twice, and not more than one renewal."""
    aws.steps = [EXPIRED]

    with pytest.raises(Refused, match="the credentials were not accepted"):
        exchange.perform(CALL, Keys(*map(key, numbers)), 10)
    assert signers(aws) == tried


def test_clock_and_credentials_may_both_be_wrong(aws: ScriptedServer, exchange: Exchange) -> None:
    """After a thaw both can be: each is set right once."""
    aws.steps = [SKEWED, EXPIRED, DONE]

    assert exchange.perform(CALL, Keys(key(1), key(2)), 10).status == 200


class Broken(Keys):
    """A provider whose source fails: at once, or where the first credentials are refused."""

    def __init__(self, error: UpstreamError, *credentials: Credentials) -> None:
        """Take the error, and what is given before it."""
        super().__init__(*credentials)
        self._error = error

    def get(self, timeout_seconds: float = 0.0) -> Credentials:
        """Return the first credentials, if there are any."""
        return super().get(timeout_seconds) if self._credentials else self.renew(key(0))

    def renew(self, _refused: Credentials, _timeout_seconds: float = 0.0) -> Credentials:
        """Fail."""
        raise self._error


@pytest.mark.parametrize("given", [(), (key(1),)], ids=["at first", "anew"])
@pytest.mark.parametrize("error", [Unreachable("endpoint: no connection"), TimedOut("late"), Refused("may not assume")])
def test_who_gives_no_credentials_is_told_from_the_service(
    aws: ScriptedServer, exchange: Exchange, error: UpstreamError, given: tuple[Credentials, ...]
) -> None:
    """Kind, code and message are the provider's, and the error says that the service is not meant."""
    aws.steps = [EXPIRED]

    with pytest.raises(type(error)) as caught:
        exchange.perform(CALL, Broken(error, *given), 10)
    assert caught.value is error
    assert error.about_credentials


@pytest.mark.parametrize("step", [DOWN, hang_up, DENIED])
def test_what_the_service_says_is_about_the_service(aws: ScriptedServer, exchange: Exchange, step: bytes) -> None:
    """Credentials were there, and it was asked."""
    aws.steps = [step]

    with pytest.raises(UpstreamError) as caught:
        exchange.perform(CALL, Keys(key(1)), 10)
    assert not caught.value.about_credentials


def exchange_by(retry: Retry, aws: ScriptedServer, transport: Transport) -> Exchange:
    """Return an exchange with a patience of its own."""
    endpoints, _ = EndpointSettings.from_env({"AWS_ENDPOINT_URL": aws.url})
    return Exchange(transport, endpoints, retry, Clock())


def test_no_time_left_is_a_timeout(aws: ScriptedServer, transport: Transport) -> None:
    """When the time is over before an attempt, the message names what was asked for and how long it took."""
    retry = Retry(monotonic=Clock(step=6.0), chance=lambda: 1.0, wait=lambda _seconds: None)

    with pytest.raises(TimedOut, match="ssm:///app: no answer within 5 s"):
        exchange_by(retry, aws, transport).perform(CALL, Keys(key(1)), 5)
    assert aws.requests == []


def test_shutdown_ends_the_attempts(aws: ScriptedServer, transport: Transport) -> None:
    """The wait between attempts is where a shutdown takes hold."""

    def stopping(_seconds: float) -> None:
        message = "shutting down"
        raise Stopping(message)

    aws.steps = [DOWN]
    retry = Retry(monotonic=Clock(), chance=lambda: 1.0, wait=stopping)

    with pytest.raises(Stopping):
        exchange_by(retry, aws, transport).perform(CALL, Keys(key(1)), 10)


@pytest.mark.parametrize("step", [THROTTLED, DOWN, hang_up, DENIED, EXPIRED, SKEWED])
def test_no_error_holds_a_credential(aws: ScriptedServer, exchange: Exchange, step: bytes) -> None:
    """Neither message nor causes show key, token or signature."""
    aws.steps = [step]

    with pytest.raises(UpstreamError) as caught:
        exchange.perform(CALL, Keys(key(1)), 10)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert "planted" not in shown
    assert "Signature=" not in shown
