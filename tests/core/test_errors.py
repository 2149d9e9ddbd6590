"""The tree of errors: each knows its status, its code, and whether it may pass."""

from __future__ import annotations

import pytest

from extension.core.errors import (
    Refused,
    RequestError,
    SettingsError,
    SidekeyError,
    Stopping,
    Throttled,
    TimedOut,
    Transient,
    Unavailable,
    Unreachable,
    UpstreamError,
)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (SidekeyError, 500, "InternalFailure"),
        (RequestError, 400, "InvalidRequest"),
        (Refused, 400, "InternalFailure"),
        (Throttled, 429, "ThrottlingException"),
        (Unavailable, 502, "InternalServiceError"),
        (Unreachable, 502, "ConnectionError"),
        (TimedOut, 504, "TimeoutError"),
        (Stopping, 503, "ShuttingDown"),
    ],
)
def test_each_knows_what_http_says(kind: type[SidekeyError], status: int, code: str) -> None:
    """Status and code are the class's own."""
    error = kind("a sentence")
    assert (error.status, error.code, error.message, str(error)) == (status, code, "a sentence", "a sentence")


def test_the_service_has_the_last_word() -> None:
    """Code and status of the answer override those of the class, in that one error."""
    error = Refused("denied", code="AccessDeniedException", status=403)
    assert (error.code, error.status) == ("AccessDeniedException", 403)
    assert Refused("other").status == 400


@pytest.mark.parametrize("kind", [Throttled, Unavailable, Unreachable, TimedOut, Stopping])
def test_what_may_pass_is_transient(kind: type[Transient]) -> None:
    """A stale value may stand in for each of these."""
    assert kind("x").transient


@pytest.mark.parametrize("kind", [UpstreamError, Refused])
def test_what_is_final_is_not(kind: type[UpstreamError]) -> None:
    """And for none of these."""
    assert not kind("x").transient


def test_a_throttle_keeps_the_wait() -> None:
    """Retry-After travels with the error."""
    error = Throttled("slow", retry_after_seconds=3.0, code="TooManyRequestsException")
    assert (error.retry_after_seconds, error.code) == (3.0, "TooManyRequestsException")


def test_settings_are_wrong_all_at_once() -> None:
    """Every problem is kept, and said in one message."""
    error = SettingsError(iter(("a is wrong", "b is unknown")))
    assert error.problems == ("a is wrong", "b is unknown")
    assert error.message == "a is wrong; b is unknown"
