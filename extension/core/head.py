"""A strict parser for HTTP/1 request heads of GET and HEAD clients.

Law: one head has one reading. Whatever two parsers could understand differently is refused, with a sentence that says
what is allowed, and a head cut into pieces gets the same reading or refusal as a whole one: bytes that no head may
hold are refused first, in their order and as soon as they arrive; then size; then, when the head is whole, meaning.
No message quotes the head, for it holds the token.
"""

from __future__ import annotations

from extension.core.errors import RequestError
from extension.core.wire import Request

HEAD_LIMIT = 16384

_ALNUM = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN = _ALNUM + b"!#$%&'*+-.^_`|~"
_TEXT = b"\t" + bytes(set(range(0x20, 0x100)) - {0x7F})


def _marking(allowed: set[int]) -> bytes:
    """Return the table with which translate changes what is not allowed: quicker than having it delete what is."""
    others = bytes(set(range(256)) - allowed)
    return bytes.maketrans(others, b"?" * len(others))


_MARK_IN_TARGET = _marking(set(range(0x21, 0x7F)) - {ord("#")})
_MARK_IN_TEXT = _marking(set(_TEXT))
_TOKEN_HEADERS = frozenset((b"x-aws-parameters-secrets-token", b"x-vault-token"))
_SINGLE = {b"host": "Host", b"content-length": "Content-Length"} | dict.fromkeys(_TOKEN_HEADERS, "token")
# Most requests have none of these, which one set operation tells; the second token header stands for the pair.
_DELICATE = frozenset((b"connection", b"content-length", b"expect", b"transfer-encoding", b"x-vault-token"))


class Malformed(RequestError):  # noqa: N818 - named like the rest of its tree
    """The request breaks HTTP, or asks for a part of it that is not spoken here; the connection is closed after it."""

    code = "MalformedRequest"


def parse_head(buffer: bytes) -> tuple[Request, int] | None:
    """Read the request head that `buffer` begins with, and its length; None while it is incomplete."""
    start = 2 if buffer.startswith(b"\r\n") else 0  # RFC 9112 §2.2: one empty line before a request is forgiven
    end = buffer.find(b"\r\n\r\n", start, HEAD_LIMIT)
    if end < 0:
        _check_start(buffer[start:HEAD_LIMIT], len(buffer))
        return None
    head = buffer[start:end]
    lines = head.split(b"\r\n")
    text = b"".join(lines)
    if text.translate(_MARK_IN_TEXT) != text:
        _refuse_bytes(head)
    first, *lines = lines
    method, target, version = _parse_request_line(first)
    headers = _parse_headers(lines)
    keep_alive = version == b"HTTP/1.1"
    if not _DELICATE.isdisjoint(headers):
        keep_alive = _check_framing(headers, keep_alive=keep_alive)
    if b"host" not in headers and version == b"HTTP/1.1":
        msg = "HTTP/1.1 requires a Host header: send Host: localhost"
        raise Malformed(msg)
    return Request(method, target, version, headers, keep_alive=keep_alive), end + 4


def _check_start(start: bytes, length: int) -> None:
    """Refuse what can never become a head."""
    _refuse_bytes(start.removesuffix(b"\r"))
    if length >= HEAD_LIMIT:
        msg = f"the request head is larger than {HEAD_LIMIT} bytes, the most that is allowed"
        raise Malformed(msg, status=431)


def _refuse_bytes(text: bytes) -> None:
    """Name the first byte that no head may hold, if there is one."""
    for line in text.split(b"\r\n"):
        found = line.translate(None, _TEXT)[:1]
        if found:
            names = {b"\n": "a bare LF", b"\r": "a bare CR", b"\0": "a NUL byte"}
            msg = f"the request head holds {names.get(found, 'a control character')}: lines end in CRLF and hold text"
            raise Malformed(msg)


