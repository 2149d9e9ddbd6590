"""Where other threads leave things for the loop, and wake it.

Law: after `close` nothing is written to the descriptor, whose number may by then be somebody else's.
"""

from __future__ import annotations

import _thread
import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Inbox:
    """Calls to be made on the loop's thread, in their order."""

    def __init__(self) -> None:
        self.fd = posix.eventfd(0, posix.EFD_NONBLOCK | posix.EFD_CLOEXEC)
        self._calls: list[Callable[[float], None]] = []
        self._open = True
        self._guard = _thread.allocate_lock()

    def put(self, call: Callable[[float], None]) -> None:
        """Leave a call; it is given the time of its turn. From any thread; after `close` it is dropped."""
        with self._guard:
            if self._open:
                self._calls.append(call)
                posix.eventfd_write(self.fd, 1)

    def take(self) -> list[Callable[[float], None]]:
        """Take all there is."""
        with self._guard:
            if self._calls:
                posix.eventfd_read(self.fd)
            calls, self._calls = self._calls, []
        return calls

    def close(self) -> None:
        """Take in nothing more."""
        with self._guard:
            self._open = False
            posix.close(self.fd)
