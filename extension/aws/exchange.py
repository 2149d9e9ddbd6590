"""One signed call: sent, tried again while that can help, and set right once where clock or credentials were wrong.

Law: a clock that is off is learned from the service's own `Date` and never from anybody else; expired credentials are
renewed once per call, and only different ones are tried.
"""

from __future__ import annotations

from extension.aws.endpoints import resolve
from extension.aws.faults import CLOCK_CODES, CREDENTIAL_CODES, fault
from extension.aws.signing import Scope, amz_date, sign
from extension.core.errors import Transient, UpstreamError
from extension.core.instant import http_date
from extension.core.record import Record
from extension.upstream.http1 import request_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from extension.aws.endpoints import Endpoint, EndpointSettings
    from extension.aws.retry import Deadline, Retry
    from extension.aws.signing import Credentials
    from extension.upstream.http1 import Response
    from extension.upstream.origin import Origin

    class Provider(Protocol):
        """Where credentials come from."""

        def get(self, timeout_seconds: float) -> Credentials:
            """Return credentials that are good now."""

        def renew(self, refused: Credentials, timeout_seconds: float) -> Credentials:
            """Return newer credentials than `refused`, or the same where there are none."""

    class Sender(Protocol):
        """What sends request bytes: the transport."""

        def send(self, origin: Origin, request: bytes, *, attempt_seconds: float) -> Response:
            """Return the response."""


_OK = 200
_USER_AGENT = ("User-Agent", "sidekey")
"""For CloudTrail; not signed, for proxies may change it."""

_SKEW_SECONDS = 30.0
"""A clock that is off by less than this is not why a signature failed."""


class Call(Record):
    """A POST to a service; `about` names it in messages, `attempts` may be fewer than usual.

    `hasty`: only what is throttled is tried again.
    """

    service: str
    region: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    about: str
    attempts: int | None = None
    hasty: bool = False


class Exchange:
    """Sends calls, signed with whatever credentials they come with, for any number of threads."""

    def __init__(self, sender: Sender, endpoints: EndpointSettings, retry: Retry, wall: Callable[[], float]) -> None:
        """Take the wall clock that signatures are dated with; its error is learned on the way."""
        self._sender = sender
        self._endpoints = endpoints
        self._retry = retry
        self._wall = wall
        self._clock_error_seconds = 0.0

    def perform(self, call: Call, provider: Provider, timeout_seconds: float | None) -> Response:
        """Return the response of a success; an UpstreamError within the timeout otherwise."""
        deadline = self.deadline(timeout_seconds)
        endpoint = resolve(call.service, call.region, self._endpoints)
        attempt = _Attempt(self, call, endpoint, provider, deadline)
        return self._retry.run(deadline, attempt.make, call.attempts, hasty=call.hasty)

    def deadline(self, timeout_seconds: float | None) -> Deadline:
        """Start a deadline; 0 or None means the one for all calls."""
        return self._retry.deadline(timeout_seconds)

    def send(self, call: Call, endpoint: Endpoint, credentials: Credentials, deadline: Deadline) -> Response:
        """Sign and send once."""
        seconds = deadline.attempt(self._retry.attempt_seconds, call.about)
        headers = {"Host": endpoint.origin.authority, **dict(call.headers)}
        scope = Scope(region=call.region, service=call.service)
        date = amz_date(self._wall() + self._clock_error_seconds)
        signed = sign("POST", endpoint.path, headers, call.body, credentials, scope, date)
        request = request_bytes("POST", endpoint.path, (*signed.items(), _USER_AGENT), call.body)
        try:
            return self._sender.send(endpoint.origin, request, attempt_seconds=seconds)
        except Transient as error:
            msg = f"{call.about}: {error.message}"
            raise type(error)(msg, code=error.code) from error

    def fault(self, response: Response, call: Call, credentials: Credentials) -> UpstreamError:
        """Return the error that a response means; it does not repeat what the call was signed with."""
        kept = (credentials.secret_access_key, credentials.session_token)
        hidden = [text.reveal() for text in kept if text is not None]
        return fault(response, call.about, self._wall() + self._clock_error_seconds, hidden)

    def learn_clock(self, response: Response) -> bool:
        """Take the service's time for ours; tell whether that changed much."""
        try:
            error = http_date(response.headers.get("date", "")) - self._wall()
        except ValueError:
            return False
        learned = abs(error - self._clock_error_seconds) > _SKEW_SECONDS
        if learned:
            self._clock_error_seconds = error
        return learned


class _Attempt:
    """The attempts of one call: its credentials, and what has been set right already."""

    def __init__(
        self, exchange: Exchange, call: Call, endpoint: Endpoint, provider: Provider, deadline: Deadline
    ) -> None:
        """Ask for credentials first: a provider has its own way to try again."""
        self._exchange = exchange
        self._call = call
        self._endpoint = endpoint
        self._provider = provider
        self._deadline = deadline
        self._credentials = self._given(provider.get)
        self._remedies = {"clock": CLOCK_CODES, "credentials": CREDENTIAL_CODES}

    def make(self) -> Response:
        """Return the response of a success, if need be after a remedy."""
        response = self._exchange.send(self._call, self._endpoint, self._credentials, self._deadline)
        if response.status == _OK:
            return response
        error = self._exchange.fault(response, self._call, self._credentials)
        if self._remedied(error.code, response):
            return self.make()
        raise error

    def _remedied(self, code: str, response: Response) -> bool:
        """Set right what `code` complains of, each thing once, and tell whether anything changed.

        A renewal that failed was none: as long as it fails, that is what went wrong, and not the refusal before it.
        """
        remedy = next((name for name, codes in self._remedies.items() if code in codes), None)
        if remedy is None:
            return False
        changed = self._exchange.learn_clock(response) if remedy == "clock" else self._renewed()
        del self._remedies[remedy]
        return changed

    def _renewed(self) -> bool:
        refused = self._credentials
        self._credentials = self._given(lambda seconds: self._provider.renew(refused, seconds))
        return self._credentials != refused

    def _given(self, ask: Callable[[float], Credentials]) -> Credentials:
        """Return what the provider gives in the time that is left; where it fails, its error says whose fault it is."""
        seconds = self._deadline.attempt(self._deadline.seconds, self._call.about)
        try:
            return ask(seconds)
        except UpstreamError as error:
            error.about_credentials = True
            raise
