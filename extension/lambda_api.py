"""Lambda's Extensions API (2020-01-01), spoken over one kept-alive blocking socket.

Law: `register` is the serial part of every cold start, so it is one write and one read, and parses nothing but the
identifier. `next_event` waits without a timeout, for ever if need be: a frozen environment is a wait, too.

    register ──► next_event ──► INVOKE … ──► next_event ──► SHUTDOWN
        └──► init_error (over a connection of its own)
"""

from __future__ import annotations

from _socket import AF_INET, SOCK_STREAM
from _socket import socket as Socket  # noqa: N812 - the C class is a class

from extension.core.errors import SidekeyError
from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

BASE = "/2020-01-01/extension"
MAX_HEAD_BYTES = 65536
LATEST_MS = 10**15


class ExtensionsApiError(SidekeyError):
    """Lambda refused a call, or could not be reached; `code` is its own errorType."""

    code = "ExtensionsApi"


class Registration(Record):
    """What `register` answered; the body is parsed by whoever asks for it."""

    identifier: str
    body: bytes = b"{}"

    def details(self) -> dict[str, Any]:
        """Return functionName, functionVersion, handler and, where Lambda tells it, accountId."""
        return _parsed(self.body)

    @property
    def function_name(self) -> str:
        """The function we are attached to."""
        return str(self.details().get("functionName", ""))

    @property
    def account_id(self) -> str | None:
        """The account it runs in, where Lambda tells it."""
        return self.details().get("accountId")


class Event(Record):
    """What `next_event` answered. `kind` is INVOKE or SHUTDOWN; `reason` (of a SHUTDOWN) is opaque text."""

    kind: str
    deadline_ms: int
    request_id: str = ""
    reason: str = ""


