"""Requests and responses as values, and the bytes of a response.

Law: front and back write the same response in the same bytes: the header fields and their order are settled here.
A response names no server and no date; it is never stored by anybody; and no header value can break out of its line.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Lease(Protocol):
        """A cache entry's word on how long ready bytes of its value may be sent without asking again."""

        current: bool
        due_at: float
        hits: int
        used_at: float

    class Application(Protocol):
        """What requests mean. It answers at once, or returns None and calls `deliver` once, from any thread, later."""

        def answer(self, request: Request, now: float, deliver: Callable[[Response], None]) -> Response | None:
            """Answer `request`, which came at `now`."""


_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    417: "Expectation Failed",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


class Request:
    """A request head: `headers` has lower-case names, values without blanks around, repeated ones joined by a comma."""

    __slots__ = ("headers", "keep_alive", "method", "target", "version")

    def __init__(
        self, method: bytes, target: bytes, version: bytes, headers: dict[bytes, bytes], *, keep_alive: bool
    ) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.keep_alive = keep_alive

    @property
    def path(self) -> bytes:
        """The target up to its query, still percent-encoded."""
        return self.target.partition(b"?")[0]

    def __repr__(self) -> str:
        """Show the method alone: headers hold the token, and a query may hold a ciphertext."""
        return f"<Request {self.method.decode('ascii')}>"


class Response:
    """An answer; a `lease` allows its bytes to be sent again to the same request while the lease is current."""

    __slots__ = ("body", "content_type", "headers", "heads", "lease", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: tuple[tuple[str, str], ...] = (),
        lease: Lease | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        self.lease = lease
        self.heads: dict[tuple[bytes, bool], bytes] = {}

    @property
    def reason(self) -> str:
        """The status in words."""
        return _REASONS.get(self.status, "Unknown")

    def __repr__(self) -> str:
        """Show the status alone: the body may be a secret."""
        return f"<Response {self.status}>"


def fields(response: Response, version: bytes, *, close: bool) -> list[tuple[str, str]]:
    """List an answer's header fields in their order on the wire."""
    listed = [
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        ("Cache-Control", "no-store"),
        *[(name, _tame(value)) for name, value in response.headers],
    ]
    if close:
        listed.append(("Connection", "close"))
    elif version == b"HTTP/1.0":
        listed.append(("Connection", "keep-alive"))
    return listed


def _tame(value: str) -> str:
    """Make any text a header value: what is not visible ASCII becomes a question mark."""
    if value.isascii() and value.isprintable():
        return value
    return "".join([char if char.isascii() and char.isprintable() else "?" for char in value])


def encode(response: Response, request: Request | None, *, close: bool) -> bytes:
    """Write an answer, its head once for each way that it may be sent; `request` is None where none could be read."""
    version = b"HTTP/1.1" if request is None else request.version
    head = response.heads.get((version, close))
    if head is None:
        head = response.heads[version, close] = _head(response, version, close)
    return head if request is not None and request.method == b"HEAD" else head + response.body


def _head(response: Response, version: bytes, close: bool) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in fields(response, version, close=close)]
    start = f"{version.decode()} {response.status} {response.reason}\r\n"
    return f"{start}{''.join(lines)}\r\n".encode("latin-1")
