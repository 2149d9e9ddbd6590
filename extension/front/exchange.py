"""One request on its way to the application and back.

Law: whoever has the exchange may answer it, from any thread; the first answer counts, while it is awaited.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extension.core.wire import Request, Response
    from extension.front.connection import Connection


class Exchange:
    """One request on its way; calling it with the response, from any thread, sends that to the client if it waits."""

    __slots__ = ("connection", "now", "raw", "request")

    def __init__(self, connection: Connection, request: Request, raw: bytes, now: float) -> None:
        self.connection = connection
        self.request = request
        self.raw = raw
        self.now = now

    def __call__(self, response: Response) -> None:
        """Hand the response to the loop's thread."""

        def deliver(now: float) -> None:
            self.connection.deliver(self, response, now)

        self.connection.front.inbox.put(deliver)
