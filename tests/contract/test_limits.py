"""How either shell keeps its limits: seats, slow heads, stalled readers; and that idle clients cost nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from extension.core.wire import Response
from tests.contract.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.fakes import FakeApplication
    from tests.contract.shells import Running

HEALTHY = b"healthy"


@pytest.fixture
def full(start: Callable[..., Running], application: FakeApplication) -> Running:
    """Start a shell with two seats."""
    return start(max_clients=2)


def test_the_longest_idle_gives_way(full: Running) -> None:
    """At the limit a newcomer takes the seat of the client that has been idle longest."""
    with Client(full.address) as first, Client(full.address) as second:
        assert second.get("/ping").reply().body == HEALTHY
        assert first.get("/ping").reply().body == HEALTHY
        with Client(full.address) as third:
            assert third.get("/ping").reply().body == HEALTHY
            assert first.get("/ping").reply().body == HEALTHY
            assert second.rest() == b""


def test_a_hit_from_the_memo_is_a_use(full: Running) -> None:
    """Who is answered from the memo has not been idle."""
    with Client(full.address) as first, Client(full.address) as second:
        assert first.get("/leased").reply().status == 200
        assert second.get("/leased").reply().status == 200
        assert first.get("/leased").reply().status == 200
        with Client(full.address) as third:
            assert third.get("/ping").reply().body == HEALTHY
            assert first.get("/ping").reply().body == HEALTHY
            assert second.rest() == b""


def test_nobody_gives_way_who_is_busy(full: Running, application: FakeApplication) -> None:
    """A pending request and a begun head keep their seats; the newcomer is told so, and when to come again."""
    with Client(full.address) as pending, Client(full.address) as begun:
        assert begun.get("/ping").reply().body == HEALTHY
        begun.send(b"GET")
        pending.get("/later")
        deliver = application.later.get(timeout=20)
        with Client(full.address) as newcomer:
            reply = newcomer.get("/echo").reply()
            assert reply.status == 429
            assert reply.headers["Retry-After"] == "1"
            assert json.loads(reply.body)["message"].startswith("Connection limit exceeded")
            assert newcomer.rest() == b""
        deliver(Response(200, HEALTHY))
        assert pending.reply().body == HEALTHY
        assert begun.send(b" /ping HTTP/1.1\r\nHost: a\r\n\r\n").reply().body == HEALTHY


def test_a_ping_gets_through_when_all_are_busy(full: Running, application: FakeApplication) -> None:
    """Two more seats are for health checks, each for one answer."""
    with Client(full.address) as first, Client(full.address) as second:
        first.get("/later")
        second.get("/later")
        application.later.get(timeout=20)
        application.later.get(timeout=20)
        with Client(full.address) as checker:
            reply = checker.get("/ping?x").reply()
            assert (reply.status, reply.body, reply.headers["Connection"]) == (200, HEALTHY, "close")
            assert checker.rest() == b""


def test_the_extra_seats_have_a_limit_too(full: Running, application: FakeApplication) -> None:
    """Beyond two more, even a health check is turned away."""
    with Client(full.address) as first, Client(full.address) as second:
        first.get("/later")
        second.get("/later")
        application.later.get(timeout=20)
        application.later.get(timeout=20)
        with Client(full.address) as one, Client(full.address) as two, Client(full.address) as beyond:
            one.send(b"GET /pi")
            two.send(b"GET /pi")
            assert beyond.get("/ping").reply().status == 429
            assert beyond.rest() == b""
            assert one.send(b"ng HTTP/1.0\r\n\r\n").reply().body == HEALTHY
            assert two.send(b"ng HTTP/1.0\r\n\r\n").reply().body == HEALTHY


def test_a_seat_is_free_again_when_its_client_goes(full: Running, application: FakeApplication) -> None:
    """Also that of one who did not wait for the answer; the answer then finds nobody."""
    with Client(full.address) as stays:
        stays.get("/later")
        deliver_first = application.later.get(timeout=20)
        gone = Client(full.address).get("/later")
        deliver_to_nobody = application.later.get(timeout=20)
        reset(gone)
        with Client(full.address) as newcomer:
            assert newcomer.get("/ping", "X: y").reply().status in (200, 429)
        deliver_to_nobody(Response(200, b"too late"))
        deliver_first(Response(200, HEALTHY))
        assert stays.reply().body == HEALTHY
    assert full.reports == []


def reset(client: Client) -> None:
    """Close so that the other side hears of it at once."""
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    client.sock.setsockopt(1, 13, linger)  # SOL_SOCKET, SO_LINGER
    client.close()


def test_a_client_may_vanish_at_any_time(shell: Running, application: FakeApplication) -> None:
    """Idle, in the middle of its head, or of an answer: nobody else notices, and nothing is reported."""
    reset(Client(shell.address).get("/ping"))
    reset(Client(shell.address).send(b"GET"))
    reset(Client(shell.address, receive_buffer=4096).get("/big").get("/ping"))
    with Client(shell.address) as halfway:
        halfway.get("/big").sock.recv(1)
        reset(halfway)
    with Client(shell.address) as refused:
        refused.send(b"\0").reply()
        reset(refused)
    with Client(shell.address) as other:
        assert other.get("/ping").reply().status == 200
        assert other.get("/ping").reply().status == 200
    assert shell.reports == []


def test_a_head_must_not_trickle(start: Callable[..., Running]) -> None:
    """A head has its time from its first byte; bytes that trickle in do not prolong it."""
    shell = start(head_timeout_seconds=0.05)
    with Client(shell.address) as client:
        reply = client.send(b"G", b"E").reply()
        assert reply.status == 408
        assert "0.05 s after its first byte" in json.loads(reply.body)["message"]
        assert client.rest() == b""


def test_the_second_head_has_its_time_too(start: Callable[..., Running]) -> None:
    """What follows an answered request on the same connection is timed from its own first byte."""
    shell = start(head_timeout_seconds=0.05)
    with Client(shell.address) as client:
        client.send(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\nGET")
        assert client.reply().body == HEALTHY
        assert client.reply().status == 408


def test_an_idle_client_may_stay(start: Callable[..., Running]) -> None:
    """For longer than a head may take, as often as it likes."""
    shell = start(head_timeout_seconds=0.05)
    with Client(shell.address) as idle, Client(shell.address) as slow:
        assert idle.get("/ping").reply().body == HEALTHY
        assert slow.send(b"G").reply().status == 408
        assert idle.get("/ping").reply().body == HEALTHY


def test_a_client_that_never_reads_is_dropped_in_the_end(start: Callable[..., Running]) -> None:
    """An answer that nobody takes is not kept for ever."""
    shell = start(head_timeout_seconds=0.05)
    with Client(shell.address, receive_buffer=4096) as deaf:
        deaf.get("/big")
        assert Client(shell.address).send(b"G").last().status == 408
        assert Client(shell.address).send(b"G").last().status == 408
        assert len(deaf.rest()) < 8_000_000
