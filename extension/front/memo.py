"""Requests answered before, remembered by their exact bytes, so that a hit is one lookup and one send.

Law: remembered bytes are sent only while the lease of their cache entry stands, the clock has not reached the entry's
due time and has not been set back; bytes whose lease has ended do not outlive the next `forget_stale`.

The key holds the caller's token, and a lookup is not a constant-time comparison. It gives nothing away all the same:
the dictionary compares bytes only after their 64-bit SipHash, keyed at random in each process, is equal. A guess that
is right in its first characters is as far from that as any other.
"""

from __future__ import annotations

import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extension.core.wire import Lease


class Ready:
    """The bytes that answer a request, and how long they do; `close` says that the connection ends with them."""

    __slots__ = ("close", "due_at", "lease", "payload", "stored_at")

    def __init__(self, payload: bytes, lease: Lease, stored_at: float, *, close: bool) -> None:
        self.payload = payload
        self.lease = lease
        self.stored_at = stored_at
        self.due_at = lease.due_at
        self.close = close


class Memo:
    """Ready bytes by request bytes, within limits; the oldest give way. Any thread may forget."""

    def __init__(self, *, max_entries: int = 1024, max_bytes: int = 4 << 20) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._ready: dict[bytes, Ready] = {}
        self._changing = _thread.allocate_lock()

    def __len__(self) -> int:
        """Count the remembered requests."""
        return len(self._ready)

    def recall(self, request: bytes, now: float) -> Ready | None:
        """Find what answers `request` now, and count the hit for its cache entry."""
        ready = self._ready.get(request)
        if ready is None:
            return None
        lease = ready.lease
        if not (lease.current and ready.stored_at <= now < ready.due_at):
            with self._changing:
                self._drop(request)
            return None
        lease.hits += 1
        lease.used_at = now
        return ready

    def put(self, request: bytes, payload: bytes, lease: Lease, now: float, *, close: bool) -> None:
        """Remember an answer, unless its lease has ended meanwhile or it is larger than all the room there is."""
        size = len(request) + len(payload)
        with self._changing:
            self._drop(request)
            if not lease.current or now >= lease.due_at or size > self._max_bytes or not self._max_entries:
                return
            while len(self._ready) >= self._max_entries or self._bytes + size > self._max_bytes:
                self._drop(next(iter(self._ready)))
            self._ready[request] = Ready(payload, lease, now, close=close)
            self._bytes += size

    def forget_stale(self) -> None:
        """Drop what no lease stands behind any more: the store calls it after it has ended leases."""
        with self._changing:
            for request in [request for request, ready in self._ready.items() if not ready.lease.current]:
                self._drop(request)

    def forget(self) -> None:
        """Drop everything."""
        with self._changing:
            self._ready.clear()
            self._bytes = 0

    def _drop(self, request: bytes) -> None:
        """Drop one answer, if it is there; the caller holds the lock."""
        ready = self._ready.pop(request, None)
        if ready is not None:
            self._bytes -= len(request) + len(ready.payload)
