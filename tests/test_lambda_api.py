"""The Extensions API client against a real server that plays a script of answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from extension.lambda_api import ExtensionsApiError, LambdaApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGISTERED = (
    b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: the-identifier\r\nContent-Length: 76\r\n\r\n"
    b'{"functionName":"f","functionVersion":"7","handler":"app.h","accountId":"1"}'
)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
HANG_UP = b""


def _reply(body: bytes, status: bytes = b"200 OK", head: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)


class Lambda:
    """Answers each request with the next of `answers`; an empty one hangs up without a word."""

    def __init__(self) -> None:
        self.answers: list[bytes | Callable[[socket.socket], None]] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            link, _peer = self._listener.accept()
            with link, contextlib.suppress(OSError):  # a client may hang up first
                first = link.recv(65536)
                if first == b"end":
                    return
                self.connections += 1
                self._converse(link, first)

    def _converse(self, link: socket.socket, request: bytes) -> None:
        while request:
            self.requests.append(request)
            answer = self.answers.pop(0)
            if answer == HANG_UP:
                return
            if isinstance(answer, bytes):
                link.sendall(answer)
            else:
                answer(link)
            request = link.recv(65536)

    def end(self) -> None:
        """Stop; whoever is still connected has been closed by the test."""
        with socket.create_connection(self._listener.getsockname()) as link:
            link.sendall(b"end")
            self._thread.join()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Lambda]:
    """Play Lambda's side of the Extensions API."""
    playing = Lambda()
    yield playing
    playing.end()


@pytest.fixture
def api(server: Lambda) -> Iterator[LambdaApi]:
    """Connect a client to it."""
    client = LambdaApi(server.address)
    yield client
    client.close()


def test_registers_in_one_segment_with_the_exact_name(server: Lambda, api: LambdaApi) -> None:
    """Registration carries the file's name, the events and the wish for the account id."""
    server.answers = [REGISTERED]

    registration = api.register("side.key", ["INVOKE", "SHUTDOWN"])

    assert registration.identifier == "the-identifier"
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /2020-01-01/extension/register HTTP/1.1",
        b"Host: " + server.address.encode(),
        b"Lambda-Extension-Name: side.key",
        b"Lambda-Extension-Accept-Feature: accountId",
        b"Content-Type: application/json",
        b"Content-Length: 32",
    ]
    assert body == b'{"events":["INVOKE","SHUTDOWN"]}'


def test_registration_tells_the_function(server: Lambda, api: LambdaApi) -> None:
    """The body is there for whoever asks for it."""
    server.answers = [REGISTERED]

    registration = api.register("sidekey", [])

    assert (registration.function_name, registration.account_id) == ("f", "1")
    assert registration.details() == {"functionName": "f", "functionVersion": "7", "handler": "app.h", "accountId": "1"}
    assert server.requests[0].endswith(b'{"events":[]}')


def test_an_account_id_may_be_missing(server: Lambda, api: LambdaApi) -> None:
    """Lambda tells the account only where it knows the feature."""
    server.answers = [_reply(b"{}", head=b"Lambda-Extension-Identifier: x\r\n")]

    registration = api.register("sidekey", ["SHUTDOWN"])

    assert registration.account_id is None


def test_waits_for_an_invoke_over_the_same_connection(server: Lambda, api: LambdaApi) -> None:
    """The next event is asked for with our identifier, without another connection."""
    server.answers = [REGISTERED, _reply(b'{"eventType":"INVOKE","deadlineMs":1700000000123,"requestId":"r-1"}')]
    api.register("sidekey", ["INVOKE"])

    event = api.next_event()

    assert (event.kind, event.deadline_ms, event.request_id, event.reason) == ("INVOKE", 1700000000123, "r-1", "")
    assert b"Lambda-Extension-Identifier: the-identifier\r\n" in server.requests[1]
    assert server.requests[1].startswith(b"GET /2020-01-01/extension/event/next HTTP/1.1\r\n")
    assert server.connections == 1


def test_reads_a_shutdown_sent_as_plain_text(server: Lambda, api: LambdaApi) -> None:
    """The emulator sends SHUTDOWN as text/plain: the body is parsed whatever its type says."""
    body = b'{"eventType":"SHUTDOWN","shutdownReason":"SandboxTerminated","deadlineMs":5}'
    server.answers = [_reply(body, head=b"Content-Type: text/plain\r\n")]

    event = api.next_event()

    assert (event.kind, event.reason, event.deadline_ms) == ("SHUTDOWN", "SandboxTerminated", 5)


@pytest.mark.parametrize("said", [b'"soon"', b"1e999", b"NaN", b"[1]", b"null", b"-1", b"1" + b"0" * 400])
def test_a_deadline_that_is_none_has_passed(server: Lambda, api: LambdaApi, said: bytes) -> None:
    """Whatever stands there, we go on."""
    server.answers = [_reply(b'{"eventType":"INVOKE","deadlineMs":%b}' % said)]

    assert api.next_event().deadline_ms == 0


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b'{"eventType":null}', b"[" * 100_000])
def test_an_answer_that_is_no_event_is_said(server: Lambda, api: LambdaApi, body: bytes) -> None:
    """It is an error, after which the caller pauses: an event would be taken up at once."""
    server.answers = [_reply(body)]

    with pytest.raises(ExtensionsApiError, match="gave an answer to next that is no event"):
        api.next_event()


