"""The freshness policy, as pure functions of an entry's times, the wall clock and what went wrong.

    fetched ──── fresh ────► due ── served, refreshed behind ──► expired ── fetched before the answer
                                                                    │ failed for a transient reason
                                                                    ▼
                                                     stale, up to the bound, marked; behind it new attempts

Law: a failed refresh never renews freshness, and no time but the wall clock's counts (the monotonic clock stops while
Lambda freezes the environment). Times are epoch seconds, `chance` is a number in [0, 1).
"""

from __future__ import annotations

from extension.core.errors import Refused, UpstreamError
from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Verdict = Literal["serve", "serve-and-refresh", "stale", "stale-and-refresh", "fetch"]

REFRESH_SHARE = 0.8
"""From this share of the TTL on a refresh may start: at a point drawn between the two shares, so that fleets spread."""
LAST_REFRESH_SHARE = 0.95
"""By this share it has come due: a refresh that ends before the TTL makes nobody wait."""
CLOCK_TOLERANCE_SECONDS = 60.0
"""A value from further in the future than this was fetched before a clock jump: of unknown age, so expired."""
FAILURE_MEMORY_SECONDS = 30.0
"""Within this of a failed attempt a stale value is served at once and fetched behind: an outage is waited for once."""
ROTATION_TTL_SECONDS = 15.0
"""The TTL while a rotation is due, at the least."""
LOOKS_PER_WINDOW = 240
"""At most so many refreshes in a rotation window, however long it is: fleets share one quota."""
RENEWAL_SECONDS = 3600.0
"""So long a version that is unchanged renews its value; then the value is fetched: the right to it may have ended."""
REPLACE_PAUSE_SECONDS = 1.0
"""At most one fetch in this time for callers who report a refused version."""

_ABOUT_THE_CALLER = frozenset(
    (
        "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId",
        "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed",
    )
)  # fmt: skip


class Freshness(Record):
    """How long a value lives: fresh for `ttl_seconds`, then possibly stale for `max_stale_seconds` more."""

    ttl_seconds: float
    max_stale_seconds: float


class Times(Record):
    """When an entry was fetched, may be refreshed, must be fetched, and stops to stand in. Epoch seconds."""

    fetched_at: float
    due_at: float
    expires_at: float
    stale_until: float


class Rotation(Record):
    """What DescribeSecret says of a rotation. `next_at` is the latest date, and past if the rotation failed."""

    next_at: float | None = None
    window_seconds: float = 0.0
    versions: tuple[tuple[str, str], ...] = ()

    def version_of(self, stage: str) -> str | None:
        """Return the id of the version that carries `stage`."""
        return dict(self.versions).get(stage)

    def stages_of(self, version_id: str) -> tuple[str, ...]:
        """Return the stages that a version carries."""
        return tuple(stage for stage, version in self.versions if version == version_id)


def schedule(now: float, freshness: Freshness, chance: float, rotation: Rotation | None = None) -> Times:
    """Return the times of a value fetched `now`."""
    ttl = freshness.ttl_seconds
    if rotation is not None:
        ttl = shortened(ttl, now, rotation)
    return Times(
        fetched_at=now,
        due_at=now + ttl * (REFRESH_SHARE + (LAST_REFRESH_SHARE - REFRESH_SHARE) * chance),
        expires_at=now + ttl,
        stale_until=now + ttl + freshness.max_stale_seconds,
    )


def shortened(ttl: float, now: float, rotation: Rotation) -> float:
    """Return the TTL that ends when the rotation may begin, and is short while it may go on; never a longer one."""
    if rotation.next_at is None or now > rotation.next_at + ROTATION_TTL_SECONDS:
        return ttl
    begins = rotation.next_at - rotation.window_seconds
    return min(ttl, max(ROTATION_TTL_SECONDS, rotation.window_seconds / LOOKS_PER_WINDOW, begins - now))


def is_expired(times: Times, now: float) -> bool:
    """Tell whether a value must be fetched before it is answered."""
    return now >= times.expires_at or now < times.fetched_at - CLOCK_TOLERANCE_SECONDS


def may_be_renewed(sourced_at: float, times: Times, now: float) -> bool:
    """Tell whether a value may go on unfetched: it was fetched within the hour, or within its TTL if that is longer.

    A clock that was set back leaves its age unknown.
    """
    return 0 <= now - sourced_at < max(RENEWAL_SECONDS, times.expires_at - times.fetched_at)


def may_go_along(times: Times, now: float) -> bool:
    """Tell whether a value that is not due yet may be refreshed with one that is, in the same call."""
    return now - times.fetched_at >= REFRESH_SHARE * (times.expires_at - times.fetched_at)


def judge(times: Times, now: float, failed_at: float | None, retry_at: float) -> Verdict:
    """Decide what a read of a cached value gets; `failed_at` is its last failed refresh, `retry_at` the next try."""
    if not is_expired(times, now):
        return "serve-and-refresh" if now >= times.due_at and now >= retry_at else "serve"
    known_outage = failed_at is not None and 0 <= now - failed_at < FAILURE_MEMORY_SECONDS
    if not known_outage or not may_stand_in(times, now):
        return "fetch"
    return "stale-and-refresh" if now >= retry_at else "stale"


def may_stand_in(times: Times, now: float) -> bool:
    """Tell whether an expired value is still within its bound."""
    return times.fetched_at - CLOCK_TOLERANCE_SECONDS <= now < times.stale_until


def covers(error: UpstreamError, times: Times, now: float) -> bool:
    """Tell whether the old value answers instead of `error`: only for what may pass by itself, and within the bound."""
    return error.transient and may_stand_in(times, now)


def ends_value(error: UpstreamError) -> bool:
    """Tell whether `error` says that the value is gone or denied (and not that our own credentials were wrong)."""
    return isinstance(error, Refused) and error.code not in _ABOUT_THE_CALLER


def negative_until(now: float, ttl_seconds: float, chance: float) -> float:
    """Return until when a failure is remembered: the TTL, spread by half to both sides."""
    return now + ttl_seconds * (0.5 + chance)
