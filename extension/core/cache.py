"""The cache: entries by query, several queries for one entry, bounded by use.

Law: one secret is one entry, by whatever name it was asked for, and no name outlives the thing it named; never more
entries than the limit; an entry that left the cache or was replaced says so (`current` is False), so that ready bytes
made from it are not sent again.
The cache holds no lock: its owner (the store) does.
"""

from __future__ import annotations

from extension.core.model import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from extension.core.errors import UpstreamError
    from extension.core.model import Query, Value
    from extension.core.policy import Rotation, Times

MAX_NAMES = 16
"""Names one entry may have; the first (its own query) is never forgotten."""
EVICTION_SHARE = 8
"""One in so many entries is known to be among the oldest after they were looked through."""


class Entry:
    """A value, its times and its use. Only the store changes it; the shells count their hits in it.

    `sourced_at` is when the source gave the value; since then its version may have been found unchanged.
    """

    __slots__ = (
        "asked", "current", "due_at", "failed_at", "failure", "hits", "is_read", "names", "past_hits", "query",
        "replaced_at", "retry_at", "rotation", "sourced_at", "times", "used_at", "value",
    )  # fmt: skip

    def __init__(
        self, query: Query, value: Value, times: Times, *, asked: Query | None = None, rotation: Rotation | None = None
    ) -> None:
        """Start unused; `asked` is the query to fetch it by again; `due_at` stands here because every hit reads it."""
        self.query = query
        self.asked = asked or query
        self.value = value
        self.times = times
        self.due_at = times.due_at
        self.rotation = rotation
        self.names: list[Query] = []
        self.current = True
        self.hits = 0
        self.past_hits = 0
        self.is_read = False
        self.used_at = times.fetched_at
        self.sourced_at = times.fetched_at
        self.failure: UpstreamError | None = None
        self.failed_at: float | None = None
        self.retry_at = 0.0
        self.replaced_at = 0.0

    @property
    def version(self) -> str:
        """The version id or number, or an empty text where there is none (a path)."""
        if isinstance(self.value, Secret):
            return self.value.version_id
        return str(getattr(self.value, "version", ""))


class Cache:
    """At most `limit` entries; the least recently used one goes first. 0 keeps nothing."""

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self.limit = limit
        self._entries: dict[Query, Entry] = {}
        self._names: dict[Query, Entry] = {}
        self._oldest: list[tuple[Query, float]] = []

    def __len__(self) -> int:
        """Count entries, not names."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over a copy of the entries."""
        return iter(list(self._entries.values()))

    @property
    def has_room(self) -> bool:
        """Whether one more entry drives none out."""
        return len(self._entries) < self.limit

    def find(self, query: Query) -> Entry | None:
        """Return the entry that `query` names."""
        return self._names.get(query)

    def put(self, entry: Entry, names: tuple[Query, ...]) -> None:
        """Take `entry` in the place of every entry that carries its query or one of `names`."""
        if self.limit == 0:
            entry.current = False
            return
        for name in (entry.query, *names):
            self._take_over(entry, self._names.get(name))
        self._entries[entry.query] = entry
        for name in (entry.query, *names):
            self._name(entry, name)
        while len(self._entries) > self.limit:
            self._evict(entry)

    def _evict(self, newcomer: Entry) -> None:
        """Drop what was used least recently; all are looked through once for many that go."""
        if not self._oldest:
            others = sorted([each for each in self._entries.values() if each is not newcomer], key=_used_at)
            self._oldest = [(each.query, each.used_at) for each in others[: len(others) // EVICTION_SHARE + 1]]
            self._oldest.reverse()
        query, used_at = self._oldest.pop()
        entry = self._entries.get(query)
        if entry is not None and entry is not newcomer and entry.used_at == used_at:  # else it was used since
            self.drop(entry)

    def _take_over(self, entry: Entry, old: Entry | None) -> None:
        """Replace `old`: its use goes on with `entry`; its names only if it is the same thing (not one made anew)."""
        if old is None or old is entry:
            return
        self.drop(old)
        entry.past_hits += old.hits + old.past_hits
        entry.used_at = max(entry.used_at, old.used_at)
        entry.replaced_at = max(entry.replaced_at, old.replaced_at)
        for name in old.names if old.query == entry.query else ():
            self._name(entry, name)

    def _name(self, entry: Entry, name: Query) -> None:
        if self._names.get(name) is entry:
            return
        if len(entry.names) >= MAX_NAMES:
            del self._names[entry.names.pop(1)]
        entry.names.append(name)
        self._names[name] = entry

    def drop(self, entry: Entry) -> None:
        """Forget `entry` and its names."""
        entry.current = False
        if self._entries.get(entry.query) is entry:
            del self._entries[entry.query]
        for name in entry.names:
            if self._names.get(name) is entry:
                del self._names[name]

    def clear(self) -> None:
        """Forget everything."""
        self._oldest.clear()
        for entry in self:
            self.drop(entry)


def _used_at(entry: Entry) -> float:
    return entry.used_at
