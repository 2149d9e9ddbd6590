"""The shelf: what is kept of a fetch, value or failure.

Law: a value that arrives becomes one entry under all its names, with times of its own; a failure changes no time of
the old entry, ends it when it says gone or denied, and is remembered briefly where no old value stands in for it. What
was not asked to the end, or is being asked again, is no failure of the service.
No lock, no clock.
"""

from __future__ import annotations

from extension.core.cache import Entry
from extension.core.errors import Stopping, UpstreamError
from extension.core.identity import account_told_by, other_names
from extension.core.model import ParameterTree
from extension.core.policy import covers, ends_value, negative_until, schedule
from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from extension.core.cache import Cache
    from extension.core.model import Parameter, Query, Value
    from extension.core.policy import Freshness, Rotation

MAX_NEGATIVES = 1000


class Fetched(Record):
    """A value as it came, with what is known of its rotation; `sourced_at` where it did not come, but is unchanged."""

    value: Value
    rotation: Rotation | None = None
    sourced_at: float | None = None


class Negative(Record):
    """A remembered failure of something that no value in the cache stands in for, made at `since`."""

    error: UpstreamError
    since: float
    until: float


class Landing(Record):
    """How a fetch ended: a new entry, or an error and the old entry that may stand in for it."""

    entry: Entry | None = None
    error: UpstreamError | None = None
    stale: Entry | None = None


class Shelf:
    """The cache and the remembered failures; its owner (the store) holds a lock around every call."""

    def __init__(
        self,
        cache: Cache,
        freshness_of: Callable[[Sequence[Query]], Freshness],
        chance: Callable[[], float],
        negative_ttl_seconds: float,
    ) -> None:
        """Start with an empty memory of failures; `freshness_of` takes all names of a value."""
        self.cache = cache
        self.own_account: str | None = None
        self.awaited: set[Query] = set()
        """What the prefetch asked for and nothing has brought yet, by this name or by another."""
        self._freshness_of = freshness_of
        self._chance = chance
        self._negative_ttl_seconds = negative_ttl_seconds
        self._negatives: dict[Query, Negative] = {}

    def remembered(self, query: Query, now: float) -> UpstreamError | None:
        """Return the failure that is still remembered for `query`."""
        negative = self._negatives.get(query)
        if negative is None:
            return None
        if negative.since <= now < negative.until:
            return negative.error
        del self._negatives[query]
        return None

    def keep(self, query: Query, fetched: Fetched, now: float, *, keep: bool, begun_at: float | None = None) -> Landing:
        """Take what `query` brought; the parameters of a tree become entries of their own while there is room.

        It is as old as the moment when its fetch began (`begun_at`, else `now`), which may have been before a freeze.
        """
        self._negatives.pop(query, None)
        asked_at = now if begun_at is None else begun_at
        newer = self._newer(query, asked_at, now)
        if keep and newer is not None:
            return Landing(entry=newer)
        self.own_account = self.own_account or account_told_by(query, fetched.value)
        entry = self._put(query, fetched, asked_at, keep=keep)
        if keep and isinstance(fetched.value, ParameterTree):
            for parameter in fetched.value.parameters:
                self._put_below(query, parameter, asked_at, now)
        return Landing(entry=entry)

    def _put_below(self, path: Query, parameter: Parameter, asked_at: float, now: float) -> None:
        """Put a parameter of a tree, which drives nothing out that somebody asked for."""
        single = path.replace(service="ssm", id=parameter.name, recursive=False)
        fits = self.cache.has_room or self.cache.find(single) is not None
        if fits and self._newer(single, asked_at, now) is None:
            self._put(single, Fetched(value=parameter), asked_at, keep=True)

    def _newer(self, query: Query, asked_at: float, now: float) -> Entry | None:
        """Return the entry that was fetched after `asked_at`, but arrived earlier."""
        entry = self.cache.find(query)
        return entry if entry is not None and asked_at < entry.times.fetched_at <= now else None

    def _put(self, query: Query, fetched: Fetched, asked_at: float, *, keep: bool) -> Entry:
        """Make the entry, and put it into the cache unless its TTL is zero or it must not be kept."""
        own_account = self.own_account if query.role_arn is None else None
        names = (*other_names(query, fetched.value, own_account), query)
        self.awaited.difference_update(names)
        freshness = self._freshness_of(names)
        times = schedule(asked_at, freshness, self._chance(), fetched.rotation)
        entry = Entry(names[0], fetched.value, times, asked=query, rotation=fetched.rotation)
        entry.sourced_at = asked_at if fetched.sourced_at is None else fetched.sourced_at
        if keep and freshness.ttl_seconds > 0:
            self.cache.put(entry, names[1:])
        else:
            entry.current = False
        return entry

    def fail(
        self, query: Query, error: UpstreamError, now: float, *, begun_at: float | None = None, overtaken: bool = False
    ) -> Landing:
        """Take what went wrong; the old entry stands in where it may, and is ended where it must be.

        `overtaken`: a later fetch of the same is under way, which will tell how the service is now.
        """
        _forget_whence(error)
        newer = self._newer(query, now if begun_at is None else begun_at, now)
        if newer is not None:
            return Landing(entry=newer)
        entry = self.cache.find(query)
        if entry is not None and ends_value(error):
            self.cache.drop(entry)
            entry = None
        stale = entry if entry is not None and covers(error, entry.times, now) else None
        if not overtaken and not isinstance(error, Stopping):  # a call that was cut off says nothing of the service
            until = negative_until(now, self._negative_ttl_seconds, self._chance())
            if entry is not None:
                entry.failure, entry.failed_at, entry.retry_at = error, now if error.transient else None, until
            if stale is None:
                self._remember(query, Negative(error=error, since=now, until=until))
        return Landing(error=error, stale=stale)

    def _remember(self, query: Query, negative: Negative) -> None:
        if self._negative_ttl_seconds == 0:
            return
        if len(self._negatives) >= MAX_NEGATIVES:
            self._negatives.pop(next(iter(self._negatives)))
        self._negatives[query] = negative

    def clear(self) -> None:
        """Forget everything."""
        self.cache.clear()
        self._negatives.clear()


def _forget_whence(error: UpstreamError) -> None:
    """Let go of the frames an error came through: they hold requests, credentials and half answers."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
