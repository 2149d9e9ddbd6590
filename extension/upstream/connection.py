"""One connection: names resolved, addresses tried, a tunnel asked for, TLS shaken hands on, one exchange at a time.

Law: nothing here waits longer than its `Bound`, not even for a server that sends a byte now and then; and nothing waits
on for a peer that a freeze has lost. Failures leave as OSError (TimeoutError and FrozenError among them) or
BrokenResponseError; `transport` gives them words.
"""

from __future__ import annotations

import _socket

from extension.core.record import Record
from extension.upstream.bound import NAP_SECONDS
from extension.upstream.http1 import BrokenResponseError, ResponseParser
from extension.upstream.names import look_up
from extension.upstream.proxy import connect_request
from extension.upstream.tls import may_know_elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from extension.upstream.bound import Bound
    from extension.upstream.http1 import Response
    from extension.upstream.names import Resolve
    from extension.upstream.origin import Origin
    from extension.upstream.proxy import Proxy
    from extension.upstream.tls import Trust

    T = TypeVar("T")

_READ_BYTES = 65_536
_CONNECT_OK = 200


class _Socket(_socket.socket):
    """A socket that the TLS layer can refer to weakly, as it must."""

    __slots__ = ("__weakref__",)


class Connection:
    """A connected socket, plain or TLS, and the time of the wall clock when it was last used."""

    __slots__ = ("_plain", "_receive", "_send", "answering", "idle_since")

    def __init__(self, plain: _socket.socket) -> None:
        """Take the socket over."""
        self._plain = plain
        self._send: Callable[[bytes], Any] = plain.sendall
        self._receive: Callable[[int], bytes] = plain.recv
        self.answering = False
        self.idle_since = 0.0

    def start_tls(self, host: str, store: str, trust: Trust, bound: Bound) -> None:
        """Speak TLS from here on; the host's name and chain are verified."""
        tls = trust.wrap(self._plain, host, store)
        self._wait(tls.do_handshake, bound, bound.seconds)
        self._send = tls.write
        self._receive = tls.read

    def exchange(self, request: bytes, bound: Bound, read_seconds: float) -> tuple[Response, bool]:
        """Send a request and return its response, and whether the connection may carry another one."""
        self.answering = False
        self._plain.settimeout(bound.left(read_seconds))
        self._send(request)
        parser = ResponseParser()
        while not (data := self._next(bound, read_seconds)) or parser.feed(data) is None:
            self.answering = parser.started
            if not data:
                return parser.finish(), False
        return parser.finish(), parser.reusable

    def _next(self, bound: Bound, read_seconds: float) -> bytes:
        return self._wait(lambda: self._receive(_READ_BYTES), bound, read_seconds)

    def _wait(self, step: Callable[[], T], bound: Bound, seconds: float) -> T:
        """Take a step that waits for the peer, in naps: it can be taken up again where a nap ended it."""
        while True:
            nap = bound.left(min(seconds, NAP_SECONDS))
            self._plain.settimeout(nap)
            try:
                return step()
            except TimeoutError:
                bound.check_freeze()
                seconds -= nap

    def ask_for_tunnel(self, origin: Origin, proxy: Proxy, bound: Bound, read_seconds: float) -> None:
        """Have `proxy` connect us through to `origin`."""
        self._plain.settimeout(bound.left(read_seconds))
        self._send(connect_request(origin.host, origin.port, proxy))
        head = b""
        while b"\r\n\r\n" not in head and (data := self._next(bound, read_seconds)):
            head += data
        _check_tunnel(head)

    def close(self) -> None:
        """Close at once, without the farewell that TLS would wait for."""
        self._plain.close()


def _check_tunnel(head: bytes) -> None:
    """Raise unless the proxy's answer is a 200 and nothing else came with it."""
    end = head.find(b"\r\n\r\n")
    version, _, rest = head.partition(b" ")
    if end < 0 or not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        msg = "the proxy's answer is not HTTP"
        raise BrokenResponseError(msg)
    status = int(rest[:3])
    if status != _CONNECT_OK or len(head) != end + 4:
        msg = f"the proxy refused the tunnel with status {status}"
        raise BrokenResponseError(msg)


class Limits(Record):
    """`connect_seconds` bounds each address that is tried, `read_seconds` each silence."""

    connect_seconds: float = 1.0
    read_seconds: float = 3.0


class Dialer:
    """Opens connections: directly, or through the proxy that `proxy_for` names."""

    def __init__(
        self,
        trust: Trust,
        limits: Limits,
        *,
        proxy_for: Callable[[str, int], Proxy | None] = lambda _host, _port: None,
        resolve: Resolve | None = None,
    ) -> None:
        """Keep whom to trust and which way to go."""
        self._trust = trust
        self._limits = limits
        self._proxy_for = proxy_for
        self._resolve = resolve or look_up

    @property
    def read_seconds(self) -> float:
        """How long a silence may be."""
        return self._limits.read_seconds

    def open(self, origin: Origin, bound: Bound) -> Connection:
        """Return a new connection to `origin`, ready for a request."""
        if origin.scheme == "http":
            return self._reach(origin.host, origin.port, bound)
        stores = self._trust.candidates(origin.host)
        for store in stores[:-1]:
            try:
                return self._open_tls(origin, store, bound)
            except OSError as error:
                if not may_know_elsewhere(error):
                    raise
        return self._open_tls(origin, stores[-1], bound)

    def _open_tls(self, origin: Origin, store: str, bound: Bound) -> Connection:
        proxy = self._proxy_for(origin.host, origin.port)
        connection = (
            self._reach(proxy.host, proxy.port, bound) if proxy else self._reach(origin.host, origin.port, bound)
        )
        try:
            if proxy:
                connection.ask_for_tunnel(origin, proxy, bound, self.read_seconds)
            connection.start_tls(origin.host, store, self._trust, bound)
        except BaseException:
            connection.close()
            raise
        self._trust.remember(origin.host, store)
        return connection

    def _reach(self, host: str, port: int, bound: Bound) -> Connection:
        """Connect to the first address of `host` that answers."""
        failure: OSError = _socket.gaierror(_socket.EAI_NONAME, "the name has no address")
        for family, kind, protocol, _, address in self._resolve(host, port, bound.left(bound.seconds)):
            try:
                return Connection(_connected(_Socket(family, kind, protocol), address, bound, self._limits))
            except OSError as error:
                failure = error
        raise failure


def _connected(plain: _Socket, address: Any, bound: Bound, limits: Limits) -> _Socket:
    """Connect a socket, or close it."""
    try:
        plain.settimeout(bound.left(limits.connect_seconds))
        plain.connect(address)
        plain.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    except OSError:
        plain.close()
        raise
    return plain
