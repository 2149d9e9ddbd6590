"""The circuit breaker."""

from __future__ import annotations

import pytest

from extension.core.health import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Health

BOTH = ("a", "b")


def test_prefers_the_first_while_all_is_well():
    """The order is the caller's."""
    assert Health().order(BOTH, 0.0) == BOTH


def test_asks_the_other_first_while_the_breaker_is_open():
    """A dead region does not cost its timeout on every call."""
    health = Health()

    health.failed("a", 100.0)

    assert health.order(BOTH, 100.1) == ("b", "a")


def test_gives_one_call_as_a_probe_when_the_pause_is_over():
    """Half-open: the next call tries it first, those beside it do not."""
    health = Health()
    health.failed("a", 100.0)
    over = 100.0 + FIRST_PAUSE_SECONDS

    assert [health.order(BOTH, over), health.order(BOTH, over)] == [BOTH, ("b", "a")]


def test_prefers_the_first_again_as_soon_as_it_answers():
    """One answer closes the breaker."""
    health = Health()
    health.failed("a", 100.0)

    health.answered("a")

    assert health.order(BOTH, 100.1) == BOTH


def test_pauses_longer_each_time_up_to_a_bound():
    """5, 10, 20, 40, 60, 60 seconds."""
    health = Health()
    [health.failed("a", 0.0) for _ in range(6)]

    assert health.order(BOTH, LONGEST_PAUSE_SECONDS - 0.1) == ("b", "a")
    assert health.order(BOTH, LONGEST_PAUSE_SECONDS) == BOTH


def test_asks_all_the_same_where_every_breaker_is_open():
    """A breaker saves time, it never refuses."""
    health = Health()
    health.failed("a", 0.0)
    health.failed("b", 0.0)

    assert health.order(BOTH, 1.0) == BOTH


@pytest.mark.parametrize("now", [-1e6, 1e9])
def test_a_clock_that_jumped_leaves_no_breaker_open(now):
    """After a jump in either direction the first region is tried again."""
    health = Health()
    health.failed("a", 1000.0)

    assert health.order(BOTH, now) == BOTH


class Interrupted(str):
    """The name of a region that answers another thread between our first look at it and the second."""

    __slots__ = ("_turns",)

    def __hash__(self) -> int:
        """Count a look."""
        next(self._turns)()
        return super().__hash__()


def test_a_region_that_answers_another_thread_meanwhile_is_asked():
    """What is known of a region is looked up once, so that no half of it can go missing."""
    health = Health()
    health.failed("a", 100.0)
    region = Interrupted("a")
    region._turns = iter((lambda: None, lambda: health.answered("a")))

    assert health.order((region,), 100.1) == ("a",)
