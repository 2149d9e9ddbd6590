"""Opening connections: addresses, tunnels, bounds."""

from __future__ import annotations

import _socket
import os
import socket

import pytest

from extension.core.errors import TimedOut, Unreachable
from extension.upstream.bound import Bound
from extension.upstream.connection import Dialer, Limits
from extension.upstream.http1 import request_bytes
from extension.upstream.origin import Origin
from extension.upstream.proxy import Proxy
from extension.upstream.tls import Trust
from extension.upstream.transport import Transport
from tests.servers.authority import Authority
from tests.servers.clock import Clock
from tests.servers.scripted import ScriptedServer, Wire, drip, hang, reply, then_hang_up

GET = request_bytes("GET", "/", [("Host", "localhost")])
V4 = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
TUNNEL = b"HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\n"


def fetch(dialer: Dialer, origin: Origin, seconds: float = 5.0, step: float = 0.0) -> bytes:
    """Send a request and return the body; `step` is how much later each look at the clock is."""
    transport = Transport(dialer, wall=Clock(), monotonic=Clock(step=step))
    try:
        return transport.send(origin, GET, attempt_seconds=seconds).body
    finally:
        transport.close()


def relay(wire: Wire) -> None:
    """Play a proxy: answer CONNECT, and pass bytes on to the server that the request names."""
    host, _, port = wire.request.head.split(" ")[1].rpartition(":")
    with socket.create_connection((host, int(port))) as server:
        wire.socket.sendall(TUNNEL)
        server.settimeout(0.02)
        wire.socket.settimeout(0.02)
        alive = True
        while alive and not wire.ended.is_set():
            alive = pump(wire.socket, server) and pump(server, wire.socket)


def pump(source: socket.socket, target: socket.socket) -> bool:
    """Pass on what is there; False at the end."""
    try:
        data = source.recv(65536)
    except TimeoutError:
        return True
    target.sendall(data)
    return bool(data)


def test_every_address_is_tried() -> None:
    """A name's first address may be dead."""
    with ScriptedServer([reply(b"yes")]) as server:
        addresses = [(*V4, ("127.0.0.1", 1)), (*V4, ("127.0.0.1", server.port))]
        dialer = Dialer(Trust(), Limits(), resolve=lambda _host, _port, _seconds: addresses)

        assert fetch(dialer, server.origin) == b"yes"


def test_an_address_of_a_family_that_is_not_spoken_here_is_passed_over() -> None:
    """A name may have IPv6 addresses where the kernel has no IPv6."""
    with ScriptedServer([reply(b"yes")]) as server:
        unspoken = (255, socket.SOCK_STREAM, 0, "", ("::1", server.port))
        addresses = [unspoken, (*V4, ("127.0.0.1", server.port))]
        dialer = Dialer(Trust(), Limits(), resolve=lambda _host, _port, _seconds: addresses)

        assert fetch(dialer, server.origin) == b"yes"


def test_connections_are_quick_and_not_inherited() -> None:
    """TCP_NODELAY is set (one 44 ms stall was seen without it), and a child process gets no descriptor."""
    with ScriptedServer([reply(b"yes")]) as server:
        connection = Dialer(Trust(), Limits()).open(server.origin, Bound(5, Clock()))
        plain = connection._plain

        assert plain.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY)
        assert not os.get_inheritable(plain.fileno())
        connection.close()


@pytest.mark.parametrize(
    ("outcome", "message"),
    [([], "could not be resolved: the name has no address"), ([(*V4, ("127.0.0.1", 1))], "Connection refused")],
)
def test_nowhere_to_connect_is_unreachable(outcome: list[object], message: str) -> None:
    """A name without addresses and a refused connection are said as such."""
    dialer = Dialer(Trust(), Limits(), resolve=lambda _host, _port, _seconds: outcome)  # type: ignore[arg-type,return-value]
    with pytest.raises(Unreachable, match=message):
        fetch(dialer, Origin(scheme="http", host="h.example", port=80))


def test_tls_goes_through_the_tunnel(authority: Authority) -> None:
    """Https goes through the proxy as a tunnel; what is inside is between client and server."""
    with (
        ScriptedServer([reply(b"yes")], tls=authority.context("localhost"), host="localhost") as server,
        ScriptedServer([relay]) as proxy,
    ):
        way = Proxy(host="127.0.0.1", port=proxy.port)
        dialer = Dialer(Trust([authority.bundle]), Limits(), proxy_for=lambda _host, _port: way)

        assert fetch(dialer, server.origin) == b"yes"
        assert proxy.requests[0].head.startswith(f"CONNECT localhost:{server.port} HTTP/1.1")


def test_plain_http_goes_around_the_proxy() -> None:
    """A local endpoint, and the credential endpoint above all, is asked directly."""
    with ScriptedServer([reply(b"yes")]) as server:
        dialer = Dialer(Trust(), Limits(), proxy_for=lambda _host, _port: Proxy(host="127.0.0.1", port=1))

        assert fetch(dialer, server.origin) == b"yes"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(b"", "407 Proxy Authentication Required"), "refused the tunnel with status 407"),
        (TUNNEL + b"more", "refused the tunnel with status 200"),
        (b"SSH-2.0\r\n\r\n", "the proxy's answer is not HTTP"),
        (b"HTTP/1.1 ", "the proxy's answer is not HTTP"),
    ],
)
def test_a_proxy_that_says_no_is_named(answer: bytes, message: str) -> None:
    """What the proxy refuses is the proxy's fault, and the message says so."""
    with ScriptedServer([then_hang_up(answer)]) as proxy:
        way = Proxy(host="127.0.0.1", port=proxy.port)
        dialer = Dialer(Trust(), Limits(), proxy_for=lambda _host, _port: way)
        with pytest.raises(Unreachable, match=message):
            fetch(dialer, Origin(scheme="https", host="h", port=443))


def test_silence_ends_with_the_read_timeout() -> None:
    """A server that takes the request and says nothing is given up."""
    with ScriptedServer([hang]) as server, pytest.raises(TimedOut, match=r"no answer from 127\.0\.0\.1"):
        fetch(Dialer(Trust(), Limits(read_seconds=0.05)), server.origin)


def test_a_drip_does_not_stretch_the_bound() -> None:
    """A byte now and then satisfies every read, but not the bound of the whole attempt."""
    with ScriptedServer([drip(reply(b"x" * 500), 0.001)]) as server:
        with pytest.raises(TimedOut):
            fetch(Dialer(Trust(), Limits()), server.origin, seconds=20, step=1.0)
        assert len(server.requests) == 1


def test_a_handshake_without_answer_is_given_up(authority: Authority) -> None:
    """TLS is bounded as well: here the server accepts, and that is all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = Origin(scheme="https", host="127.0.0.1", port=silent.getsockname()[1])
        with pytest.raises(TimedOut):
            fetch(Dialer(Trust([authority.bundle]), Limits()), origin, seconds=0.05)
