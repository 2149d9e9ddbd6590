"""An application with one route for each thing that can happen to a shell."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING

from extension.core import jsontext
from extension.core.errors import RequestError
from extension.core.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    Deliver = Callable[[Response], None]

BIG = b"x" * 8_000_000


class FakeLease:
    """A lease that a test can end."""

    def __init__(self, due_at: float = 1e12) -> None:
        self.current = True
        self.due_at = due_at
        self.hits = 0
        self.used_at = 0.0


class FakeApplication:
    """`later` holds the answers that are due; whatever has no route is echoed."""

    def __init__(self) -> None:
        self.lease = FakeLease()
        self.later: SimpleQueue[Deliver] = SimpleQueue()
        self.asked = 0

    def answer(self, request: Request, now: float, deliver: Deliver) -> Response | None:
        """Answer by path."""
        self.asked += 1
        path = request.path.decode()
        if path == "/later":
            self.later.put(deliver)
            return None
        if path == "/crash":
            raise KeyError(path, "s3cret")
        if path == "/refuse":
            message = "no such thing"
            raise RequestError(message, status=404)
        return self._at_once(path, request)

    def _at_once(self, path: str, request: Request) -> Response:
        """Answer what needs no waiting."""
        answers: dict[str, Response] = {
            "/ping": Response(200, b"healthy", content_type="text/plain"),
            "/leased": Response(200, b"s3cret", headers=(("X-Sidekey-Cache", "hit"),), lease=self.lease),
            "/big": Response(200, BIG, lease=self.lease),
            "/header": Response(200, b"", headers=(("X-Reason", "caf\xe9\r\nX-Evil: 1"),)),
            "/broken": Response(200, b"", headers=None),  # type: ignore[arg-type]
        }
        return answers.get(path) or Response(200, echo(request))


def echo(request: Request) -> bytes:
    """Show all that was read of a request."""
    headers = {name.decode(): value.decode("latin-1") for name, value in request.headers.items()}
    seen = [request.method.decode(), request.target.decode(), request.version.decode(), request.keep_alive, headers]
    return jsontext.dumps(seen)
