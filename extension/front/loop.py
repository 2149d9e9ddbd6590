"""The loop: one thread that accepts, reads, asks the application and sends, all in the same turn where it can.

Law: the loop never dies of a request, a client or a full table, and never wakes without a reason: its wait is endless
unless a head is incomplete or an answer unsent (in a frozen environment a timer would tell no true time anyway).
Other threads reach it in one way only, the inbox.
"""

from __future__ import annotations

from select import EPOLLIN, epoll

from extension.core.refusals import stopping, whereabouts
from extension.front.connection import Connection
from extension.front.deadlines import Deadlines
from extension.front.door import Door
from extension.front.inbox import Inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable

    from extension.core.wire import Application
    from extension.memo import Memo

_EVENTS_PER_TURN = 64


class Front:
    """The lean profile's server over listeners that are bound and listening already; `run` serves until `stop`."""

    def __init__(
        self,
        listeners: list[socket],
        application: Application,
        *,
        memo: Memo,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        report: Callable[[str], None],
        max_clients: int = 256,
        head_timeout_seconds: float = 10.0,
    ) -> None:
        self.application = application
        self.memo = memo
        self.report = report
        self.max_clients = max_clients
        self.head_timeout_seconds = head_timeout_seconds
        self.turn = 0
        self.stopping = False
        self.deadlines = Deadlines(monotonic)
        self.inbox = Inbox()
        self._clock = clock
        self._door = Door(self, listeners)
        self._clients: dict[int, Connection] = {}
        self._handlers: dict[int, Callable[[float], None]] = {}
        self._epoll = epoll()

    # What other threads call.

    def run(self) -> None:
        """Serve until stopped."""
        self.listen(self.inbox.fd, self._open_inbox)
        self._door.open()
        try:
            while self._clients or not self.stopping:
                self._take_turn_if_there_is_memory()
        finally:
            for client in list(self._clients.values()):
                client.drop()
            self.inbox.close()
            self._epoll.close()
            self.memo.forget()

    def stop(self, grace_seconds: float) -> None:
        """End `run`: nobody new comes in, idle clients go, answers that are owed may take `grace_seconds`."""

        def begin(now: float) -> None:
            self._begin_stop(now, grace_seconds)

        self.inbox.put(begin)

    # What the loop does.

    def _take_turn_if_there_is_memory(self) -> None:
        """Take a turn; where there is no memory for it, give back what can be done without."""
        try:
            self._take_turn()
        except MemoryError:
            self.memo.forget()

    def _take_turn(self) -> None:
        """Wait for events, and handle each."""
        deadlines = self.deadlines
        events = self._epoll.poll(deadlines.patience() if deadlines.ends else -1, _EVENTS_PER_TURN)
        now = self._clock()
        self.turn += 1
        handlers = self._handlers
        for fd, _ in events:
            handler = handlers.get(fd)
            if handler is not None:
                try:
                    handler(now)
                except Exception as error:  # noqa: BLE001 - as in `_attempt`, whose call each hit would pay for
                    self._survive(error, fd)
        if deadlines.ends:
            self._attempt(self._expire_due, now, self.inbox.fd)

    def _expire_due(self, _now: float) -> None:
        """End what is due, on the clock that no freeze and no correction upsets."""
        self.deadlines.expire()

    def _open_inbox(self, now: float) -> None:
        """Make the calls that other threads have left."""
        for call in self.inbox.take():
            self._attempt(call, now, self.inbox.fd)

    def _attempt(self, call: Callable[[float], None], now: float, fd: int) -> None:
        """Call, survive a fault of our own, and part with the client it hit."""
        try:
            call(now)
        except Exception as error:  # noqa: BLE001 - the other clients must not notice
            self._survive(error, fd)

    def _survive(self, error: Exception, fd: int) -> None:
        self.report(f"a connection failed: {whereabouts(error)}")
        if fd in self._clients:
            self._clients[fd].drop()

    def _begin_stop(self, now: float, grace_seconds: float) -> None:
        """Hear what has arrived by now, then let go of all but the clients that are owed an answer."""
        self.stopping = True
        self.deadlines.start(self, grace_seconds)
        self._door.close(now)
        for client in [client for client in self._clients.values() if not client.owed]:
            self._attempt(client.read, now, client.fd)
        for client in [client for client in self._clients.values() if not client.owed]:
            client.drop()

    def expire(self) -> None:
        """End the grace: what is still owed becomes a refusal."""
        for client in list(self._clients.values()):
            client.abandon(stopping())

    # What the door and the clients ask for.

    @property
    def client_count(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def listen(self, fd: int, handler: Callable[[float], None]) -> None:
        """Call `handler` when `fd` is readable."""
        self._handlers[fd] = handler
        self._epoll.register(fd, EPOLLIN)

    def unlisten(self, fd: int) -> None:
        """Call it no more."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def welcome(self, sock: socket, now: float, *, ping_only: bool) -> None:
        """Take a client in, and read at once: most have sent their request by now."""
        client = Connection(self, sock, ping_only=ping_only)
        self._clients[client.fd] = client
        if ping_only:
            self.deadlines.start(client, self.head_timeout_seconds)
        self._attempt(client.read, now, client.fd)
        if client.watched is None and client.fd in self._clients:
            self.watch(client, EPOLLIN, client.read)

    def watch(self, client: Connection, events: int, handler: Callable[[float], None]) -> None:
        """Call `handler` at these events on a client's socket, and at its loss."""
        self._handlers[client.fd] = handler
        if client.watched is None:
            self._epoll.register(client.fd, events)
        elif client.watched != events:
            self._epoll.modify(client.fd, events)
        client.watched = events

    def make_room(self) -> bool:
        """Part with the client that has been idle longest; False where none is."""
        for client in sorted(self._clients.values(), key=_last_use):
            if client.idle:
                client.drop()
                return True
        return False

    def forget(self, client: Connection) -> None:
        """Strike a client that closes."""
        self.deadlines.stop(client)
        self._clients.pop(client.fd, None)
        self._handlers.pop(client.fd, None)


def _last_use(client: Connection) -> int:
    """Tell since when a client may have been idle, in turns: an order that no clock can upset."""
    return client.used_at
