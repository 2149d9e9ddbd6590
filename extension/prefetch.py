"""The prefetch: what was asked for in advance, and what of it has not come yet.

Law: it never fails by itself. What is late goes on arriving, what failed is said and asked for again on demand, and is
missing until it has come once, however that may be; only the lifecycle decides what a missing `required` reference
means.
"""

from __future__ import annotations

from _thread import allocate_lock

from extension.core.errors import Stopping, Throttled
from extension.core.flight import FOR_EVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from extension.core.answer import Answer
    from extension.core.config import Wish
    from extension.core.errors import SidekeyError
    from extension.core.model import Query
    from extension.store import Store


LATE = "it has not come in the time that init has"


class _Arrivals:
    """What is waited for; the latch is held until the last of it has come. All but `wait` needs its owner's lock."""

    __slots__ = ("_latch", "waiting")

    def __init__(self) -> None:
        self._latch = allocate_lock()
        self.waiting: set[Query] = set()

    def begin(self, queries: Iterable[Query]) -> None:
        """Wait for `queries`, whatever was waited for."""
        self.waiting = set(queries)
        if self.waiting:
            self._latch.acquire(False)  # it is held already where a start that failed is tried again

    def came(self, query: Query) -> None:
        """Wait for `query` no longer; it may come twice, by a start that failed and by its repetition."""
        if query in self.waiting:
            self.waiting.remove(query)
            if not self.waiting:
                self._latch.release()

    def wait(self, seconds: float) -> bool:
        """Wait until everything has come; tell whether it has."""
        if not self._latch.acquire(True, max(0.0, seconds)):
            return False
        self._latch.release()
        return True


class Prefetch:
    """The wishes and how far they are; thread-safe."""

    def __init__(self, store: Store, wishes: tuple[Wish, ...], report: Callable[[str, str], None]) -> None:
        """Start nothing yet."""
        self.queries = frozenset(wish.reference.query for wish in wishes)
        self._required = frozenset(wish.reference.query for wish in wishes if wish.required)
        self._store = store
        self._wishes = wishes
        self._report = report
        self._lock = allocate_lock()
        self._failed: dict[Query, SidekeyError] = {}
        self._all, self._needed = _Arrivals(), _Arrivals()

    def postpone(self) -> None:
        """Say what it means that nothing is fetched in init."""
        if self._required:
            self._report("warn", "required is not checked in init: under SnapStart nothing is fetched in it")

    def start(self, ends_at: float = FOR_EVER, *, required_by: float = FOR_EVER) -> None:
        """Ask for everything at once, over as many connections as a prefetch may use, and no longer than `ends_at`.

        `required_by` is the same where anything is required: what is throttled until then can say so.
        """
        with self._lock:
            self._all.begin(self.queries)
            self._needed.begin(self._required)
        self._store.shelf.awaited = set(self.queries)
        ends_at = min(ends_at, required_by) if self._required else ends_at
        self._store.ensure([wish.reference.query for wish in self._wishes], self._take, wide=True, ends_at=ends_at)

    def _take(self, query: Query, answer: Answer) -> None:
        with self._lock:
            if answer.error is None:
                self._failed.pop(query, None)
            else:
                self._failed[query] = answer.error
            self._all.came(query)
            self._needed.came(query)
        if answer.error is not None:
            self._report("error", f"prefetch of {query.label}: {answer.error.message}; it is fetched again on demand")

    def wait(self, seconds: float) -> bool:
        """Wait until everything has come or failed, at most `seconds`; tell whether it has."""
        return self._all.wait(seconds)

    def wait_for_required(self, seconds: float) -> bool:
        """Wait until everything required has come or failed, at most `seconds`; tell whether it has."""
        return self._needed.wait(seconds)

    def missing(self) -> list[str]:
        """Return what was asked for and has not come, with the reason; what came later is no longer missing."""
        with self._lock:
            waiting = sorted(f"{query.label} (under way)" for query in self._all.waiting)
        return waiting + sorted(f"{query.label} ({why.message})" for query, why in self._still_failed().items())

    def _still_failed(self) -> dict[Query, SidekeyError]:
        with self._lock:
            return {query: why for query, why in self._failed.items() if query in self._store.shelf.awaited}

    def required_failures(self) -> list[str]:
        """Return a sentence for each `required` reference that could not be had; throttling alone fails no init."""
        reasons = {query: _reason(why) for query, why in self._still_failed().items() if not isinstance(why, Throttled)}
        with self._lock:
            reasons |= dict.fromkeys(self._needed.waiting, LATE)
        wishes = [wish for wish in self._wishes if wish.required and wish.reference.query in reasons]
        return [f"{wish.reference.text}: {reasons[wish.reference.query]}" for wish in wishes]


def _reason(why: SidekeyError) -> str:
    return LATE if isinstance(why, Stopping) else why.message
