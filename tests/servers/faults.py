"""What can go wrong between the sidecar and AWS, to be played by a `FaultyServer`."""

from __future__ import annotations

import json
import socket
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.servers.faulty import Fault, FaultyServer, pass_on
from tests.servers.scripted import HangUpError, reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import NoReturn

    from tests.servers.faulty import Call
    from tests.servers.scripted import Request

CLOCK_TOLERANCE_SECONDS = 300
"""AWS refuses signatures that are further from its own time than this."""


def said(status: str, code: str, **headers: str) -> Fault:
    """Answer with an error of AWS's own."""
    body = json.dumps({"__type": code, "message": f"sample sentence for {code}"}).encode()
    return Fault(lambda call: call.link.sendall(reply(body, status, **headers)))


def late(seconds: float) -> Fault:
    """Answer well, after a while."""

    def serve(call: Call) -> None:
        call.ended.wait(seconds)
        pass_on(call)

    return Fault(serve)


def silence(call: Call) -> None:
    """Say nothing more until the server ends or the client is gone."""
    while call.link.recv(4096):
        pass
    raise HangUpError


def after(share: Callable[[bytes], bytes], then: Callable[[Call], None]) -> Fault:
    """Send a part of the answer, and do something else."""

    def serve(call: Call) -> None:
        call.link.sendall(share(call.answer()))
        then(call)

    return Fault(serve)


def hang_up(_call: Call) -> None:
    """Close the connection."""
    raise HangUpError


def reset(call: Call) -> None:
    """Close the connection with a TCP reset."""
    cut(call.link)


def cut(link: socket.socket) -> NoReturn:
    """Close any socket with a TCP reset."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()
    raise HangUpError


def nothing(_answer: bytes) -> bytes:
    """Take nothing of an answer."""
    return b""


def head(answer: bytes) -> bytes:
    """Take the head of an answer, and the first byte of its body."""
    return answer[: answer.index(b"\r\n\r\n") + 5]


def most(answer: bytes) -> bytes:
    """Take all of an answer but its end."""
    return answer[:-5]


def relabelled(change: int) -> Callable[[bytes], bytes]:
    """Say that the body is longer or shorter than it is."""

    def share(answer: bytes) -> bytes:
        before, _, body = answer.partition(b"\r\n\r\n")
        true, false = f"Content-Length: {len(body)}".encode(), f"Content-Length: {len(body) + change}".encode()
        return before.replace(true, false) + b"\r\n\r\n" + body

    return share


def dripping(seconds: float) -> Fault:
    """Answer a byte at a time."""

    def serve(call: Call) -> None:
        answer = call.answer()
        for position in range(len(answer)):
            call.link.sendall(answer[position : position + 1])
            call.ended.wait(seconds)

    return Fault(serve)


def no_tls(_server: FaultyServer, plain: socket.socket) -> socket.socket:
    """Speak something else where TLS is expected."""
    plain.recv(4096)
    plain.sendall(b"SSH-2.0-sample\r\n")
    raise HangUpError


def certified_by(context: ssl.SSLContext) -> Fault:
    """Show another certificate."""
    return Fault(accept=lambda _server, plain: context.wrap_socket(plain, server_side=True))


def strict_about_time(call: Call) -> None:
    """Refuse what is signed for another time, as AWS does, and tell our own in `Date`."""
    signed_at = datetime.strptime(call.request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    now = datetime.now(UTC)
    if abs((signed_at - now).total_seconds()) < CLOCK_TOLERANCE_SECONDS:
        pass_on(call)
        return
    body = json.dumps({"__type": "InvalidSignatureException", "message": "Signature expired"}).encode()
    call.link.sendall(reply(body, "400 Bad Request", Date=now.strftime("%a, %d %b %Y %H:%M:%S GMT")))


def refusing(access_key_id: str) -> Fault:
    """Take the requests of one key for expired."""
    refusal = said("400 Bad Request", "ExpiredTokenException")

    def serve(call: Call) -> None:
        expired = f"Credential={access_key_id}/" in call.request.headers["authorization"]
        (refusal.serve if expired else pass_on)(call)

    return Fault(serve)


def said_bytes(body: bytes) -> Fault:
    """Answer with success and this body."""
    return Fault(lambda call: call.link.sendall(reply(body)))


def in_region(region: str, harm: Fault) -> Fault:
    """Do harm to what is signed for one region."""

    def serve(call: Call) -> None:
        (harm.serve if region_of(call.request) == region else pass_on)(call)

    return Fault(serve)


def region_of(request: Request) -> str:
    """Return the region that a request is signed for."""
    return request.headers["authorization"].partition("Credential=")[2].split("/")[2]


def action_of(request: Request) -> str:
    """Return what a request asks to be done."""
    return request.headers["x-amz-target"].rpartition(".")[2]


def for_action(action: str, harm: Fault) -> Fault:
    """Do harm to one action."""

    def serve(call: Call) -> None:
        (harm.serve if action_of(call.request) == action else pass_on)(call)

    return Fault(serve)
