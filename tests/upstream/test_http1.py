"""Requests as bytes, and responses from bytes cut anywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.upstream.http1 import MAX_BODY_BYTES, BrokenResponseError, Response, ResponseParser, request_bytes

COUNTED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;name=value\r\nllo\r\n0\r\nTrailer: gone\r\n\r\n"
)
TO_THE_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + COUNTED
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def parse(*pieces: bytes) -> Response:
    """Feed all pieces and end the connection."""
    parser = ResponseParser()
    [parser.feed(piece) for piece in pieces]
    return parser.finish()


def reusable(data: bytes) -> bool:
    """Tell whether the connection may be used again after `data`."""
    parser = ResponseParser()
    parser.feed(data)
    return parser.reusable


@pytest.mark.parametrize("data", [COUNTED, CHUNKED, TO_THE_END, INTERIM])
def test_body_ends_where_the_head_says(data: bytes) -> None:
    """A body is counted, chunked, or ends with the connection; interim answers are passed over."""
    response = parse(data)

    assert (response.status, response.body) == (200, b"hello")


@given(data=st.sampled_from([COUNTED, CHUNKED, TO_THE_END, INTERIM, EMPTY]), cuts=st.lists(st.integers(0, 130)))
def test_any_cut_of_the_bytes_means_the_same(data: bytes, cuts: list[int]) -> None:
    """How a response is cut into pieces does not change it."""
    edges = [0, *sorted(cuts), len(data)]

    assert parse(*(data[start:end] for start, end in pairwise(edges))) == parse(data)


@given(pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=20))
def test_chunks_of_any_size_join_to_the_body(pieces: list[bytes]) -> None:
    """Chunked bodies come out whole."""
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"

    assert parse(head + coded + b"0\r\n\r\n").body == b"".join(pieces)


@given(data=st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    """Whatever comes is a response or a BrokenResponseError."""
    parser = ResponseParser()
    try:
        parser.feed(b"HTTP/1.1 " + data)
        outcome: object = parser.finish()
    except BrokenResponseError as error:
        outcome = error
    assert isinstance(outcome, Response | BrokenResponseError)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n800001\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 1100,
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\nB: c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000,
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_could_be_understood_twice_is_broken(data: bytes) -> None:
    """Truncated, ambiguous and oversized responses are refused."""
    with pytest.raises(BrokenResponseError):
        parse(data)


def test_a_body_without_end_is_cut_off() -> None:
    """A body that ends with the connection may not grow past the bound."""
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\n\r\n")

    with pytest.raises(BrokenResponseError, match="larger than 8 MiB"):
        parser.feed(bytes(MAX_BODY_BYTES + 1))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (COUNTED, True),
        (CHUNKED, True),
        (EMPTY, True),
        (TO_THE_END, False),
        (COUNTED.replace(b"1.1", b"1.0"), False),
        (COUNTED.replace(b"Content-Type: text/plain", b"Connection: Close"), False),
        (COUNTED + b"more", False),
    ],
)
def test_only_a_clean_end_lets_the_connection_live(data: bytes, expected: bool) -> None:
    """A connection is reused where the response ended exactly, and nobody wished otherwise."""
    assert reusable(data) is expected


def test_headers_are_found_in_any_case() -> None:
    """Header names are lower case, equal ones that repeat stay one, others are joined."""
    head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\ncontent-length: 0\r\n\r\n"

    assert parse(head).headers == {"x-a": "1, 2", "content-length": "0"}


def test_a_response_does_not_show_its_body() -> None:
    """The repr of a response holds its status and size alone."""
    assert repr(parse(COUNTED)) == "Response(200, 5 bytes)"


def test_request_is_written_with_its_length() -> None:
    """A POST has a length, even without a body; a GET without a body has none."""
    assert (
        request_bytes("POST", "/", [("Host", "h")], b"ab")
        == b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
    )
    assert request_bytes("POST", "/", []) == b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    assert request_bytes("GET", "/a", [("Host", "h")]) == b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "value"), [("/ a", "v"), ("/\r\nX: y", "v"), ("/", "v\r\nX: y"), ("/", "v\n"), ("/", "ü"), ("/", "\x0b")]
)
def test_nothing_slips_into_a_request(target: str, value: str) -> None:
    """A line break in a target or header value never reaches the wire."""
    with pytest.raises(ValueError, match="does not allow"):
        request_bytes("GET", target, [("Host", "h"), ("A", value), ("B", "c")])
