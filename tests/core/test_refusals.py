"""What the shells say by themselves: words, status, and nothing of what went wrong inside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

import pytest

from extension.core import refusals
from extension.core.errors import Throttled

if TYPE_CHECKING:
    from extension.core.wire import Response


@pytest.mark.parametrize(
    ("response", "status", "code", "words"),
    [
        (refusals.too_many_clients(256), 429, "ConnectionLimitExceeded", "Connection limit exceeded: all 256"),
        (refusals.slow_head(10.0), 408, "RequestTimeout", "10 s after its first byte"),
        (refusals.stopping(), 503, "ShuttingDown", "shutting down"),
        (refusals.crashed(), 500, "InternalFailure", "its log says where"),
        (refusals.refusal(Throttled("slow down")), 429, "ThrottlingException", "slow down"),
    ],
)
def test_refusals_are_json_of_aws_shape(response: Response, status: int, code: str, words: str) -> None:
    """`__type` for programs, `message` for people."""
    body = json.loads(response.body)
    assert (response.status, body["__type"]) == (status, code)
    assert words in body["message"]


def test_a_full_house_says_when_to_come_again() -> None:
    """Retry-After, in seconds."""
    assert refusals.too_many_clients(1).headers == (("Retry-After", "1"),)


def test_a_fault_is_reported_by_place_alone() -> None:
    """Type and line of its origin, never its text."""

    def fail() -> NoReturn:
        msg = "s3cret"
        raise KeyError(msg)

    with pytest.raises(KeyError) as caught:
        fail()
    where = refusals.whereabouts(caught.value)
    assert where.startswith(f"KeyError at {__file__}:")
    assert "s3cret" not in where
    assert refusals.whereabouts(KeyError("s3cret")) == "KeyError at nowhere"