def _is_token(name: bytes) -> bool:
    """Tell whether a name may be one; letters, digits and dashes, as almost all have, are told quickly."""
    return name.replace(b"-", b"").isalnum() or (name != b"" and not name.translate(None, _TOKEN))


def _parse_request_line(line: bytes) -> list[bytes]:
    """Split and check `GET /path HTTP/1.1`."""
    parts = line.split(b" ")
    if len(parts) != 3:  # noqa: PLR2004 - method, target, version
        msg = "the request line must be a method, a target and a version, one blank between: GET /path HTTP/1.1"
        raise Malformed(msg)
    method, target, version = parts
    if method != b"GET" and not _is_token(method):
        msg = "the method is not an HTTP token; GET and HEAD are allowed"
        raise Malformed(msg)
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        _refuse_version(version)
    if target[:1] != b"/":
        msg = "the target must be a path that begins with a slash; absolute URLs, host:port and * are not allowed"
        raise Malformed(msg)
    if target.translate(_MARK_IN_TARGET) != target:
        msg = "the target holds a character that must be percent-encoded: # and all but visible ASCII are not allowed"
        raise Malformed(msg)
    return parts


def _refuse_version(version: bytes) -> None:
    """Tell an unspoken version of HTTP from something else."""
    digits = version.removeprefix(b"HTTP/")
    if digits != version and len(digits) == 3 and digits[1:2] == b"." and digits.replace(b".", b"").isdigit():  # noqa: PLR2004
        msg = "this version of HTTP is not spoken here; HTTP/1.1 and HTTP/1.0 are"
        raise Malformed(msg, status=505)
    msg = "the request line does not end in an HTTP version; HTTP/1.1 and HTTP/1.0 are allowed"
    raise Malformed(msg)


def _parse_headers(lines: list[bytes]) -> dict[bytes, bytes]:
    """Read `Name: value` lines."""
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not (colon and _is_token(name)):
            _refuse_header(line, name)
        name = name.lower()
        value = value.strip(b" \t")
        if name in headers:
            value = _join(name, headers[name], value)
        headers[name] = value
    return headers


def _refuse_header(line: bytes, name: bytes) -> None:
    """Say what is wrong with a header line."""
    if line[:1] in (b" ", b"\t"):
        msg = "a header line begins with a blank: folded headers are not allowed, each is one line"
    elif name == line:
        msg = "a header line has no colon: the form is Name: value"
    elif name[-1:] in (b" ", b"\t"):
        msg = "a header has a blank before its colon: the form is Name: value"
    else:
        msg = "a header's name is not an HTTP token: letters, digits and !#$%&'*+-.^_`|~ are allowed"
    raise Malformed(msg)


def _join(name: bytes, first: bytes, second: bytes) -> bytes:
    """Combine a repeated header, where repeating it has one meaning."""
    if name in _SINGLE:
        msg = f"the request has more than one {_SINGLE[name]} header; exactly one is allowed"
        raise Malformed(msg)
    return first + b", " + second


def _check_framing(headers: dict[bytes, bytes], *, keep_alive: bool) -> bool:
    """Refuse bodies and expectations, and return whether the connection is to be kept."""
    if b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0"):
        msg = "a request has no body here: send GET without Transfer-Encoding, and no Content-Length but 0"
        raise Malformed(msg)
    if headers.get(b"content-length") == b"":
        msg = "Content-Length is empty; 0 is allowed, or no such header"
        raise Malformed(msg)
    if b"expect" in headers:
        msg = "expectations are not met here: send the request without an Expect header"
        raise Malformed(msg, status=417)
    if headers.keys() >= _TOKEN_HEADERS:
        msg = "the request has both token headers; send X-Aws-Parameters-Secrets-Token or X-Vault-Token, exactly one"
        raise Malformed(msg)
    options = [option.strip(b" \t") for option in headers.get(b"connection", b"").lower().split(b",")]
    return b"close" not in options and (keep_alive or b"keep-alive" in options)
