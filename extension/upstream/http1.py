"""HTTP/1.1 as bytes: requests written, responses parsed, nothing sent.

Law: strict, and bounded. What two readers could understand differently (two lengths, a bare LF, a folded header) is
broken, never guessed at. A response may arrive in any pieces and means the same.
"""

from __future__ import annotations

from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 8 * 1024 * 1024
_MAX_CHUNK_LINE = 1024
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_FORBIDDEN = frozenset(range(32)) - {9} | {127}
_HEX = frozenset(b"0123456789abcdefABCDEF")
_BODILESS = (204, 304)


class BrokenResponseError(ValueError):
    """The bytes are no HTTP response, or none of a size that we take."""


class Response(Record):
    """A whole response; header names are lower case. It shows its status alone: the body may be a secret."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Show the status and the size."""
        return f"Response({self.status}, {len(self.body)} bytes)"


def request_bytes(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """Write a request; a `Content-Length` is added where there is a body or the method promises one."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if not head.isascii() or len(head.splitlines()) != len(lines) or " " in target:
        msg = "a header or target of the request holds what HTTP does not allow"
        raise ValueError(msg)
    return head.encode() + b"\r\n\r\n" + body


class ResponseParser:
    """Takes one response's bytes as they come; `response` is set when it is whole.

    `started` tells whether any byte came, `reusable` whether the connection may carry another request.
    """

    __slots__ = ("_body", "_buffer", "_left", "_state", "_status_headers", "response", "reusable", "started")

    def __init__(self) -> None:
        """Wait for the status line."""
        self._buffer = bytearray()
        self._body = bytearray()
        self._left = 0
        self._status_headers: tuple[int, dict[str, str]] = (0, {})
        self._state: Callable[[], bool] = self._head
        self.response: Response | None = None
        self.reusable = False
        self.started = False

    def feed(self, data: bytes) -> Response | None:
        """Take more bytes and return the response once it is whole; BrokenResponseError if it never can be."""
        self.started = self.started or bool(data)
        self._buffer += data
        while self.response is None and self._state():
            pass
        if self.response is not None and self._buffer:
            self.reusable = False
        return self.response

    def finish(self) -> Response:
        """Take the end of the connection; BrokenResponseError unless that is where the response ends."""
        if self.response is None and self._state == self._until_close:
            self._done()
        if self.response is None:
            msg = "the connection closed in the middle of the response" if self.started else "it closed unanswered"
            raise BrokenResponseError(msg)
        return self.response

    def _head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._buffer) > MAX_HEAD_BYTES):
            msg = "the response's head is too large"
            raise BrokenResponseError(msg)
        if end < 0:
            return False
        version, status, headers = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        if 100 <= status < 200:  # noqa: PLR2004 (interim answers announce the final one)
            if status == 101:  # noqa: PLR2004 (nobody asked to switch protocols)
                msg = "the response switches protocols"
                raise BrokenResponseError(msg)
            return True
        self._status_headers = status, headers
        self.reusable = _keeps_alive(version, headers)
        self._choose_body(status, headers)
        return True

    def _choose_body(self, status: int, headers: dict[str, str]) -> None:
        """Decide how the body ends (RFC 9112, 6.3)."""
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if length is not None and coding is not None:
            msg = "the response has both a length and a transfer encoding"
            raise BrokenResponseError(msg)
        if status in _BODILESS:
            self._done()
        elif coding is not None:
            self._expect_chunks(coding)
        elif length is not None:
            self._left = _length(length)
            self._state = self._counted
        else:
            self.reusable = False
            self._state = self._until_close

    def _expect_chunks(self, coding: str) -> None:
        if coding.lower() != "chunked":
            msg = "the response has a transfer encoding that is not chunked"
            raise BrokenResponseError(msg)
        self._state = self._chunk_size

    def _counted(self) -> bool:
        self._move()
        if not self._left:
            self._done()
        return False

    def _until_close(self) -> bool:
        self._left = len(self._buffer)
        self._move()
        return False

    def _chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not digits or len(digits) > 8 or not _HEX.issuperset(digits):  # noqa: PLR2004 (8 digits are 4 GiB)
            msg = "the response has a chunk without a size"
            raise BrokenResponseError(msg)
        self._left = int(digits, 16)
        self._state = self._chunk if self._left else self._trailer
        return True

    def _chunk(self) -> bool:
        self._move()
        if self._left or len(self._buffer) < 2:  # noqa: PLR2004 (the CRLF behind the chunk)
            return False
        if self._line() != b"":
            msg = "the response has a chunk that is longer than it says"
            raise BrokenResponseError(msg)
        self._state = self._chunk_size
        return True

    def _trailer(self) -> bool:
        line = self._line()
        if line == b"":
            self._done()
        return bool(line)

    def _line(self) -> bytes | None:
        """Take a line off the buffer, or None if its end has not come."""
        end = self._buffer.find(b"\r\n")
        if end > _MAX_CHUNK_LINE or (end < 0 and len(self._buffer) > _MAX_CHUNK_LINE):
            msg = "the response has a chunk line that is too long"
            raise BrokenResponseError(msg)
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _move(self) -> None:
        """Move up to `_left` bytes from the buffer to the body."""
        if len(self._body) + self._left > MAX_BODY_BYTES:
            msg = f"the response is larger than {MAX_BODY_BYTES >> 20} MiB"
            raise BrokenResponseError(msg)
        taken = self._buffer[: self._left]
        self._body += taken
        self._left -= len(taken)
        del self._buffer[: len(taken)]

    def _done(self) -> None:
        status, headers = self._status_headers
        self.response = Response(status=status, headers=headers, body=bytes(self._body))


def parse_head(head: bytes) -> tuple[str, int, dict[str, str]]:
    """Return HTTP version, status and headers of a response's head, without its blank line."""
    start, *lines = head.split(b"\r\n")
    version, _, rest = start.partition(b" ")
    status = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not _is_number(status, 3) or rest[3:4].strip() or status < b"100":
        msg = "the answer is not HTTP/1.1"
        raise BrokenResponseError(msg)
    headers: dict[str, str] = {}
    for line in lines:
        name, value = _header(line)
        if name in headers and headers[name] != value:
            _refuse_twice(name)
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return version.decode(), int(status), headers


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    if not colon or not name or not _TOKEN.issuperset(name) or not _FORBIDDEN.isdisjoint(value):
        msg = "the response has a header line that HTTP does not allow"
        raise BrokenResponseError(msg)
    return name.decode().lower(), value.strip(b" \t").decode("latin-1")


def _refuse_twice(name: str) -> None:
    if name in ("content-length", "transfer-encoding"):
        msg = f"the response has two different headers {name}"
        raise BrokenResponseError(msg)


def _is_number(digits: bytes, most: int) -> bool:
    return 0 < len(digits) <= most and digits.isdigit()


def _length(text: str) -> int:
    if not _is_number(text.encode("latin-1"), 10) or int(text) > MAX_BODY_BYTES:
        msg = "the response has a length that is no number, or too large"
        raise BrokenResponseError(msg)
    return int(text)


def _keeps_alive(version: str, headers: Mapping[str, str]) -> bool:
    wishes = headers.get("connection", "").lower()
    return version == "HTTP/1.1" and "close" not in wishes