def test_reads_an_answer_that_comes_in_pieces(server: Lambda, api: LambdaApi) -> None:
    """An answer cut anywhere, byte by byte, is the same answer."""
    whole = _reply(b'{"eventType":"SHUTDOWN","deadlineMs":9}')
    server.answers = [lambda link: _drip(link, whole)]

    assert api.next_event().deadline_ms == 9


def test_reads_a_chunked_answer(server: Lambda, api: LambdaApi) -> None:
    """Lambda may send an event in chunks."""
    chunks = b'10;x=y\r\n{"eventType":"IN\r\n7\r\nVOKE"} \r\n0\r\n\r\n'
    server.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks]

    assert api.next_event().kind == "INVOKE"


def test_reads_a_chunked_answer_in_pieces(server: Lambda, api: LambdaApi) -> None:
    """Chunks cut anywhere are the same chunks."""
    whole = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"eventT\r\nB\r\nype":"ODD"}\r\n0\r\n\r\n'
    server.answers = [lambda link: _drip(link, whole)]

    assert api.next_event().kind == "ODD"


def test_reconnects_once_when_the_kept_connection_was_dropped(server: Lambda, api: LambdaApi) -> None:
    """A connection that died in a freeze costs one more connect, nothing else."""
    server.answers = [REGISTERED, HANG_UP, _reply(b'{"eventType":"INVOKE"}')]
    api.register("sidekey", ["INVOKE"])

    assert api.next_event().kind == "INVOKE"
    assert server.connections == 2


def test_gives_up_when_the_new_connection_is_dropped_too(server: Lambda, api: LambdaApi) -> None:
    """There is one reconnection, not a loop of them."""
    server.answers = [REGISTERED, HANG_UP, HANG_UP]
    api.register("sidekey", ["INVOKE"])

    with pytest.raises(ExtensionsApiError, match=r"gave no usable answer to next: .*closed before an answer"):
        api.next_event()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", "in the middle of an answer"),
        (b"HTTP/1.1 200", "in the middle of an answer"),
        (b"HTTP/1.1 abc\r\n\r\n", "invalid literal"),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * 70000, "head does not end"),
    ],
)
def test_a_broken_answer_is_an_error_of_ours(server: Lambda, api: LambdaApi, answer: bytes, said: str) -> None:
    """Whatever comes instead of an answer becomes one kind of error."""
    server.answers = [lambda link: _send_and_end(link, answer)]

    with pytest.raises(ExtensionsApiError, match=said):
        api.next_event()


def test_a_refusal_carries_lambdas_own_type_and_message(server: Lambda, api: LambdaApi) -> None:
    """What Lambda said is what people read."""
    body = b'{"errorMessage":"Extension already registered","errorType":"Extension.RegistrationClosed"}'
    server.answers = [_reply(body, status=b"403 Forbidden")]

    with pytest.raises(ExtensionsApiError) as caught:
        api.register("sidekey", ["INVOKE"])

    assert caught.value.code == "Extension.RegistrationClosed"
    assert caught.value.message == (
        "Lambda refused register: Extension.RegistrationClosed: Extension already registered"
    )


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"\xff"])
def test_a_refusal_without_json_tells_the_status(server: Lambda, api: LambdaApi, body: bytes) -> None:
    """A body that is no object leaves the status."""
    server.answers = [_reply(body, status=b"500 Oops")]

    with pytest.raises(ExtensionsApiError, match="HTTP 500: no reason given"):
        api.register("sidekey", ["INVOKE"])


def test_nobody_there_is_said_with_the_address() -> None:
    """A closed port names itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ExtensionsApiError, match=f"at 127.0.0.1:{port} gave no usable answer to register"):
        LambdaApi(f"127.0.0.1:{port}").register("sidekey", ["INVOKE"])


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:9001/x", " "])
def test_an_address_that_is_none_is_said(address: str) -> None:
    """A bad AWS_LAMBDA_RUNTIME_API is an error of ours."""
    with pytest.raises(ExtensionsApiError, match=f"at {address} gave .* the address is not host:port"):
        LambdaApi(address).register("sidekey", ["INVOKE"])


def test_reports_an_error_while_next_is_waiting(server: Lambda) -> None:
    """Errors go over a connection of their own, with our identifier and the reason."""
    server.answers = [REGISTERED, ACCEPTED]
    api = LambdaApi(server.address)
    api.register("sidekey", ["INVOKE"])
    api.close()

    api.init_error("Extension.Settings", 'two problems: "a" and "b"')

    head, _, body = server.requests[1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /2020-01-01/extension/init/error HTTP/1.1\r\n")
    assert b"\r\nLambda-Extension-Identifier: the-identifier\r\n" in head
    assert b"\r\nLambda-Extension-Function-Error-Type: Extension.Settings\r\n" in head
    assert body == (
        b'{"errorMessage":"two problems: \\"a\\" and \\"b\\"","errorType":"Extension.Settings","stackTrace":[]}'
    )


def _drip(link: socket.socket, whole: bytes) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for position in range(len(whole)):
        link.sendall(whole[position : position + 1])


def _send_and_end(link: socket.socket, answer: bytes) -> None:
    link.sendall(answer)
    link.shutdown(socket.SHUT_WR)
