"""The prefetch: what was asked for in advance, and what of it has not come yet.

Law: it never fails by itself. What is late goes on arriving, what failed is said and asked for again on demand; only
the lifecycle decides what a missing `required` reference means.
"""

from __future__ import annotations

from _thread import allocate_lock

from extension.core.errors import Throttled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.answer import Answer
    from extension.core.config import Wish
    from extension.core.errors import SidekeyError
    from extension.core.model import Query
    from extension.store import Store


class Prefetch:
    """The wishes and how far they are; thread-safe."""

    def __init__(self, store: Store, wishes: tuple[Wish, ...], report: Callable[[str, str], None]) -> None:
        """Start nothing yet."""
        self.queries = frozenset(wish.reference.query for wish in wishes)
        self._store = store
        self._wishes = wishes
        self._report = report
        self._lock = allocate_lock()
        self._latch = allocate_lock()
        self._failed: dict[Query, SidekeyError] = {}
        self._waiting = set(self.queries)

    def start(self, ends_at: float = float("inf")) -> None:
        """Ask for everything at once, over as many connections as a prefetch may use, and no longer than `ends_at`."""
        self._latch.acquire(False)  # it is held already where a start that failed is tried again
        if self.queries:
            self._store.ensure([wish.reference.query for wish in self._wishes], self._take, wide=True, ends_at=ends_at)
        else:
            self._latch.release()

    def _take(self, query: Query, answer: Answer) -> None:
        with self._lock:
            self._waiting.discard(query)
            if answer.error is not None:
                self._failed[query] = answer.error
            done = not self._waiting and self._latch.locked()
        if answer.error is not None:
            self._report("error", f"prefetch of {query.label}: {answer.error.message}; it is fetched again on demand")
        if done:
            self._latch.release()

    def wait(self, seconds: float) -> bool:
        """Wait until everything has come or failed, at most `seconds`; tell whether it has."""
        if not self._latch.acquire(True, max(0.0, seconds)):
            return False
        self._latch.release()
        return True

    def missing(self) -> list[str]:
        """Return what has not come, with the reason; what came later on demand is no longer missing."""
        with self._lock:
            waiting = sorted(f"{query.label} (under way)" for query in self._waiting)
        return waiting + sorted(f"{query.label} ({why.message})" for query, why in self._still_failed().items())

    def _still_failed(self) -> dict[Query, SidekeyError]:
        with self._lock:
            return {query: why for query, why in self._failed.items() if self._store.shelf.cache.find(query) is None}

    def required_failures(self) -> list[str]:
        """Return a sentence for each `required` reference that could not be had; throttling alone fails no init."""
        failed = {query: why for query, why in self._still_failed().items() if not isinstance(why, Throttled)}
        wishes = [wish for wish in self._wishes if wish.required and wish.reference.query in failed]
        return [f"{wish.reference.text}: {failed[wish.reference.query].message}" for wish in wishes]
