"""The freshness policy: each verdict at its edges, and what holds for any times at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core import policy
from extension.core.errors import Refused, Stopping, Throttled, TimedOut, Unavailable, Unreachable, UpstreamError
from extension.core.policy import Freshness, Rotation, covers, ends_value, judge, schedule, shortened
from tests.samples import NOW, times

SECONDS = st.floats(0, 1e6)
CHANCES = st.floats(0, 1, exclude_max=True)
# Fetched at 0: due at 80, expires at 100, stale until 150.
AT = times(NOW)


@pytest.mark.parametrize(
    ("after", "failed_after", "retry_after", "verdict"),
    [
        (0, None, -1, "serve"),
        (79.9, None, -1, "serve"),
        (80, None, -1, "serve-and-refresh"),
        (99.9, None, -1, "serve-and-refresh"),
        (85, 84, 89, "serve"),
        (89, 84, 89, "serve-and-refresh"),
        (100, None, -1, "fetch"),
        (100, 99, 104, "stale"),
        (104, 99, 104, "stale-and-refresh"),
        (128.9, 99, 104, "stale-and-refresh"),
        (129, 99, 104, "fetch"),
        (149.9, 140, 145, "stale-and-refresh"),
        (150, 140, 145, "fetch"),
        (1e9, None, -1, "fetch"),
        (-60, None, -1, "serve"),
        (-60.1, None, -1, "fetch"),
        (-60.1, -61, -1, "fetch"),
        (110, 120, 125, "fetch"),
    ],
)
def test_each_moment_has_its_verdict(
    after: float, failed_after: float | None, retry_after: float, verdict: str
) -> None:
    """Fresh, due, expired, stale and beyond, with and without a failure in memory, and after the clock jumped back."""
    failed_at = None if failed_after is None else NOW + failed_after
    assert judge(AT, NOW + after, failed_at, NOW + retry_after) == verdict


@given(st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), SECONDS, SECONDS, CHANCES)
def test_nothing_is_served_past_its_bound(
    after: float, failed_after: float | None, retry_after: float, ttl: float, max_stale: float, chance: float
) -> None:
    """Whatever happened: fresh within the TTL, stale within the bound, neither long before it was fetched."""
    entry_times = schedule(NOW, Freshness(ttl_seconds=ttl, max_stale_seconds=max_stale), chance)
    failed_at = None if failed_after is None else NOW + failed_after
    verdict = judge(entry_times, NOW + after, failed_at, NOW + retry_after)
    earliest = NOW - policy.CLOCK_TOLERANCE_SECONDS
    served_fresh, served_stale = verdict.startswith("serve"), verdict.startswith("stale")
    assert not served_fresh or earliest <= NOW + after < entry_times.expires_at
    assert not served_stale or entry_times.expires_at <= NOW + after < entry_times.stale_until
    assert not served_stale or failed_after is not None


@given(SECONDS, SECONDS, CHANCES)
def test_times_are_in_order(ttl: float, max_stale: float, chance: float) -> None:
    """Fetched, due from four fifths of the TTL on, expired, stale."""
    entry_times = schedule(NOW, Freshness(ttl_seconds=ttl, max_stale_seconds=max_stale), chance)
    assert entry_times.fetched_at <= entry_times.due_at <= entry_times.expires_at <= entry_times.stale_until
    assert entry_times.due_at - NOW >= policy.REFRESH_SHARE * ttl - 1e-3


def test_the_due_time_spreads() -> None:
    """Chance moves it between four fifths of the TTL and nineteen twentieths, so that a refresh can end in time."""
    freshness = Freshness(ttl_seconds=100, max_stale_seconds=0)
    assert [schedule(0, freshness, chance).due_at for chance in (0, 0.5, 1)] == [80, 87.5, 95]


@pytest.mark.parametrize(("age", "may"), [(0, False), (79, False), (80, True), (99, True), (200, True), (-1, False)])
def test_what_is_soon_due_may_go_along(age: int, *, may: bool) -> None:
    """From the first moment at which chance could have made it due."""
    times = schedule(NOW, Freshness(ttl_seconds=100, max_stale_seconds=0), 0.9)
    assert policy.may_go_along(times, NOW + age) is may


@pytest.mark.parametrize(
    ("ttl", "age", "may"),
    [
        (300, 0, True),
        (300, 3599, True),
        (300, 3600, False),
        (86400, 86399, True),
        (86400, 86400, False),
        (300, -1, False),
    ],
)
def test_a_value_is_renewed_unfetched_for_an_hour_or_its_ttl(ttl: float, age: float, *, may: bool) -> None:
    """Whichever is longer; and not where a clock that was set back hides its age."""
    assert policy.may_be_renewed(NOW - age, times(NOW, ttl), NOW) is may


@pytest.mark.parametrize(
    ("next_in", "window", "ttl"),
    [
        (None, 0, 300),
        (1000, 0, 300),
        (200, 0, 200),
        (200, 100, 100),
        (200, 190, 15),
        (10, 0, 15),
        (0, 3600, 15),
        (-15, 0, 15),
        (-15.1, 0, 300),
        (-1e9, 0, 300),
    ],
)
def test_a_rotation_ahead_shortens_the_ttl(next_in: float | None, window: float, ttl: float) -> None:
    """Until its window opens, then to a short one while it may go on; a date long past (it failed) means nothing."""
    rotation = Rotation(next_at=None if next_in is None else NOW + next_in, window_seconds=window)
    assert shortened(300, NOW, rotation) == ttl


@given(SECONDS, st.none() | st.floats(-1e6, 1e6), SECONDS)
def test_a_rotation_never_lengthens_the_ttl(ttl: float, next_in: float | None, window: float) -> None:
    """NextRotationDate is the latest date, not a promise."""
    rotation = Rotation(next_at=None if next_in is None else NOW + next_in, window_seconds=window)
    assert shortened(ttl, NOW, rotation) <= ttl
    assert schedule(NOW, Freshness(ttl_seconds=ttl, max_stale_seconds=0), 0, rotation).expires_at <= NOW + ttl


def test_a_rotation_knows_versions_by_stage() -> None:
    """Which version carries a stage tells whether a fetch is needed."""
    rotation = Rotation(versions=(("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1")))
    assert (rotation.version_of("AWSCURRENT"), rotation.version_of("AWSPENDING")) == ("v2", None)


def test_a_rotation_knows_stages_by_version() -> None:
    """A version may carry several, and none."""
    rotation = Rotation(versions=(("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1"), ("green", "v2")))
    assert [rotation.stages_of(version) for version in ("v2", "v0")] == [("AWSCURRENT", "green"), ()]


@pytest.mark.parametrize("error", [Throttled("x"), Unavailable("x"), Unreachable("x"), TimedOut("x"), Stopping("x")])
def test_what_may_pass_is_covered_within_the_bound(error: UpstreamError) -> None:
    """A transient failure is answered stale until the bound, and not a moment longer."""
    assert covers(error, AT, NOW + 149.9)
    assert not covers(error, AT, NOW + 150)
    assert not covers(error, AT, NOW - 60.1)
    assert not ends_value(error)


@pytest.mark.parametrize("after", [0, 99, 149])
def test_a_refusal_is_never_covered(after: float) -> None:
    """4xx: the error, however fresh the old value is."""
    assert not covers(Refused("denied", code="AccessDeniedException"), AT, NOW + after)


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("ResourceNotFoundException", True),
        ("AccessDeniedException", True),
        ("InvalidRequestException", True),
        ("DecryptionFailure", True),
        ("ParameterNotFound", True),
        ("ExpiredTokenException", False),
        ("UnrecognizedClientException", False),
        ("InvalidSignatureException", False),
        ("RequestExpired", False),
    ],
)
def test_a_refusal_ends_the_value_unless_it_is_about_us(code: str, ends: bool) -> None:
    """Gone and denied end it; our own bad credentials or clock say nothing about it."""
    assert ends_value(Refused("no", code=code)) is ends


@given(st.floats(0, 300), CHANCES)
def test_a_failure_is_remembered_briefly(ttl: float, chance: float) -> None:
    """From half to one and a half of the negative TTL, spread by chance."""
    assert NOW + 0.5 * ttl <= policy.negative_until(NOW, ttl, chance) <= NOW + 1.5 * ttl
