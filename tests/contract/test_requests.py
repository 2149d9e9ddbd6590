"""What every client gets from either shell: answers, refusals and the connection's state after them."""

from __future__ import annotations

import json
from _socket import AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, socket
from typing import TYPE_CHECKING

import pytest

from tests.contract.cases import REFUSED
from tests.contract.client import Client, converse
from tests.contract.fakes import BIG
from tests.contract.shells import listening

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.fakes import FakeApplication
    from tests.contract.shells import Running

PING = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\nCache-Control: no-store\r\n"
    b"X-Sidekey-Cache: hit\r\n\r\ns3cret"
)
CRASHED = b'{"__type":"InternalFailure","message":"the extension failed on this request; its log says where"}'


def test_an_answer_names_no_server_and_no_date(shell: Running) -> None:
    """The bytes are ours to the last, so that ready ones stay ready."""
    assert converse(shell.address, [b"GET /leased HTTP/1.1\r\nHost: a\r\n\r\n"]) == OK


@pytest.mark.parametrize(("family", "host"), [(AF_INET, "127.0.0.1"), (AF_INET6, "::1")])
def test_any_loopback_will_do(start: Callable[..., Running], family: int, host: str) -> None:
    """Where `localhost` is ::1 first, that is where the client is served."""
    shell = start(listener=listening(socket(family, SOCK_STREAM, 0), (host, 0)))
    assert converse(shell.address[:2], [PING]).endswith(b"healthy")


def test_a_unix_socket_will_do(start: Callable[..., Running], tmp_path: Path) -> None:
    """For sidecars that share no network."""
    path = str(tmp_path / "sidekey")
    assert converse(start(listener=listening(socket(AF_UNIX, SOCK_STREAM, 0), path)).address, [PING]).endswith(
        b"healthy"
    )


def test_a_connection_is_kept(shell: Running) -> None:
    """One connection answers many requests."""
    with Client(shell.address) as client:
        assert client.get("/ping").reply().body == b"healthy"
        assert client.get("/ping").reply().body == b"healthy"


@pytest.mark.parametrize(
    ("version", "header", "says"),
    [("1.1", "Connection: close", "close"), ("1.0", "A: b", "close"), ("1.0", "Connection: keep-alive", "keep-alive")],
)
def test_the_answer_says_what_becomes_of_the_connection(shell: Running, version: str, header: str, says: str) -> None:
    """Closing is announced, and so is keeping where it is not the version's default."""
    with Client(shell.address) as client:
        assert client.get("/ping", header, version=version).reply().headers["Connection"] == says


@pytest.mark.parametrize("request_line", ["/ping HTTP/1.0", "/leased HTTP/1.0"])
def test_a_closed_connection_is_closed(shell: Running, request_line: str) -> None:
    """After an answer that said so, also one out of the memo, nothing more comes."""
    request = f"GET {request_line}\r\n\r\n".encode()
    with Client(shell.address) as first, Client(shell.address) as second:
        first.send(request).reply()
        assert first.rest() == b""
        second.send(request).reply()
        assert second.rest() == b""


def test_head_gets_the_headers_of_get(shell: Running) -> None:
    """Content-Length included, the body not."""
    with Client(shell.address) as client:
        head = client.get("/leased", method="HEAD").reply(to_head=True)
        get = client.get("/leased").reply()
        assert head.headers == get.headers
        assert client.get("/ping").reply().status == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "BREW", "CONNECT"])
def test_any_method_without_a_body_reaches_the_application(shell: Running, method: str) -> None:
    """To refuse it in its dialect's words is the application's part."""
    with Client(shell.address) as client:
        seen = json.loads(client.get("/echo", method=method).reply().body)
        assert seen == [method, "/echo", "HTTP/1.1", True, {"host": "localhost"}]


@pytest.mark.parametrize("headers", [("Upgrade: websocket", "Connection: Upgrade"), ("Upgrade: h2c",)])
def test_an_offer_to_upgrade_is_passed_over(shell: Running, headers: tuple[str, ...]) -> None:
    """The answer is a plain one, and the connection goes on."""
    with Client(shell.address) as client:
        assert client.get("/ping", *headers).reply().body == b"healthy"
        assert client.get("/ping").reply().body == b"healthy"


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_gets_a_sentence_and_an_end(shell: Running, case: str) -> None:
    """Whatever breaks HTTP has its status and words; the connection is closed after it; nothing is logged."""
    sent, status, words = REFUSED[case]
    with Client(shell.address) as client:
        reply = client.send(sent).reply()
        assert reply.status == status
        assert words in json.loads(reply.body)["message"]
        assert reply.headers["Connection"] == "close"
        assert client.rest() == b""
    assert shell.reports == []


def test_what_came_before_a_fault_is_answered(shell: Running) -> None:
    """A refusal ends a connection, not the requests before it."""
    with Client(shell.address) as client:
        client.send(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\nGET\n")
        assert client.reply().body == b"healthy"
        assert client.reply().status == 400
        assert client.rest() == b""


def test_a_fault_of_the_application_is_one_requests(shell: Running) -> None:
    """It gets a 500 without details, the log the place without the values, and the connection goes on."""
    with Client(shell.address) as client:
        assert client.get("/crash").reply()[::2] == (500, CRASHED)
        assert client.get("/ping").reply().status == 200
    [report] = shell.reports
    assert "KeyError at " in report
    assert "s3cret" not in report


def test_an_answer_that_cannot_be_written_is_a_fault(shell: Running) -> None:
    """The client hears of it all the same."""
    with Client(shell.address) as client:
        assert client.get("/broken").reply()[::2] == (500, CRASHED)
        assert client.get("/ping").reply().status == 200
    [report] = shell.reports
    assert "could not be written" in report


def test_an_error_of_the_applications_is_rendered(shell: Running) -> None:
    """What it raises from our own tree keeps its status and sentence."""
    with Client(shell.address) as client:
        reply = client.get("/refuse").reply()
        assert reply[::2] == (404, b'{"__type":"InvalidRequest","message":"no such thing"}')


def test_no_header_value_breaks_out_of_its_line(shell: Running) -> None:
    """Whatever the application puts there is made harmless."""
    with Client(shell.address) as client:
        assert client.get("/header").reply().headers["X-Reason"] == "caf???X-Evil: 1"


def test_a_half_closed_client_gets_its_answers(shell: Running, application: FakeApplication) -> None:
    """Also one that comes late."""
    with Client(shell.address) as client:
        client.get("/ping").get("/later").half_close()
        application.later.get(timeout=20)(client_answer := application._at_once("/ping", None))  # type: ignore[arg-type]
        assert client.reply().body == client.reply().body == client_answer.body
        assert client.rest() == b""


def test_a_large_answer_arrives_whole(shell: Running) -> None:
    """In as many pieces as the client has room for, and from the memo as well."""
    with Client(shell.address, receive_buffer=4096) as client:
        assert client.get("/big").reply().body == BIG
        assert client.get("/big").get("/ping").reply().body == BIG
        assert client.reply().body == b"healthy"


def test_a_client_that_does_not_read_blocks_nobody(start: Callable[..., Running], application: FakeApplication) -> None:
    """Nor is more asked for it than its first answer: what it sends beyond waits in its socket."""
    shell = start(head_timeout_seconds=3600)
    with Client(shell.address, receive_buffer=4096) as deaf, Client(shell.address) as other:
        deaf.get("/big", "A: b").get("/big", "C: d").get("/big", "E: f")
        assert other.get("/ping").reply().status == 200
        assert other.get("/ping").reply().status == 200
        assert application.asked == 3
