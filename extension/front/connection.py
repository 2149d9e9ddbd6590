"""One client's connection: bytes in, one request at a time to the application, bytes out.

    idle ──bytes──► reading ──whole head──► asked ──response──► sending ──all sent──► idle
                       └──malformed, late──► refused ──► lingering ──► closed

Law: nothing is read while an answer is owed or unsent, so a connection holds at most one response and the bytes of one
read beyond the request in hand. Events are hints: what the socket itself says counts, for a descriptor may have been
closed and given to another client within one turn.
"""

from __future__ import annotations

from _socket import MSG_PEEK, SHUT_WR
from select import EPOLLIN, EPOLLOUT

from extension.core.conversation import Conversation
from extension.core.refusals import ask, crashed, slow_head, whereabouts
from extension.core.wire import Response, encode
from extension.front.exchange import Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

    from extension.core.wire import Request
    from extension.front.loop import Front

READ_SIZE = 16384


class Connection:
    """A client of the front."""

    __slots__ = ("_closing", "_exchange", "_sock", "_talk", "_unsent", "_use_memo", "fd", "front", "used_at", "watched")

    def __init__(self, front: Front, sock: socket, *, ping_only: bool) -> None:
        """Take over `sock`; a `ping_only` connection is beyond the limit and may ask for `/ping` once."""
        self.front = front
        self.fd = sock.fileno()
        self.watched: int | None = None
        self.used_at = front.turn
        self._sock = sock
        self._talk = Conversation(ping_limit=front.max_clients if ping_only else None)
        self._use_memo = not ping_only
        self._exchange: Exchange | None = None
        self._unsent = memoryview(b"")
        self._closing = False

    @property
    def owed(self) -> bool:
        """Whether the client waits for an answer, or for the rest of one."""
        return self._exchange is not None or len(self._unsent) > 0

    @property
    def idle(self) -> bool:
        """Whether the client has begun nothing and waits for nothing, as far as the socket knows."""
        if self._closing:
            return not self.owed
        return not (self.owed or self._talk.unfinished or self._talk.ping_only) and self._is_quiet()

    def _is_quiet(self) -> bool:
        """Whether nothing has arrived that was not read yet."""
        try:
            return not self._sock.recv(1, MSG_PEEK)
        except OSError:
            return True

    def read(self, now: float) -> None:
        """Read once, and answer what has become whole: from the memo if one read brought one known request."""
        try:
            data = self._sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop()
            return
        if self._use_memo:
            ready = self.front.memo.recall(data, now)
            if ready is not None:
                self.used_at = self.front.turn
                self._send(ready.answer, ready.close)
                return
        self._talk.hear(data)
        self._proceed(now)

    def _proceed(self, now: float) -> None:
        """Answer the requests that were heard one after another, until one has to wait."""
        while self._talk.unfinished and not self.owed:
            heard = self._talk.next()
            if heard is None:
                self._set_deadline()
                break
            self.front.deadlines.stop(self)
            if isinstance(heard, Response):
                self._refuse(heard)
            else:
                self._answer(Exchange(self, *heard, now))
        self._use_memo = not (self._talk.unfinished or self._closing)

    def _answer(self, exchange: Exchange) -> None:
        """Ask the application; where it answers later, watch for nothing but the client's loss."""
        self._exchange = exchange
        response = ask(self.front.application, exchange.request, exchange.now, exchange, self.front.report)
        if response is None:
            self.front.watch(self, 0, self._notice_loss)
        else:
            self._finish(exchange, response)

    def deliver(self, exchange: Exchange, response: Response, now: float) -> None:
        """Send what came later, and go on with what the client has sent meanwhile."""
        if self._exchange is exchange:
            self._finish(exchange, response)
            self._resume(now)

    def _finish(self, exchange: Exchange, response: Response) -> None:
        """Send the response, and remember it if its lease allows."""
        front = self.front
        self._exchange = None
        self.used_at = front.turn
        close = front.stopping or self._talk.ping_only or not exchange.request.keep_alive
        payload = self._encode(response, exchange.request, close=close)
        if response.lease is not None and not (front.stopping or self._talk.ping_only):
            front.memo.put(exchange.raw, payload, response.lease, exchange.now, size=len(payload), close=close)
        self._send(payload, close)

    def _encode(self, response: Response, request: Request | None, *, close: bool) -> bytes:
        """Write the response; one that cannot be written is the application's fault, not the client's."""
        try:
            return encode(response, request, close=close)
        except Exception as error:  # noqa: BLE001 - the client shall hear of it all the same
            self.front.report(f"a response could not be written: {whereabouts(error)}")
            return encode(crashed(), request, close=close)

    def _refuse(self, response: Response) -> None:
        """Answer what is no request, or comes too late, and hear nothing more."""
        self._talk.close()
        self._send(encode(response, None, close=True), True)

    def _send(self, payload: bytes, close: bool) -> None:
        """Send what there is room for; the rest follows when there is more."""
        self._closing = close
        try:
            sent = self._sock.send(payload)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.drop()
            return
        if sent != len(payload):
            self._unsent = memoryview(payload)[sent:]
            self.front.watch(self, EPOLLOUT, self._flush)
            self._set_deadline()
        elif close:
            self._close()

    def _flush(self, now: float) -> None:
        """Send on what the client had no room for."""
        try:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self.drop()
            return
        self.front.deadlines.stop(self)
        if self._unsent:
            self._set_deadline()
        elif self._closing:
            self._close()
        else:
            self._resume(now)

    def _resume(self, now: float) -> None:
        """Take up reading where it was left."""
        self._proceed(now)
        if not (self.owed or self._closing):
            self.front.watch(self, EPOLLIN, self.read)

    def _notice_loss(self, _now: float) -> None:
        """See whether the client is gone for good; a half-closed one still waits for its answer."""
        try:
            self._sock.send(b"")
        except OSError:
            self.drop()

    def _close(self) -> None:
        """Close; but after a refusal let the client finish its say first, lest a reset swallow the answer."""
        if self._talk.over:
            try:
                self._sock.shutdown(SHUT_WR)
            except OSError:
                self.drop()
            else:
                self.front.watch(self, EPOLLIN, self.read)
                self._set_deadline()
        else:
            self.drop()

    def _set_deadline(self) -> None:
        """Wait for the client's next step, but not for ever."""
        self.front.deadlines.start(self, self.front.head_timeout_seconds)

    def expire(self) -> None:
        """End the wait for a head with a refusal, any other with a close."""
        if self._talk.unfinished and not self._unsent:
            self._refuse(slow_head(self.front.head_timeout_seconds))
        else:
            self.drop()

    def abandon(self, response: Response) -> None:
        """End with `response` if an answer is owed, and without a word if not."""
        if self._exchange is not None:
            self._finish(self._exchange, response)
        self.drop()

    def drop(self) -> None:
        """Close now; an answer still to come will find nobody."""
        self._exchange = None
        self._unsent = memoryview(b"")
        self._closing = True
        self._talk.close()
        self.front.forget(self)
        self._sock.close()
