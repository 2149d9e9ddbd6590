"""Denied permissions: remembered, and not for ever."""

from __future__ import annotations

import pytest

from extension.core.denials import DENIED_SECONDS, MOST_DENIALS, Denials
from tests.samples import NOW


def denied(*keys: object) -> Denials:
    """Return denials of `NOW`."""
    denials = Denials()
    [denials.add(key, NOW) for key in keys]
    return denials


@pytest.mark.parametrize(
    ("later", "holds"), [(0.0, True), (DENIED_SECONDS - 1, True), (DENIED_SECONDS, False), (-1.0, False)]
)
def test_a_denial_holds_for_an_hour(later: float, holds: bool) -> None:
    """Then it is tried again; and a clock that was set back ends it, too."""
    assert denied("describe").holds("describe", NOW + later) is holds


def test_a_denial_is_of_one_thing() -> None:
    """Others are not denied by it."""
    assert not denied(("describe", "theirs")).holds(("describe", "ours"), NOW)


def test_a_second_denial_holds_for_another_hour() -> None:
    """It was tried again, in vain."""
    denials = denied("describe")
    denials.add("describe", NOW + DENIED_SECONDS)

    assert denials.holds("describe", NOW + DENIED_SECONDS + 1)


def test_no_more_are_kept_than_is_good() -> None:
    """Callers choose the names: when there are too many, the last one is kept."""
    denials = denied(*range(MOST_DENIALS + 1))

    assert [denials.holds(key, NOW) for key in (0, MOST_DENIALS)] == [False, True]
