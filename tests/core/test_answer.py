"""Answers: a landing becomes exactly one of them for each who waited."""

from __future__ import annotations

import pytest

from extension.core.answer import Answer, Counters, about, deliverer, reason
from extension.core.errors import Unavailable
from extension.core.shelf import Landing
from tests.samples import entry, secret_query

ERROR = Unavailable("down")
NEW, OLD = entry(), entry()


@pytest.mark.parametrize(
    ("landing", "stale_allowed", "expected", "stale"),
    [
        (Landing(entry=NEW), True, ("miss", NEW, None, None), 0),
        (Landing(error=ERROR), True, ("miss", None, ERROR, None), 0),
        (Landing(error=ERROR, stale=OLD), True, ("stale", OLD, None, "InternalServiceError"), 1),
        (Landing(error=ERROR, stale=OLD), False, ("miss", None, ERROR, None), 0),
    ],
)
def test_a_landing_becomes_an_answer(
    landing: Landing, stale_allowed: bool, expected: tuple[object, ...], stale: int
) -> None:
    """The new value, the error, or the old value with the reason, which is counted."""
    answers: list[Answer] = []
    counters = Counters()
    deliverer(answers.append, "miss", counters, stale_allowed=stale_allowed)(landing)
    assert [(each.state, each.entry, each.error, each.reason) for each in answers] == [expected]
    assert (counters.stale, counters.misses, counters.fetches, counters.failures) == (stale, 0, 0, 0)


def test_an_answer_to_one_of_many_says_which() -> None:
    """The query comes along."""
    told: list[tuple[object, Answer]] = []
    answer = Answer("hit", NEW)
    about(secret_query("a"), lambda query, answer: told.append((query, answer)))(answer)
    assert told == [(secret_query("a"), answer)]


def test_an_entry_knows_why_it_is_stale() -> None:
    """By its last failure, or because it is old."""
    failed = entry()
    failed.failure = ERROR
    assert (reason(entry()), reason(failed)) == ("Expired", "InternalServiceError")
