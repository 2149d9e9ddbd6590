"""A server that stands between the sidecar and an AWS, over TLS, and does harm on the way.

    sidecar ──TLS──► accept ──► request ──► answer ──► AWS (plain HTTP)
                        └── a `Fault` may do otherwise at either place ──┘

Law: the same address serves well or ill from one connection to the next; what is under way when a fault ends goes on.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection, parse_headers
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from tests.servers.scripted import HangUpError, read_request, reply

if TYPE_CHECKING:
    import ssl
    from typing import Self

    from tests.servers.scripted import Request


class Call(NamedTuple):
    """A request on its way: `link` leads to the sidecar, `ended` is set when the server ends."""

    link: socket.socket
    request: Request
    endpoint: str
    ended: threading.Event

    def answer(self) -> bytes:
        """Ask the AWS behind us, and return its answer as bytes."""
        behind = HTTPConnection(urlsplit(self.endpoint).netloc, timeout=20)
        head = parse_headers(BytesIO(self.request.head.partition("\r\n")[2].encode() + b"\r\n\r\n"))
        behind.request("POST", "/", self.request.body, dict(head))
        said = behind.getresponse()
        body = said.read()
        behind.close()
        return reply(body, f"{said.status} {said.reason}", Date=said.headers["Date"])


def pass_on(call: Call) -> None:
    """Do no harm."""
    call.link.sendall(call.answer())


class Fault(NamedTuple):
    """What goes wrong: `accept` makes a link of a new connection, `serve` answers a request on it."""

    serve: Callable[[Call], None] = pass_on
    accept: Callable[[FaultyServer, socket.socket], socket.socket] | None = None


NO_FAULT = Fault()


class FaultyServer:
    """Use as a context manager; set `fault` at any time."""

    def __init__(self, endpoint: str, tls: ssl.SSLContext | None = None, listener: socket.socket | None = None) -> None:
        """Stand before the AWS at `endpoint`, on a free port of our own or on `listener`."""
        self.fault = NO_FAULT
        self.tls = tls
        self.requests: list[Request] = []
        self._endpoint = endpoint
        self._ended = threading.Event()
        self._open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self._address = self._listener.getsockname()
        self._begin()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.tls else 'http'}://localhost:{self._address[1]}"

    def open(self) -> None:
        """Listen again, at the same address."""
        self._listener = socket.create_server(self._address, backlog=128)
        self._begin()

    def _begin(self) -> None:
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,))
        self._accepting.start()

    def shut(self) -> None:
        """Listen no more, and let nobody stay."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.drop_all()

    def drop_all(self) -> None:
        """End every connection."""
        for one in list(self._open.values()):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self.shut()
        for thread in self._threads:
            thread.join()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(plain,)))
                self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        number = threading.get_ident()
        self._open[number] = plain
        with plain, contextlib.suppress(OSError, HangUpError, ValueError):
            accept = self.fault.accept or FaultyServer.secured
            with accept(self, plain) as link:
                self._open[number] = link
                while (request := read_request(link, 0)) is not None:
                    self.requests.append(request)
                    self.fault.serve(Call(link, request, self._endpoint, self._ended))
        del self._open[number]

    def secured(self, plain: socket.socket) -> socket.socket:
        """Shake hands as one should."""
        return self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
