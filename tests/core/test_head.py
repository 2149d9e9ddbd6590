"""Request heads: what is read, what is refused and in which words, however the bytes are cut."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.http_parser import HttpRequestParser
from hypothesis import assume, example, given
from hypothesis import strategies as st

from extension.core.head import HEAD_LIMIT, Malformed, parse_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extension.core.wire import Request

WHOLE = b"GET /secretsmanager/get?secretId=a HTTP/1.1\r\nHost: localhost:2773\r\n\r\n"


def read(buffer: bytes) -> Request:
    """Parse a buffer that holds exactly one head."""
    parsed = parse_head(buffer)
    assert parsed is not None
    request, length = parsed
    assert length == len(buffer)
    return request


def with_headers(*lines: bytes, version: bytes = b"1.1") -> bytes:
    """Write a GET with these header lines."""
    return b"\r\n".join((b"GET / HTTP/" + version, *lines, b"", b""))


def test_reads_a_head() -> None:
    """Method, target and version as sent; header names in lower case, values without blanks around."""
    request = read(b"GET /v1/a?b=c HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: \t s3cret \t\r\nAccept:*/*\r\n\r\n")
    assert (request.method, request.target, request.version) == (b"GET", b"/v1/a?b=c", b"HTTP/1.1")
    assert request.headers == {b"host": b"localhost", b"x-vault-token": b"s3cret", b"accept": b"*/*"}
    assert request.keep_alive
    assert request.path == b"/v1/a"


def test_shows_neither_target_nor_headers() -> None:
    """A request's repr holds nothing that may be secret."""
    assert repr(read(with_headers(b"Host: a", b"X-Vault-Token: s3cret"))) == "<Request GET>"


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"//",
        b"/secretsmanager/get?secretId=arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf",
        b"/systemsmanager/parameters/get/?name=/app/db/url:3&withDecryption=true",
        b"/systemsmanager/parameters/get?name=%2Fapp%2Fdb",
        b"/a?\"<>\\^`{|}~[]@!$&'()*+,;=?/%zz",
    ],
)
def test_takes_targets_as_clients_write_them(target: bytes) -> None:
    """Raw slashes, colons and whole ARNs pass; what escapes mean is for the routes to say."""
    assert read(b"GET " + target + b" HTTP/1.0\r\n\r\n").target == target


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_waits_for_the_rest(cut: int) -> None:
    """A head cut anywhere is incomplete, not wrong."""
    assert parse_head(WHOLE[:cut]) is None


def test_leaves_what_follows() -> None:
    """The length ends with the empty line; the next request stays in the buffer."""
    parsed = parse_head(WHOLE + b"GET /next")
    assert parsed is not None
    assert parsed[1] == len(WHOLE)


def test_forgives_one_empty_line_before_a_request() -> None:
    """As RFC 9112 asks, and no more than one."""
    assert read(b"\r\n" + WHOLE).target == b"/secretsmanager/get?secretId=a"
    with pytest.raises(Malformed, match="request line"):
        parse_head(b"\r\n\r\n" + WHOLE)


@pytest.mark.parametrize(
    ("buffer", "kept"),
    [
        (with_headers(b"Host: a"), True),
        (with_headers(b"Host: a", b"Connection: close"), False),
        (with_headers(b"Host: a", b"connection: Keep-Alive , CLOSE"), False),
        (with_headers(b"Host: a", b"Connection: keep-alive", b"Connection: close"), False),
        (with_headers(b"Host: a", b"Connection: closed"), True),
        (with_headers(version=b"1.0"), False),
        (with_headers(b"Connection: Keep-Alive", version=b"1.0"), True),
        (with_headers(b"Connection: keep-alive, close", version=b"1.0"), False),
    ],
)
def test_tells_whether_the_connection_is_kept(buffer: bytes, kept: bool) -> None:
    """By version and Connection header, any case, close before keep-alive."""
    assert read(buffer).keep_alive is kept


def test_takes_what_clients_send_for_no_reason() -> None:
    """Content-Length: 0 and headers of browsers and proxies are harmless, repeated ones are joined."""
    request = read(
        with_headers(b"Host: a", b"Content-Length: 0", b"Accept: a", b"ACCEPT: b", b"Empty:", b"Latin: \xe9")
    )
    assert request.headers[b"accept"] == b"a, b"
    assert request.headers[b"empty"] == b""
    assert request.headers[b"latin"] == b"\xe9"


LARGEST = with_headers(b"Host: a", b"X: " + b"x" * (HEAD_LIMIT - len(with_headers(b"Host: a", b"X: "))))


