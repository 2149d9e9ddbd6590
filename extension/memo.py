"""What was answered before, remembered by the bytes that asked, so that a hit is one lookup.

    the shells        whole request, token included ──► the bytes to send
    the application   request target, guards passed ──► the response, for requests whose bytes were not seen before

Law: what is remembered is given only while the lease of its cache entry stands, the clock has not reached the entry's
due time and has not been set back; what has lost its lease does not outlive the next `forget_stale`.

A shell's key holds the caller's token, and a lookup is not a constant-time comparison. It gives nothing away all the
same: the dictionary compares bytes only after their 64-bit SipHash, keyed at random in each process, is equal. A guess
that is right in its first characters is as far from that as any other.
"""

from __future__ import annotations

import _thread
from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from extension.core.wire import Lease

ROOM_SHARE = 8
"""When there is no room, an eighth of all gives way at once: one by one, finding the oldest would cost each request."""


class Ready:
    """An answer, and how long it is one; `close` says that the connection ends with it."""

    __slots__ = ("answer", "close", "due_at", "lease", "size", "stored_at")

    def __init__(self, answer: Any, lease: Lease, stored_at: float, *, size: int, close: bool) -> None:
        self.answer = answer
        self.lease = lease
        self.stored_at = stored_at
        self.due_at = lease.due_at
        self.size = size
        self.close = close


class Memo:
    """Answers by what asked for them, within limits; the oldest give way. Any thread may forget."""

    def __init__(self, *, max_entries: int = 1024, max_bytes: int = 4 << 20) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._ready: dict[bytes, Ready] = {}
        self._changing = _thread.allocate_lock()

    def __len__(self) -> int:
        """Count what is remembered."""
        return len(self._ready)

    def recall(self, asked: bytes, now: float) -> Ready | None:
        """Find what answers `asked` now, and count the hit for its cache entry."""
        ready = self._ready.get(asked)
        if ready is None:
            return None
        lease = ready.lease
        if not (lease.current and ready.stored_at <= now < ready.due_at):
            with self._changing:
                self._drop(asked)
            return None
        lease.hits += 1
        lease.used_at = now
        return ready

    def put(self, asked: bytes, answer: Any, lease: Lease, now: float, *, size: int, close: bool = False) -> None:
        """Remember an answer of `size` bytes, unless its lease has ended or it is larger than all the room."""
        size += len(asked)
        with self._changing:
            self._drop(asked)
            if not lease.current or now >= lease.due_at or size > self._max_bytes or not self._max_entries:
                return
            while len(self._ready) >= self._max_entries or self._bytes + size > self._max_bytes:
                self._drop_oldest()
            self._ready[asked] = Ready(answer, lease, now, size=size, close=close)
            self._bytes += size

    def forget_stale(self) -> None:
        """Drop what no lease stands behind any more: the store has it called after it has ended leases."""
        with self._changing:
            for asked in [asked for asked, ready in self._ready.items() if not ready.lease.current]:
                self._drop(asked)

    def forget(self) -> None:
        """Drop everything."""
        with self._changing:
            self._ready.clear()
            self._bytes = 0

    def _drop_oldest(self) -> None:
        for asked in list(islice(self._ready, len(self._ready) // ROOM_SHARE + 1)):
            self._drop(asked)

    def _drop(self, asked: bytes) -> None:
        """Drop one answer, if it is there; the caller holds the lock."""
        ready = self._ready.pop(asked, None)
        if ready is not None:
            self._bytes -= ready.size
