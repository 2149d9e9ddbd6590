"""Where other threads leave things for the loop, and wake it.

Law: after `close` nothing is written to the descriptor, whose number may by then be somebody else's.
"""

from __future__ import annotations

import _thread
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Inbox:
    """Calls to be made on the loop's thread, in their order."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._calls: list[Callable[[float], None]] = []
        self._open = True
        self._guard = _thread.allocate_lock()

    def put(self, call: Callable[[float], None]) -> None:
        """Leave a call; it is given the time of its turn. From any thread; after `close` it is dropped."""
        with self._guard:
            if self._open:
                self._calls.append(call)
                os.eventfd_write(self.fd, 1)

    def take(self) -> list[Callable[[float], None]]:
        """Take all there is."""
        with self._guard:
            os.eventfd_read(self.fd)
            calls, self._calls = self._calls, []
        return calls

    def close(self) -> None:
        """Take in nothing more."""
        with self._guard:
            self._open = False
            os.close(self.fd)
