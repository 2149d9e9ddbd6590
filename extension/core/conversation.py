"""What a client has said so far: bytes in, whole requests or one last refusal out.

Law: pure, and the same under both shells, so that both hear the same. After a refusal nothing more is heard.
"""

from __future__ import annotations

from extension.core.head import Malformed, parse_head
from extension.core.refusals import refusal, too_many_clients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extension.core.wire import Request, Response


class Conversation:
    """The requests of one connection, cut from its bytes."""

    __slots__ = ("_heard", "_ping_limit", "over")

    def __init__(self, *, ping_limit: int | None = None) -> None:
        """Hear any request; or, on a connection beyond the limit of `ping_limit`, none but `/ping`."""
        self._heard = b""
        self._ping_limit = ping_limit
        self.over = False

    @property
    def ping_only(self) -> bool:
        """Whether the connection is beyond the limit, and ends after one answer."""
        return self._ping_limit is not None

    @property
    def unfinished(self) -> bool:
        """Whether bytes are left that were not answered."""
        return bool(self._heard)

    def hear(self, data: bytes) -> None:
        """Take in what the client has sent."""
        if not self.over:
            self._heard += data

    def next(self) -> tuple[Request, bytes] | Response | None:
        """Return the next request and its bytes; or what the client is refused with; or None for more bytes."""
        try:
            parsed = parse_head(self._heard)
        except Malformed as error:
            return self._end(refusal(error))
        if parsed is None:
            return None
        request, length = parsed
        raw, self._heard = self._heard[:length], self._heard[length:]
        if self._ping_limit is not None and request.path != b"/ping":
            return self._end(too_many_clients(self._ping_limit))
        return request, raw

    def _end(self, last: Response) -> Response:
        """Hear no more."""
        self.close()
        return last

    def close(self) -> None:
        """Forget what was heard, tokens included, and hear no more."""
        self._heard = b""
        self.over = True