def test_takes_a_head_of_just_the_limit() -> None:
    """16 KiB, the empty line included, and not a byte more."""
    assert len(LARGEST) == HEAD_LIMIT
    read(LARGEST)
    with pytest.raises(Malformed, match="larger than 16384 bytes"):
        parse_head(LARGEST.replace(b"X: ", b"X: x"))


@pytest.mark.parametrize(
    ("buffer", "status", "words"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", 400, "a bare LF"),
        (b"GET / HTTP/1.1\n", 400, "a bare LF"),
        (with_headers(b"Host: a\rb"), 400, "a bare CR"),
        (with_headers(b"Host: a\r"), 400, "a bare CR"),
        (with_headers(b"Host: a\0"), 400, "a NUL byte"),
        (with_headers(b"Host: a\x1b"), 400, "a control character"),
        (with_headers(b"Host: a\x7f"), 400, "a control character"),
        (b"\x16\x03\x01", 400, "a control character"),
        (with_headers(b"Host: a", b" folded"), 400, "begins with a blank"),
        (with_headers(b"Host: a", b"\tfolded: x"), 400, "begins with a blank"),
        (with_headers(b" Host: a"), 400, "begins with a blank"),
        (with_headers(b"Host : a"), 400, "a blank before its colon"),
        (with_headers(b"Host: a", b"no colon"), 400, "no colon"),
        (with_headers(b"Host: a", b": nameless"), 400, "not an HTTP token"),
        (with_headers(b"Host: a", b"na me: x"), 400, "not an HTTP token"),
        (with_headers(b"Host: a", b"n\xe9: x"), 400, "not an HTTP token"),
        (b"GET / HTTP/1.1 \r\n\r\n", 400, "a method, a target and a version"),
        (b"GET  / HTTP/1.1\r\n\r\n", 400, "a method, a target and a version"),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400, "a method, a target and a version"),
        (b"GET /\r\n\r\n", 400, "a method, a target and a version"),
        (b" / HTTP/1.1\r\n\r\n", 400, "the method"),
        (b"G(T / HTTP/1.1\r\n\r\n", 400, "the method"),
        (b"GET / http/1.1\r\n\r\n", 400, "an HTTP version"),
        (b"GET / HTTP/1\r\n\r\n", 400, "an HTTP version"),
        (b"GET / HTTP/1.11\r\n\r\n", 400, "an HTTP version"),
        (b"GET / HTTP/1.2\r\n\r\n", 505, "version of HTTP"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version of HTTP"),
        (b"GET http://localhost/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "begins with a slash"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "begins with a slash"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "begins with a slash"),
        (b"GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "begins with a slash"),
        (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "percent-encoded"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "percent-encoded"),
        (b"GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "percent-encoded"),
        (with_headers(), 400, "requires a Host"),
        (with_headers(b"Host: a", b"host: a"), 400, "more than one Host"),
        (with_headers(b"Host: a", b"X-Vault-Token: t", b"x-vault-token: t"), 400, "more than one token"),
        (with_headers(b"Host: a", b"X-Vault-Token: t", b"X-Aws-Parameters-Secrets-Token: t"), 400, "both token"),
        (with_headers(b"Host: a", b"Content-Length: 3"), 400, "no body"),
        (with_headers(b"Host: a", b"Content-Length: +0"), 400, "no body"),
        (with_headers(b"Host: a", b"Content-Length:"), 400, "Content-Length is empty"),
        (with_headers(b"Host: a", b"Content-Length: 0", b"Content-Length: 0"), 400, "more than one Content-Length"),
        (with_headers(b"Host: a", b"Content-Length: 0, 0"), 400, "no body"),
        (with_headers(b"Host: a", b"Transfer-Encoding: chunked"), 400, "no body"),
        (with_headers(b"Host: a", b"Transfer-Encoding:"), 400, "no body"),
        (with_headers(b"Host: a", b"Expect: 100-continue"), 417, "Expect"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 17 * 1024 + b"\r\n\r\n", 431, "larger than 16384 bytes"),
        (b"x" * HEAD_LIMIT, 431, "larger than 16384 bytes"),
    ],
)
def test_refuses_with_a_sentence(buffer: bytes, status: int, words: str) -> None:
    """Each fault has its status and says what is wrong or allowed."""
    with pytest.raises(Malformed, match=words) as caught:
        parse_head(buffer)
    assert caught.value.status == status
    assert caught.value.message == str(caught.value)


def test_a_refusal_quotes_nothing() -> None:
    """The head may hold the token in any place, so no part of it comes back."""
    with pytest.raises(Malformed) as caught:
        parse_head(with_headers(b"Host: a", b"X-Vault-Token s3cret"))
    assert "s3cret" not in caught.value.message


names = st.sampled_from(
    [b"Host", b"host", b"Accept", b"X-Vault-Token", b"Connection", b"Content-Length", b"Expect", b"X"]
)
values = st.sampled_from([b"a", b"0", b"1", b"close", b"keep-alive", b"", b" \t", b"\xe9"]) | st.binary(max_size=4)
colons = st.sampled_from([b":", b": ", b" :", b"", b":\t"])
breaks = st.sampled_from([b"\r\n"] * 9 + [b"\n", b"\r", b"\r\n ", b"\r\n\r\n"])
header_lines = st.builds(lambda *parts: b"".join(parts), names, colons, values, breaks)
request_lines = st.builds(
    lambda *parts: b" ".join(parts),
    st.sampled_from([b"GET", b"HEAD", b"POST", b"G(T"]),
    st.sampled_from([b"/", b"/a?b=c", b"*", b"http://a/", b"/#"]) | st.binary(max_size=4).map(lambda raw: b"/" + raw),
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP"]),
)
heads = st.builds(
    lambda first, end, lines, last: first + end + b"".join(lines) + last,
    request_lines,
    breaks,
    st.lists(header_lines, max_size=5),
    st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]),
)


def verdict(pieces: list[bytes]) -> Any:
    """Feed the pieces as they arrive, and return the first request or refusal."""
    buffer = b""
    for piece in pieces:
        buffer += piece
        try:
            parsed = parse_head(buffer)
        except Malformed as error:
            return error.status, error.message
        if parsed is not None:
            request, length = parsed
            return request.method, request.target, request.version, request.headers, request.keep_alive, length
    return None


@given(heads, st.lists(st.integers(0, 80)))
@example(b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", [24])
def test_cuts_change_nothing(head: bytes, cuts: list[int]) -> None:
    """A head in pieces of any size is read, or refused, as the whole one is."""
    edges = [0, *sorted(cuts), len(head)]
    pieces = [head[start:end] for start, end in pairwise(edges)]
    assert verdict(pieces) == verdict([head])


visible = bytes(range(0x21, 0x7F))
tokens = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=5).map(str.encode)
targets = st.lists(st.sampled_from(list(visible.replace(b"#", b""))), max_size=8).map(lambda raw: b"/" + bytes(raw))
texts = st.lists(st.sampled_from(list(visible + b" \t\x80\xff")), max_size=6).map(bytes)
usual = st.sampled_from([b"Connection", b"Accept", b"X-Vault-Token", b"Upgrade", b"Origin"])
options = st.sampled_from([b"close", b"Keep-Alive", b"upgrade", b"websocket", b"close, x"])
sound_heads = st.builds(
    lambda method, target, version, headers: b"".join(
        (method, b" ", target, version, *(b"%b: %b\r\n" % header for header in headers), b"\r\n")
    ),
    st.sampled_from([b"GET", b"HEAD", b"POST", b"DELETE"]),
    targets,
    st.sampled_from([b" HTTP/1.1\r\nHost: a\r\n", b" HTTP/1.0\r\n"]),
    st.lists(st.tuples(usual | tokens, options | texts), max_size=5),
)


@given(sound_heads | heads.filter(bool))
def test_aiohttp_reads_the_same(head: bytes) -> None:
    """What is read here, aiohttp reads with the same method, target, headers and end."""
    ours = verdict([head])
    assume(ours is not None and len(ours) > 2)
    method, target, _version, headers, keep_alive, length = ours
    said = headers.get(b"connection", b"").lower()
    assume(not (b"close" in said and b"keep-alive" in said))  # RFC 9112 §9.3 lets close win; aiohttp the last one
    message, rest = aiohttp_reads(head[:length])
    assert message.method.encode() == method
    assert message.path.encode("utf-8", "surrogateescape") == target
    assert joined(message.raw_headers) == headers
    assert message.should_close is not keep_alive
    assert rest == b""


def aiohttp_reads(head: bytes) -> tuple[Any, bytes]:
    """Read one head with aiohttp's parser; return its message and what it left over."""
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParser(None, loop, 2**16)
        [(message, _payload)], _upgraded, rest = parser.feed_data(head)
    finally:
        loop.close()
    return message, rest


def joined(raw: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Bring aiohttp's header list into our form."""
    headers: dict[bytes, list[bytes]] = {}
    for name, value in raw:
        headers.setdefault(name.lower(), []).append(value.strip(b" \t"))
    return {name: b", ".join(found) for name, found in headers.items()}
