"""What can go wrong, and what HTTP says of it.

    SidekeyError
    ├── SettingsError        the configuration: every problem at once
    ├── RequestError         the caller's request (4xx)
    └── UpstreamError        the service behind us
        ├── Refused          its 4xx: final, never answered stale
        └── Transient        may pass by itself, so a stale value may stand in
            ├── Throttled    429, with `retry_after_seconds` where the service said so
            ├── Unavailable  its 5xx (500, 503), answered as 502
            ├── Unreachable  no connection, TLS, DNS or broken answer: 502
            ├── TimedOut     504
            └── Stopping     we are shutting down: 503

Law: `code` is what clients find in `__type`, `message` is for people: what happened, to which reference, what to do.
Neither ever holds a secret value or a token.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class SidekeyError(Exception):
    """Root of all; `status` is the HTTP status that the function sees."""

    status = 500
    code = "InternalFailure"

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        """Keep the sentence; `code` and `status` override those of the class."""
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status


class SettingsError(SidekeyError):
    """The settings cannot be used; `problems` has one sentence for each."""

    code = "InvalidSettings"

    def __init__(self, problems: Iterable[str]) -> None:
        """Join the sentences into one message."""
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class RequestError(SidekeyError):
    """The caller's request is at fault."""

    status = 400
    code = "InvalidRequest"


class UpstreamError(SidekeyError):
    """A service did not give what was asked.

    `about_credentials`: it was not even asked, for there was nothing to sign with; so this says nothing of the service.
    """

    status = 502
    transient = False
    about_credentials = False

    def copy(self) -> UpstreamError:
        """Return the same without the frames it came through: to be kept, or raised in another thread."""
        other = type(self)(self.message)
        other.__dict__.update(self.__dict__)
        return other


class Refused(UpstreamError):  # noqa: N818 (what it says, not that it is an error)
    """The service said no (4xx): gone, denied, invalid. Final, and never covered by a stale value."""

    status = 400


class Transient(UpstreamError):  # noqa: N818
    """May pass by itself: worth another attempt, and a stale value may stand in."""

    transient = True


class Throttled(Transient):
    """Too many calls; `retry_after_seconds` is the service's own word, if it gave one."""

    status = 429
    code = "ThrottlingException"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, code: str | None = None) -> None:
        """Keep the sentence and the wait that the service asked for."""
        super().__init__(message, code=code)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(Transient):
    """The service answered with a 5xx."""

    code = "InternalServiceError"


class Unreachable(Transient):
    """No usable answer: DNS, connect, TLS, reset, or a broken response."""

    code = "ConnectionError"


class TimedOut(Transient):
    """No answer in time."""

    status = 504
    code = "TimeoutError"


class Stopping(Transient):
    """The extension is shutting down."""

    status = 503
    code = "ShuttingDown"
