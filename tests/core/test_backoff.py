"""Pauses between attempts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extension.core.backoff import BASE_SECONDS, CAP_SECONDS, backoff_seconds

CHANCES = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(("attempt", "bound"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (60, 8.0)])
def test_bound_doubles_up_to_the_cap(attempt: int, bound: float) -> None:
    """The longest pause doubles with each failure, and never passes eight seconds."""
    assert backoff_seconds(attempt, 1.0) == bound


@given(st.integers(1, 1000), CHANCES)
def test_any_chance_gives_a_pause_within_the_bound(attempt: int, chance: float) -> None:
    """Full jitter: a pause is anywhere from nothing to its bound."""
    assert 0 <= backoff_seconds(attempt, chance) <= CAP_SECONDS


@given(st.integers(1, 6), CHANCES, st.floats(0, 3600))
def test_the_services_own_word_is_kept(attempt: int, chance: float, asked: float) -> None:
    """Nobody comes back before the service said, nor all at once when its time is over."""
    assert asked <= backoff_seconds(attempt, chance, asked) <= asked + BASE_SECONDS


def test_a_negative_wish_is_no_wish() -> None:
    """A Retry-After that lies in the past asks for nothing."""
    assert backoff_seconds(1, 0.0, -5.0) == 0.0
