"""Responses as bytes: every field in its place, whatever the application put in."""

from __future__ import annotations

import pytest

from extension.core.wire import Request, Response, encode


def request(method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> Request:
    """Make a request as the parser would."""
    return Request(method, b"/a?b", version, {}, keep_alive=True)


ANSWER = Response(200, b"s3cret", headers=(("X-Sidekey-Cache", "hit"),))


def test_writes_a_response() -> None:
    """Status line, type, length, no-store, the application's fields, the body; no date, no server."""
    assert encode(ANSWER, request(), close=False) == (
        b"HTTP/1.1 200 OK\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: 6\r\n"
        b"Cache-Control: no-store\r\n"
        b"X-Sidekey-Cache: hit\r\n"
        b"\r\n"
        b"s3cret"
    )


def test_leaves_the_body_out_for_head() -> None:
    """All else, the length included, is as for GET."""
    whole = encode(ANSWER, request(), close=False)
    assert encode(ANSWER, request(b"HEAD"), close=False) == whole.removesuffix(b"s3cret")


@pytest.mark.parametrize(
    ("version", "close", "said"),
    [
        (b"HTTP/1.1", False, None),
        (b"HTTP/1.1", True, b"Connection: close"),
        (b"HTTP/1.0", False, b"Connection: keep-alive"),
        (b"HTTP/1.0", True, b"Connection: close"),
    ],
)
def test_says_what_becomes_of_the_connection(version: bytes, close: bool, said: bytes | None) -> None:
    """Unless it is the version's default."""
    lines = encode(ANSWER, request(version=version), close=close).split(b"\r\n")
    assert lines[0] == version + b" 200 OK"
    assert next((line for line in lines if line.startswith(b"Connection")), None) == said


def test_keeps_a_head_for_each_form_and_no_other_body() -> None:
    """A response that is given again and again writes its head once, and its value stands in memory once."""
    answer = Response(200, b"s3cret")
    [encode(answer, request(method), close=close) for method in (b"GET", b"HEAD") for close in (True, False)]
    assert len(answer.heads) == 2
    assert not any(b"s3cret" in head for head in answer.heads.values())


def test_answers_without_a_request() -> None:
    """Where no request could be read, the answer is HTTP/1.1."""
    assert encode(Response(400, b"{}"), None, close=True).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_keeps_an_odd_status() -> None:
    """A status of the upstream's without a name here is passed on all the same."""
    assert encode(Response(418, b""), request(), close=False).startswith(b"HTTP/1.1 418 Unknown\r\n")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "caf\xe9", "\u2603", "a\0", "a\x7f"])
def test_no_value_breaks_out_of_its_line(value: str) -> None:
    """What is not visible ASCII becomes a question mark."""
    written = encode(Response(200, b"", headers=(("X-Reason", value),)), request(), close=False)
    assert written.count(b"\r\n") == 6
    assert b"X-Reason: " + value.translate(str.maketrans("\r\n\xe9\u2603\0\x7f", "??????")).encode() in written


def test_shows_nothing_secret() -> None:
    """A repr names the status or the method alone."""
    assert repr(ANSWER) == "<Response 200>"
    assert repr(request()) == "<Request GET>"


def test_splits_the_path_off_the_target() -> None:
    """Up to the first question mark."""
    assert request().path == b"/a"
