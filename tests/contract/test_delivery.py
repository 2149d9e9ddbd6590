"""Answers that come later, from other threads: in order, once, to whoever still waits."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from extension.core.wire import Response
from tests.contract.client import Client
from tests.contract.fakes import FakeLease

if TYPE_CHECKING:
    from tests.contract.fakes import FakeApplication
    from tests.contract.shells import Running


def test_an_answer_may_come_later(shell: Running, application: FakeApplication) -> None:
    """From a thread of its own."""
    with Client(shell.address) as client:
        client.get("/later")
        Thread(target=application.later.get(timeout=20), args=(Response(200, b"late"),)).start()
        assert client.reply().body == b"late"
        assert client.get("/ping").reply().status == 200


def test_nobody_waits_for_somebody_elses_answer(shell: Running, application: FakeApplication) -> None:
    """While one client waits, the others are served."""
    with Client(shell.address) as waiting, Client(shell.address) as other:
        waiting.get("/later")
        deliver = application.later.get(timeout=20)
        assert other.get("/ping").reply().status == 200
        deliver(Response(200, b"late"))
        assert waiting.reply().body == b"late"


def test_answers_keep_the_order_of_their_requests(shell: Running, application: FakeApplication) -> None:
    """What is sent behind a waiting request is not even asked before that is answered."""
    with Client(shell.address) as client, Client(shell.address) as other:
        client.get("/later").get("/ping").get("/later").send(b"GET /echo HTT")
        deliver = application.later.get(timeout=20)
        assert other.get("/ping").reply().status == 200
        assert application.asked == 2
        deliver(Response(200, b"first"))
        assert client.reply().body == b"first"
        assert client.reply().body == b"healthy"
        application.later.get(timeout=20)(Response(200, b"third"))
        assert client.reply().body == b"third"
        assert client.send(b"P/1.1\r\nHost: a\r\n\r\n").reply().status == 200


def test_a_second_delivery_is_dropped(shell: Running, application: FakeApplication) -> None:
    """Only the first counts, whatever the client has asked since."""
    with Client(shell.address) as client:
        client.get("/later")
        deliver = application.later.get(timeout=20)
        deliver(Response(200, b"one"))
        deliver(Response(200, b"two"))
        assert client.reply().body == b"one"
        client.get("/later")
        deliver(Response(200, b"three"))
        application.later.get(timeout=20)(Response(200, b"four"))
        assert client.reply().body == b"four"


def test_a_late_answer_is_remembered(shell: Running, application: FakeApplication) -> None:
    """A lease counts whenever it comes: the same request again is not asked again."""
    lease = FakeLease()
    with Client(shell.address) as client:
        client.get("/later")
        application.later.get(timeout=20)(Response(200, b"s3cret", lease=lease))
        assert client.reply().body == b"s3cret"
        assert client.get("/later").reply().body == b"s3cret"
    assert (application.asked, lease.hits) == (1, 1)


def test_a_remembered_answer_ends_with_its_lease(shell: Running, application: FakeApplication) -> None:
    """Then the application is asked again."""
    with Client(shell.address) as client:
        assert client.get("/leased").reply().body == b"s3cret"
        assert client.get("/leased").reply().body == b"s3cret"
        assert application.asked == 1
        application.lease.current = False
        assert client.get("/leased").reply().body == b"s3cret"
        assert application.asked == 2
        assert len(shell.memo) == 0


def test_a_request_in_pieces_fills_the_memo_too(shell: Running, application: FakeApplication) -> None:
    """What counts is the request's bytes, not how they came."""
    with Client(shell.address) as client:
        assert client.send(b"GET /leased HT", b"TP/1.1\r\nHost: localhost\r\n\r\n").reply().status == 200
        assert client.get("/leased").reply().status == 200
    assert application.asked == 1


def test_a_late_delivery_to_nobody_is_no_fault(shell: Running, application: FakeApplication) -> None:
    """A client that went away is nobody's trouble."""
    client = Client(shell.address).get("/later")
    deliver = application.later.get(timeout=20)
    client.close()
    deliver(Response(200, b"late"))
    with Client(shell.address) as other:
        assert other.get("/ping").reply().status == 200
    assert shell.reports == []