class LambdaApi:
    """The Extensions API at `address` (AWS_LAMBDA_RUNTIME_API: `host:port`), for one thread."""

    __slots__ = ("_address", "_identifier", "_socket")

    def __init__(self, address: str) -> None:
        """Remember where; the first call connects."""
        self._address = address
        self._identifier = ""
        self._socket: Socket | None = None

    def register(self, name: str, events: Iterable[str]) -> Registration:
        """Register as `name` (exactly the file's name in /opt/extensions) for `events` (INVOKE, SHUTDOWN)."""
        wanted = ",".join([f'"{event}"' for event in events])
        body = f'{{"events":[{wanted}]}}'.encode()
        head = f"Lambda-Extension-Name: {name}\r\nLambda-Extension-Accept-Feature: accountId\r\n"
        headers, said = self._call("register", self._request("POST", "register", head, body))
        self._identifier = _header(headers, b"lambda-extension-identifier")
        return Registration(identifier=self._identifier, body=said)

    def next_event(self) -> Event:
        """Say that we are done with the last event, and wait for the next, however long it takes."""
        _headers, body = self._call("next", self._request("GET", "event/next", self._identity()))
        event = _parsed(body)
        if not event.get("eventType"):
            msg = f"Lambda's Extensions API at {self._address} gave an answer to next that is no event"
            raise ExtensionsApiError(msg)
        return Event(
            kind=str(event["eventType"]),
            deadline_ms=_milliseconds(event.get("deadlineMs")),
            request_id=str(event.get("requestId", "")),
            reason=str(event.get("shutdownReason", "")),
        )

    def init_error(self, error_type: str, message: str) -> None:
        """Tell Lambda why initialisation failed (`Extension.Reason`); the caller exits afterwards."""
        from extension.core.jsontext import dumps

        head = f"{self._identity()}Lambda-Extension-Function-Error-Type: {error_type}\r\n"
        body = dumps({"errorMessage": message, "errorType": error_type, "stackTrace": []})
        own = LambdaApi(self._address)
        try:
            own._call("init/error", self._request("POST", "init/error", head, body))
        finally:
            own.close()

    def close(self) -> None:
        """Drop the connection, if there is one."""
        kept, self._socket = self._socket, None
        if kept is not None:
            kept.close()

    def _identity(self) -> str:
        return f"Lambda-Extension-Identifier: {self._identifier}\r\n"

    def _request(self, method: str, path: str, head: str, body: bytes = b"") -> bytes:
        """Render a request; all of it goes out in one segment."""
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        return f"{method} {BASE}/{path} HTTP/1.1\r\nHost: {self._address}\r\n{head}{length}\r\n".encode() + body

    def _call(self, what: str, request: bytes) -> tuple[bytes, bytes]:
        """Send `request` and return head and body of the answer; once more if a kept connection was dropped."""
        reused = self._socket is not None
        try:
            try:
                status, headers, body = self._exchange(request)
            except _DroppedError:
                if not reused:
                    raise
                status, headers, body = self._exchange(request)
        except (OSError, ValueError) as error:
            self.close()
            msg = f"Lambda's Extensions API at {self._address} gave no usable answer to {what}: {error}"
            raise ExtensionsApiError(msg) from error
        if status >= 300:  # noqa: PLR2004 - HTTP's own boundary
            raise _refusal(what, status, body)
        return headers, body

    def _exchange(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Send once over the kept connection or a new one; whatever goes wrong ends that connection."""
        link = self._socket = self._socket or _connect(self._address)
        try:
            link.sendall(request)
            return _answer(link)
        except (BrokenPipeError, ConnectionResetError) as error:
            self.close()
            raise _DroppedError(*error.args) from error
        except OSError:
            self.close()
            raise


class _DroppedError(ConnectionError):
    """The peer closed the connection before it answered."""


def _connect(address: str) -> Socket:
    """Open a blocking connection without a timeout to `host:port`."""
    host, _, port = address.rpartition(":")
    link = Socket(AF_INET, SOCK_STREAM)
    try:
        link.connect((host, int(port)))
    except (OSError, ValueError, OverflowError) as error:
        link.close()
        why = error.args if isinstance(error, OSError) else (0, "the address is not host:port")
        raise ConnectionError(*why) from error
    return link


def _answer(link: Socket) -> tuple[int, bytes, bytes]:
    """Read one response: status, head (status line included) and body."""
    received = link.recv(4096)
    if not received:
        raise ConnectionResetError(0, "the connection was closed before an answer")
    while b"\r\n\r\n" not in received:
        if len(received) > MAX_HEAD_BYTES:
            raise ConnectionError(0, "the answer's head does not end")
        received += _more(link)
    head, _, rest = received.partition(b"\r\n\r\n")
    if _header(head, b"transfer-encoding").lower() == "chunked":
        body = _chunks(link, rest)
    else:
        body = _sized(link, rest, int(_header(head, b"content-length") or 0))[0]
    return int(head[9:12]), head, body


def _more(link: Socket) -> bytes:
    """Read what comes next; an end in the middle of an answer is an error."""
    piece = link.recv(65536)
    if not piece:
        raise ConnectionError(0, "the connection was closed in the middle of an answer")
    return piece


def _sized(link: Socket, received: bytes, size: int) -> tuple[bytes, bytes]:
    """Read until `size` bytes are there; return them and what came beyond."""
    while len(received) < size:
        received += _more(link)
    return received[:size], received[size:]


def _chunks(link: Socket, received: bytes) -> bytes:
    """Read a chunked body up to its last chunk; Lambda sends no trailers."""
    body = b""
    while True:
        while b"\r\n" not in received:
            received += _more(link)
        line, _, received = received.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        chunk, received = _sized(link, received, size + 2)
        if size == 0:
            return body
        body += chunk[:-2]


def _header(head: bytes, name: bytes) -> str:
    """Return the value of one header, empty if it is absent."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip().decode("latin-1")
    return ""


def _parsed(body: bytes) -> dict[str, Any]:
    """Parse a JSON object whatever its content type said; what is none is empty."""
    from extension.core.jsontext import loads

    try:
        parsed = loads(body.decode("utf-8", "replace"))
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _milliseconds(said: object) -> int:
    """Return the time that Lambda gave; 0, which has passed, for what is none."""
    return int(said) if isinstance(said, int | float) and 0 <= said < LATEST_MS else 0


def _refusal(what: str, status: int, body: bytes) -> ExtensionsApiError:
    """Put Lambda's refusal into a sentence."""
    said = _parsed(body)
    code = str(said.get("errorType") or f"HTTP {status}")
    return ExtensionsApiError(
        f"Lambda refused {what}: {code}: {said.get('errorMessage') or 'no reason given'}", code=code
    )
