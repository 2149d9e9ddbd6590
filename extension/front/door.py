"""The listeners, and who may come in.

    seats free, or an idle client gives way ──► client
    none, but one of two more seats          ──► may ask for /ping, once
    none                                     ──► 429

Law: being short of descriptors is no reason to spin or to die: the idle give way, else the door stays shut for a
moment while callers wait in the accept queue.
"""

from __future__ import annotations

from _socket import AF_UNIX, IPPROTO_TCP, TCP_NODELAY, socket
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM

from extension.core.refusals import too_many_clients
from extension.core.wire import encode
from extension.front.connection import READ_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.front.loop import Front

_PING_SEATS = 2
_SHORTAGES = frozenset((EMFILE, ENFILE, ENOBUFS, ENOMEM))
_SHUT_SECONDS = 0.25


class Door:
    """Accepts for the front."""

    def __init__(self, front: Front, listeners: list[socket]) -> None:
        self._front = front
        self._listeners = listeners
        for listener in listeners:
            listener.setblocking(False)
            if listener.family != AF_UNIX:
                listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # inherited by what is accepted

    def open(self) -> None:
        """Let clients come."""
        for listener in self._listeners:
            self._front.listen(listener.fileno(), self._acceptor(listener))

    def close(self, now: float) -> None:
        """Let in those who wait already, then close for good."""
        for listener in self._listeners:
            while self._accept(listener, now):
                pass
            self._front.unlisten(listener.fileno())
            listener.close()
        self._listeners = []

    def shut(self) -> None:
        """Let nobody in for a moment."""
        for listener in self._listeners:
            self._front.unlisten(listener.fileno())
        self._front.deadlines.start(self, _SHUT_SECONDS)

    def expire(self) -> None:
        """Open again after the moment."""
        self.open()

    def _acceptor(self, listener: socket) -> Callable[[float], None]:
        """Bind a listener to `accept`."""

        def accept(now: float) -> None:
            self._accept(listener, now)

        return accept

    def _accept(self, listener: socket, now: float) -> bool:
        """Take one client in, and tell whether there was one; more come with the next turn, after the others'."""
        try:
            fd, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - the public one is in the slow module
        except OSError as error:
            if error.errno in _SHORTAGES and not self._front.make_room():
                self.shut()
            return False
        sock = socket(listener.family, listener.type, listener.proto, fd)
        sock.setblocking(False)
        self._admit(sock, now)
        return True

    def _admit(self, sock: socket, now: float) -> None:
        """Give the client a seat."""
        front = self._front
        while front.client_count >= front.max_clients and front.make_room():
            pass
        beyond = front.client_count - front.max_clients
        if beyond < 0:
            front.welcome(sock, now, ping_only=False)
        elif beyond < _PING_SEATS:
            front.welcome(sock, now, ping_only=True)
        else:
            self._turn_away(sock)

    def _turn_away(self, sock: socket) -> None:
        """Refuse at once, having read what is there, lest closing reset the connection under the answer."""
        try:  # noqa: SIM105 - contextlib is not imported at cold start
            sock.recv(READ_SIZE)
        except OSError:
            pass  # nothing there yet
        try:  # noqa: SIM105
            sock.send(encode(too_many_clients(self._front.max_clients), None, close=True))
        except OSError:
            pass  # gone already
        sock.close()
