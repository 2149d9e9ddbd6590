"""How often, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.aws.retry import Retry
from extension.core.errors import Refused, Stopping, Throttled, TimedOut, Unavailable
from tests.servers.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable


class Attempts:
    """Raises the given errors one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        """Make one attempt."""
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


class Waits:
    """Keeps the pauses, and lets the clock go on by each."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pauses: list[float] = []

    def __call__(self, seconds: float) -> None:
        """Pause."""
        self.pauses.append(seconds)
        self.clock.now += seconds


def patient(chance: float = 1.0, **bounds: float) -> tuple[Retry, Waits]:
    """Return a Retry whose jitter is `chance`, and the waits it made."""
    clock = Clock()
    waits = Waits(clock)
    return Retry(monotonic=clock, chance=lambda: chance, wait=waits, **bounds), waits  # type: ignore[arg-type]


def run(retry: Retry, attempts: Callable[[], str], seconds: float = 100.0) -> str:
    """Run the attempts within `seconds`."""
    return retry.run(retry.deadline(seconds), attempts)


def test_transient_errors_are_tried_again_with_growing_pauses() -> None:
    """Five failures, doubling pauses, and the sixth attempt counts."""
    retry, waits = patient()

    assert run(retry, Attempts(*[Unavailable("x")] * 5)) == "answer"
    assert waits.pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_the_sixth_failure_is_final() -> None:
    """Nobody is asked a seventh time."""
    retry, _ = patient(chance=0.0)
    attempts = Attempts(*[Unavailable("x")] * 9)

    with pytest.raises(Unavailable):
        run(retry, attempts)
    assert attempts.made == 6


def test_a_caller_may_want_fewer_attempts() -> None:
    """A batch is tried once."""
    retry, waits = patient()

    with pytest.raises(Unavailable):
        retry.run(retry.deadline(100), Attempts(Unavailable("x")), 1)
    assert waits.pauses == []


@pytest.mark.parametrize(
    ("error", "answer"), [(Unavailable("x"), "unavailable"), (Throttled("x"), "answer")], ids=["down", "throttled"]
)
def test_the_hasty_wait_for_throttling_alone(error: Exception, answer: str) -> None:
    """Who knows another region to ask tries again only what is throttled."""
    retry, _ = patient()
    try:
        found = retry.run(retry.deadline(100), Attempts(error), hasty=True)
    except Unavailable:
        found = "unavailable"
    assert found == answer


@pytest.mark.parametrize("error", [Refused("x"), Stopping("x"), ValueError("x")])
def test_what_does_not_pass_is_final_at_once(error: Exception) -> None:
    """Refusals, the shutdown and our own faults are not tried again."""
    retry, waits = patient()

    with pytest.raises(type(error)):
        run(retry, Attempts(error))
    assert waits.pauses == []


def test_the_services_word_is_the_pause() -> None:
    """Retry-After is waited for."""
    retry, waits = patient(chance=0.0)

    run(retry, Attempts(Throttled("x", retry_after_seconds=7.0)))

    assert waits.pauses == [7.0]


def test_a_pause_past_the_deadline_is_not_begun() -> None:
    """When the time is not enough for the pause, the error is told now rather than later."""
    retry, waits = patient()

    with pytest.raises(Throttled):
        run(retry, Attempts(Unavailable("x"), Throttled("x", retry_after_seconds=60.0)), seconds=5.0)
    assert waits.pauses == [0.5]


def test_stopping_ends_the_wait() -> None:
    """The injected wait may say that we are shutting down."""

    def stopping(_seconds: float) -> None:
        message = "shutting down"
        raise Stopping(message)

    retry = Retry(monotonic=Clock(), chance=lambda: 0.5, wait=stopping)
    with pytest.raises(Stopping):
        run(retry, Attempts(Unavailable("x")))


@pytest.mark.parametrize(("given", "seconds"), [(0, 10.0), (None, 10.0), (2.5, 2.5)])
def test_no_timeout_means_the_usual_deadline(given: float | None, seconds: float) -> None:
    """A whole call is always bounded."""
    retry, _ = patient()

    assert retry.deadline(given).left() == seconds


def test_an_attempt_gets_what_is_left() -> None:
    """An attempt is bounded by its own limit and by the deadline; when that is over, none is made."""
    retry, waits = patient()
    deadline = retry.deadline(10)

    assert deadline.attempt(3.0, "x") == 3.0
    waits(9.0)
    assert deadline.attempt(3.0, "x") == 1.0
    waits(1.0)
    with pytest.raises(TimedOut, match="ssm: no answer within 10 s"):
        deadline.attempt(3.0, "ssm")
