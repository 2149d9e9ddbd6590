"""Deadlines: none, no time; some, until the first."""

from __future__ import annotations

from extension.front.deadlines import Deadlines


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


class Thing:
    """Something that ends."""

    def __init__(self) -> None:
        self.ended = 0

    def expire(self) -> None:
        """Count the end."""
        self.ended += 1


def test_nothing_to_end_is_for_ever() -> None:
    """That is what epoll calls -1; and the clock is not read."""
    deadlines = Deadlines(lambda: 1 / 0)
    assert not deadlines.ends
    assert deadlines.patience() == -1


def test_waits_until_the_first_end() -> None:
    """And not a negative time when it is over."""
    clock = Clock()
    deadlines = Deadlines(clock)
    deadlines.start(Thing(), 10.0)
    deadlines.start(Thing(), 5.0)
    assert deadlines.patience() == 5.0
    clock.now += 7
    assert deadlines.patience() == 0.0


def test_ends_what_is_due_once() -> None:
    """And leaves the rest."""
    clock, first, second = Clock(), Thing(), Thing()
    deadlines = Deadlines(clock)
    deadlines.start(first, 5.0)
    deadlines.start(second, 10.0)
    clock.now += 5
    deadlines.expire()
    deadlines.expire()
    assert (first.ended, second.ended) == (1, 0)
    assert deadlines.patience() == 5.0


def test_an_end_is_not_put_off() -> None:
    """Starting again does not prolong; stopping and starting does."""
    clock, thing = Clock(), Thing()
    deadlines = Deadlines(clock)
    deadlines.start(thing, 5.0)
    clock.now += 3
    deadlines.start(thing, 5.0)
    assert deadlines.patience() == 2.0
    deadlines.stop(thing)
    assert deadlines.patience() == -1
    deadlines.start(thing, 5.0)
    assert deadlines.patience() == 5.0
