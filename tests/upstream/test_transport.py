"""Connections kept alive, dropped, and replaced."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from extension.core.errors import TimedOut, Unreachable
from extension.upstream.connection import Dialer, Limits
from extension.upstream.http1 import request_bytes
from extension.upstream.tls import Trust
from extension.upstream.transport import IDLE_SECONDS, Transport
from tests.servers.authority import Authority
from tests.servers.clock import Clock
from tests.servers.scripted import (
    ScriptedServer,
    Wire,
    hang,
    hang_up,
    reply,
    reset,
    then_hang_up,
)

if TYPE_CHECKING:
    from tests.servers.scripted import Step

POST = request_bytes("POST", "/", [("Host", "localhost"), ("X-Token", "planted")], b"planted")
OK = reply(b"yes")
HALF = OK[:-2]


def ask(transport: Transport, server: ScriptedServer) -> bytes:
    """Send a request and return the body."""
    return transport.send(server.origin, POST, attempt_seconds=10).body


@pytest.mark.parametrize("secure", [False, True])
def test_a_connection_is_used_again(transport: Transport, authority: Authority, secure: bool) -> None:
    """Two requests in a row need one connection."""
    tls = authority.context("localhost") if secure else None
    with ScriptedServer([OK], tls=tls, host="localhost" if secure else "127.0.0.1") as server:
        assert [ask(transport, server), ask(transport, server)] == [b"yes", b"yes"]
        assert server.connections == 1
        transport.close()


@pytest.mark.parametrize("seconds", [IDLE_SECONDS, 86_400.0, -IDLE_SECONDS, -86_400.0])
def test_an_old_connection_is_dropped(transport: Transport, wall: Clock, seconds: float) -> None:
    """After 20 s of wall clock, and after a jump either way, a connection is not trusted to be alive."""
    with ScriptedServer([OK]) as server:
        ask(transport, server)
        wall.now += seconds
        ask(transport, server)

        assert [request.connection for request in server.requests] == [1, 2]
        transport.close()


def test_old_connections_to_elsewhere_are_closed_as_well(transport: Transport, wall: Clock) -> None:
    """A region that is asked once does not keep its descriptor."""
    ended = threading.Event()

    def watch(wire: Wire) -> None:
        wire.socket.sendall(OK)
        assert wire.socket.recv(1) == b""
        ended.set()

    with ScriptedServer([watch]) as elsewhere, ScriptedServer([OK]) as here:
        ask(transport, elsewhere)
        wall.now += IDLE_SECONDS
        ask(transport, here)

        assert ended.wait(10)
        transport.close()


def test_a_young_connection_is_kept(transport: Transport, wall: Clock) -> None:
    """Just under 20 s is young."""
    with ScriptedServer([OK]) as server:
        ask(transport, server)
        wall.now += IDLE_SECONDS - 0.1
        ask(transport, server)

        assert server.connections == 1
        transport.close()


@pytest.mark.parametrize("death", [hang_up, reset])
def test_death_on_a_reused_connection_is_made_good(transport: Transport, death: Step) -> None:
    """A request that dies unanswered on a kept connection is sent once more, on a new one."""
    with ScriptedServer([OK, death, OK]) as server:
        assert [ask(transport, server), ask(transport, server)] == [b"yes", b"yes"]
        assert [request.connection for request in server.requests] == [1, 1, 2]
        transport.close()


def test_death_of_the_second_connection_is_final(transport: Transport) -> None:
    """Once more means once."""
    with ScriptedServer([OK, hang_up]) as server:
        ask(transport, server)
        with pytest.raises(Unreachable):
            ask(transport, server)
        assert [request.connection for request in server.requests] == [1, 1, 2]


@pytest.mark.parametrize("death", [hang_up, reset, then_hang_up(HALF)])
def test_death_on_a_new_connection_is_final(transport: Transport, death: Step) -> None:
    """On a new connection the request is not repeated here: that is for those who know what it means."""
    with ScriptedServer([death]) as server:
        with pytest.raises(Unreachable):
            ask(transport, server)
        assert len(server.requests) == 1


def test_half_an_answer_is_not_asked_for_again(transport: Transport) -> None:
    """When a byte of the response has come, the request is not sent again, though the connection was an old one."""
    with ScriptedServer([OK, then_hang_up(HALF)]) as server:
        ask(transport, server)
        with pytest.raises(Unreachable, match="in the middle of the response"):
            ask(transport, server)
        assert len(server.requests) == 2


def test_silence_on_a_reused_connection_is_not_waited_for_twice(dialer: Dialer, wall: Clock) -> None:
    """A timeout has used the attempt up."""
    transport = Transport(Dialer(Trust(), Limits(read_seconds=0.05)), wall=wall, monotonic=Clock())
    with ScriptedServer([OK, hang]) as server:
        ask(transport, server)
        with pytest.raises(TimedOut):
            ask(transport, server)
        assert len(server.requests) == 2


def test_a_connection_that_shall_close_is_closed(transport: Transport) -> None:
    """`Connection: close` and bytes behind the response end the connection."""
    with ScriptedServer([reply(b"yes", Connection="close"), OK + b"more", OK]) as server:
        assert [ask(transport, server) for _ in range(3)] == [b"yes"] * 3
        assert server.connections == 3
        transport.close()


def test_broken_answers_say_what_is_broken_and_nothing_sent(transport: Transport) -> None:
    """The message names host and fault, and holds nothing of the request or the response."""
    with ScriptedServer([then_hang_up(b"planted\r\n\r\n")]) as server:
        with pytest.raises(Unreachable, match=r"no usable answer from 127.0.0.1:\d+: the answer is not HTTP") as caught:
            ask(transport, server)
        assert "planted" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_the_connection_used_last_is_used_next(transport: Transport) -> None:
    """Idle connections are taken from the warm end, so that surplus ones grow old."""
    both_in = threading.Barrier(2)

    def together(wire: Wire) -> None:
        both_in.wait(10)
        wire.socket.sendall(OK)

    with ScriptedServer([together, together, OK]) as server, ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: ask(transport, server), range(2)))
        ask(transport, server)
        ask(transport, server)

        last = [request.connection for request in server.requests[2:]]
        assert server.connections == 2
        assert last[0] == last[1]
        transport.close()


def test_many_threads_get_their_own_answers(transport: Transport) -> None:
    """Each response goes to the thread that asked, whatever connections they share."""

    def echo(wire: Wire) -> None:
        wire.socket.sendall(reply(wire.request.body))

    def ask_for(number: int) -> bool:
        body = b"%d" % number
        request = request_bytes("POST", "/", [("Host", "h")], body)
        return transport.send(server.origin, request, attempt_seconds=10).body == body

    with ScriptedServer([echo]) as server, ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask_for, range(200)))
        transport.close()


def test_close_leaves_nothing_open(transport: Transport) -> None:
    """After `close` the next request needs a new connection: none lives through a snapshot."""
    with ScriptedServer([OK]) as server:
        ask(transport, server)
        transport.close()
        ask(transport, server)

        assert server.connections == 2
        transport.close()
