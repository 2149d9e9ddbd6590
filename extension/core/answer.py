"""Answers: what a read gets, and what is counted of all reads.

Law: a waiter turns the landing it waited for into exactly one answer.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from extension.core.cache import Entry
    from extension.core.errors import SidekeyError
    from extension.core.flight import Waiter
    from extension.core.model import Query
    from extension.core.shelf import Landing

    State = Literal["hit", "miss", "refreshed", "stale"]
    Deliver = Callable[["Answer"], None]
    Told = Callable[[Query, "Answer"], None]


class Answer:
    """What a read gets: an entry (or an error), how it came (`state`), and why it is stale, if it is."""

    __slots__ = ("entry", "error", "reason", "state")

    def __init__(
        self, state: State, entry: Entry | None = None, error: SidekeyError | None = None, reason: str | None = None
    ) -> None:
        """Exactly one of `entry` and `error` is set."""
        self.state = state
        self.entry = entry
        self.error = error
        self.reason = reason


class Counters:
    """What `/metrics` counts beside the entries' own hits."""

    __slots__ = ("failures", "fetches", "misses", "stale")

    def __init__(self) -> None:
        """Start at zero."""
        self.fetches = self.failures = self.misses = self.stale = 0


def deliverer(deliver: Deliver, state: State, counters: Counters, *, stale_allowed: bool = True) -> Waiter:
    """Return the waiter that turns a landing into the caller's answer."""

    def waiter(landing: Landing) -> None:
        if landing.entry is not None:
            deliver(Answer(state, landing.entry))
        elif stale_allowed and landing.stale is not None and landing.error is not None:
            counters.stale += 1
            deliver(Answer("stale", landing.stale, reason=landing.error.code))
        else:
            deliver(Answer(state, error=landing.error))

    return waiter


def about(query: Query, deliver: Told) -> Deliver:
    """Return what delivers the answer to one of many queries."""
    return lambda answer: deliver(query, answer)


def reason(entry: Entry) -> str:
    """Return why an entry is served stale."""
    return entry.failure.code if entry.failure is not None else "Expired"
