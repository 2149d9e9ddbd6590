"""A real server on port 0, plain or TLS, that answers each request with the next step of a script.

A step is bytes to send, or a function of the wire: `hang_up`, `reset`, `hang`, `drip`, or one's own. When the script
is over, the last step is repeated. Requests are kept with the number of the connection that they came on.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, NamedTuple

from extension.upstream.origin import Origin

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from typing import Self

    Step = bytes | Callable[["Wire"], None]


class Request(NamedTuple):
    """What came: `connection` counts from 1."""

    connection: int
    head: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """The headers, their names in lower case."""
        lines = [line.partition(": ") for line in self.head.split("\r\n")[1:]]
        return {name.lower(): value for name, _, value in lines}


class Wire(NamedTuple):
    """What a step may play on: the socket, and the event that is set when the server ends."""

    socket: socket.socket
    ended: threading.Event
    request: Request


class HangUpError(Exception):
    """The step wants the connection closed."""


def hang_up(_wire: Wire) -> None:
    """Close the connection without a word."""
    raise HangUpError


def reset(wire: Wire) -> None:
    """Close the connection with a TCP reset."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise HangUpError


def hang(wire: Wire) -> None:
    """Say nothing until the server ends."""
    wire.ended.wait()
    raise HangUpError


def then_hang_up(data: bytes) -> Step:
    """Send `data` and close the connection."""

    def step(wire: Wire) -> None:
        wire.socket.sendall(data)
        raise HangUpError

    return step


def then_hang(data: bytes) -> Step:
    """Send `data`, and then nothing more."""

    def step(wire: Wire) -> None:
        wire.socket.sendall(data)
        hang(wire)

    return step


def drip(data: bytes, seconds: float) -> Step:
    """Send `data` byte by byte, with a pause behind each."""

    def step(wire: Wire) -> None:
        for position in range(len(data)):
            wire.socket.sendall(data[position : position + 1])
            wire.ended.wait(seconds)
        raise HangUpError

    return step


def reply(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Write a response with its length; `Retry_After="1"` becomes a header."""
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


class ScriptedServer:
    """Use as a context manager; `origin` is where it listens, `requests` what came so far."""

    def __init__(self, steps: Sequence[Step], *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        """Take the script; it may be lengthened while the server runs."""
        self.steps = list(steps)
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        self._host = host
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def origin(self) -> Origin:
        """Where it listens, by the name that its certificate has."""
        return Origin(scheme="https" if self._tls else "http", host=self._host, port=self.port)

    @property
    def url(self) -> str:
        """The origin, written out."""
        return f"{self.origin.scheme}://{self.origin.authority}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._ended.is_set():
                plain, _ = self._listener.accept()
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._open.append(plain)
                self._threads.append(threading.Thread(target=self._serve, args=(plain, self.connections)))
                self._threads[-1].start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        with plain, contextlib.suppress(OSError, HangUpError):
            link = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with link:
                while (request := read_request(link, number)) is not None:
                    self.requests.append(request)
                    self._play(Wire(link, self._ended, request))

    def _play(self, wire: Wire) -> None:
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, bytes):
            wire.socket.sendall(step)
        else:
            step(wire)


def read_request(link: socket.socket, number: int) -> Request | None:
    """Read one request with its body, or None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := link.recv(65536)):
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    request = Request(number, head.decode(), body)
    length = int(request.headers.get("content-length", "0"))
    while len(body) < length:
        body += link.recv(65536)
    return request._replace(body=body)
