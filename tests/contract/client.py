"""A client that writes bytes and reads responses, and hides nothing of either."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    Address = tuple[str, int] | str

PATIENCE_SECONDS = 20.0


class Reply(NamedTuple):
    """One response as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def family_of(address: Address) -> int:
    """Tell which family an address belongs to: a path is a Unix socket's."""
    if isinstance(address, str):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


class Client:
    """One connection, for `with`; `receive_buffer` makes it a client that takes little at a time."""

    def __init__(self, address: Address, *, receive_buffer: int = 0) -> None:
        self.sock = socket.socket(family_of(address), socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(PATIENCE_SECONDS)
        try:
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        self._read = self.sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close both ways."""
        self._read.close()
        self.sock.close()

    def send(self, *pieces: bytes) -> Self:
        """Send each piece in a segment of its own."""
        for piece in pieces:
            self.sock.sendall(piece)
        return self

    def get(self, target: str, *headers: str, method: str = "GET", version: str = "1.1") -> Self:
        """Send a request."""
        lines = (f"{method} {target} HTTP/{version}", "Host: localhost", *headers, "", "")
        return self.send("\r\n".join(lines).encode())

    def half_close(self) -> Self:
        """Say that nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reply(self, *, to_head: bool = False) -> Reply:
        """Read one response."""
        _version, status, _reason = self._read.readline().decode().split(" ", 2)
        lines = iter(lambda: self._read.readline().decode().rstrip("\r\n"), "")
        headers = dict(line.split(": ", 1) for line in lines)
        body = b"" if to_head else self._read.read(int(headers["Content-Length"]))
        return Reply(int(status), headers, body)

    def last(self) -> Reply:
        """Read one response, and part."""
        with self:
            return self.reply()

    def rest(self) -> bytes:
        """Read up to the end of the connection, be it a reset."""
        pieces: list[bytes] = []
        with contextlib.suppress(ConnectionResetError):
            pieces.extend(iter(lambda: self._read.read1(65536), b""))
        return b"".join(pieces)


def converse(address: Address, pieces: Iterable[bytes]) -> bytes:
    """Send the pieces, then nothing more, and return all that comes back."""
    with Client(address) as client:
        with contextlib.suppress(ConnectionError, OSError):
            client.send(*pieces).half_close()
        return client.rest()
