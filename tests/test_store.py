"""The store: what a read gets, what it starts, and who is told; orders are forced, nothing runs by itself."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from extension.core.errors import Refused, Stopping, Throttled, Unavailable, UpstreamError
from extension.core.flight import FOR_EVER
from extension.core.shelf import Fetched
from tests.samples import NOW, OWN, PLANTED, secret, secret_arn, secret_query
from tests.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.answer import Answer
    from extension.core.model import Query
    from extension.core.plan import Job

DB = secret_query("db")
ARN = secret_query(secret_arn("db"))
DOWN = Unavailable("db: down")
GONE = Refused("db: gone", code="ResourceNotFoundException")
ENDING = Stopping("db: the invocation ends", code="InvocationEnding")
EXPIRED_TOKEN = Refused("db: bad token", code="ExpiredTokenException")


def warm(**options: float) -> Workbench:
    """Return a workbench whose store holds `db`, fetched at `NOW`."""
    bench = Workbench(**options)  # type: ignore[arg-type]
    bench.got(DB)
    bench.jobs.clear()
    return bench


def outcome(answer: Answer | None) -> tuple[object, object, object]:
    """Return how an answer came, the version it has or its error's code, and the reason for staleness."""
    if answer is None:
        return None, None, None
    told = answer.entry.version if answer.entry is not None else answer.error and answer.error.code
    return answer.state, told, answer.reason


def test_a_miss_waits_and_a_hit_does_not() -> None:
    """The first read is delivered from a worker, the second at once."""
    bench = Workbench()
    assert bench.read(DB) is None
    assert bench.answers == []
    bench.run()
    assert outcome(bench.answers[0]) == ("miss", "v1", None)
    assert outcome(bench.read(DB)) == ("hit", "v1", None)
    assert (len(bench.jobs), len(bench.answers)) == (1, 1)


def test_however_many_wait_it_is_fetched_once() -> None:
    """Each is called once, with the same entry."""
    bench = Workbench()
    assert [bench.read(DB) for _ in range(5)] == [None] * 5
    assert (len(bench.waiting), bench.store.in_flight) == (1, 1)
    bench.run()
    assert len({id(answer.entry) for answer in bench.answers}) == 1
    assert (len(bench.answers), len(bench.jobs), bench.store.in_flight) == (5, 1, 0)


def test_by_another_name_of_what_is_known_it_is_the_same_flight() -> None:
    """An expired entry is fetched as it was asked for first, whoever asks by whatever name."""
    bench = warm()
    bench.clock.now += 100
    assert [bench.read(ARN), bench.read(DB)] == [None, None]
    bench.run()
    assert [job.queries for job in bench.jobs] == [(DB,)]
    assert [outcome(answer) for answer in bench.answers] == [("miss", "v1", None)] * 2


def test_what_arrived_is_not_fetched_by_who_comes_right_after() -> None:
    """Landing puts the value and ends the flight together: a waiter that reads again gets a hit."""
    bench = Workbench()
    seen: list[Answer | None] = []
    bench.store.read(DB, NOW, lambda _answer: seen.append(bench.read(DB)))
    bench.run()
    assert [outcome(answer) for answer in seen] == [("hit", "v1", None)]


def test_what_is_due_is_served_and_refreshed_behind() -> None:
    """One refresh, however many reads; it may find the held value unchanged; the next read has the new one."""
    bench = warm()
    bench.upstream["db"] = secret("db", version="v2")
    bench.clock.now += 90
    assert [outcome(bench.read(DB)), outcome(bench.read(ARN))] == [("hit", "v1", None)] * 2
    bench.run()
    assert [(job.queries, {query: entry.version for query, entry in job.held.items()}) for job in bench.jobs] == [
        ((DB,), {DB: "v1"})
    ]
    assert outcome(bench.read(DB)) == ("hit", "v2", None)


def test_what_somebody_waits_for_is_fetched_without_asking_whether_it_changed() -> None:
    """An expired value is fetched in one call."""
    bench = warm()
    bench.clock.now += 100
    bench.got(DB)
    assert [dict(job.held) for job in bench.jobs] == [{}]


def test_a_refresh_that_a_reader_joins_is_moved_forward() -> None:
    """Nobody waited for it until the value expired; it is still one fetch."""
    bench = warm()
    bench.clock.now += 90
    bench.read(DB)
    bench.clock.now += 10
    assert outcome(bench.got(DB)) == ("miss", "v1", None)
    assert (bench.urgencies, len(bench.jobs)) == ([True, False, True], 1)


def test_a_read_is_bounded_from_the_moment_it_is_asked() -> None:
    """Not from the one when a worker is free; what is fetched behind one has no such end."""
    bench = warm()
    bench.clock.now += 90
    bench.got(DB)
    bench.read(secret_query("other"))
    asked_at = bench.clock.now
    bench.clock.now += 9
    bench.run()
    assert [job.waits_until for job in bench.jobs] == [FOR_EVER, asked_at + 10]


@pytest.mark.parametrize("wide", [False, True])
def test_a_prefetch_is_not_urgent_and_reads_of_many_are(wide: bool) -> None:
    """No request waits for it."""
    bench = Workbench()
    ensured(bench, [DB], wide=wide)
    assert bench.urgencies == [not wide]


def test_a_failed_refresh_behind_is_told_and_tried_again_later() -> None:
    """The value is served on until it expires, and no read in the pause starts another attempt."""
    bench = warm()
    bench.upstream["db"] = DOWN
    bench.clock.now += 90
    assert outcome(bench.got(DB)) == ("hit", "v1", None)
    assert bench.reports == [
        ("warn", "secretsmanager://db could not be refreshed, the cached value stands in: db: down")
    ]
    assert outcome(bench.got(DB)) == ("hit", "v1", None)
    assert len(bench.jobs) == 1
    bench.clock.now += 5
    assert outcome(bench.got(DB)) == ("hit", "v1", None)
    assert len(bench.jobs) == 2


def test_an_outage_is_waited_for_once() -> None:
    """Expired: the first read waits and gets the stale value; the next gets it at once, with the reason."""
    bench = warm()
    bench.upstream["db"] = DOWN
    bench.clock.now += 100
    assert outcome(bench.got(DB)) == ("stale", "v1", "InternalServiceError")
    assert outcome(bench.read(DB)) == ("stale", "v1", "InternalServiceError")
    assert (len(bench.jobs), bench.store.counters.stale) == (1, 2)


def test_an_outage_that_ends_is_noticed_behind() -> None:
    """Stale reads go on trying, one attempt at a time."""
    bench = warm()
    bench.upstream["db"] = DOWN
    bench.clock.now += 100
    bench.got(DB)
    bench.upstream["db"] = secret("db", version="v2")
    bench.clock.now += 5
    assert outcome(bench.got(DB)) == ("stale", "v1", "InternalServiceError")
    assert outcome(bench.got(DB)) == ("hit", "v2", None)


def test_a_value_past_its_bound_is_not_served() -> None:
    """The error is; and it is remembered, so that not every read calls."""
    bench = warm()
    bench.upstream["db"] = DOWN
    bench.clock.now += 150
    assert outcome(bench.got(DB)) == ("miss", "InternalServiceError", None)
    assert outcome(bench.got(DB)) == ("hit", "InternalServiceError", None)
    assert len(bench.jobs) == 1


@pytest.mark.parametrize("after", [90, 100])
def test_a_refusal_ends_the_value(after: float) -> None:
    """Found out behind a read or in front of one: from then on the error, never the old value."""
    bench = warm()
    bench.upstream["db"] = GONE
    bench.clock.now += after
    bench.got(DB)
    assert outcome(bench.got(DB)) == ("hit", "ResourceNotFoundException", None)
    assert outcome(bench.got(ARN)) == ("miss", "v1", None)


def test_after_our_own_bad_credentials_nothing_is_served_stale() -> None:
    """A 4xx is no outage: the error, remembered briefly, then another attempt; the entry waits for that."""
    bench = warm()
    bench.upstream["db"] = EXPIRED_TOKEN
    bench.clock.now += 100
    assert outcome(bench.got(DB)) == ("miss", "ExpiredTokenException", None)
    assert outcome(bench.got(DB)) == ("hit", "ExpiredTokenException", None)
    bench.upstream["db"] = DOWN
    bench.clock.now += 6
    assert outcome(bench.got(DB)) == ("stale", "v1", "InternalServiceError")
    assert len(bench.jobs) == 2


def test_a_failure_is_remembered_until_its_time_is_over() -> None:
    """A missing secret is not a call for every read, and a created one is found."""
    bench = Workbench()
    bench.upstream["db"] = GONE
    assert outcome(bench.got(DB)) == ("miss", "ResourceNotFoundException", None)
    assert outcome(bench.read(DB)) == ("hit", "ResourceNotFoundException", None)
    del bench.upstream["db"]
    bench.clock.now += 5
    assert outcome(bench.got(DB)) == ("miss", "v1", None)


@pytest.mark.parametrize("jump", [-70, -1e9, 151, 1e9])
def test_after_a_jump_of_the_clock_the_value_is_fetched(jump: float) -> None:
    """To either side: it is of unknown age, or too old; and what cannot be fetched is not answered from before."""
    bench = warm()
    bench.clock.now += jump
    bench.upstream["db"] = DOWN
    assert outcome(bench.got(DB)) == ("miss", "InternalServiceError", None)
    bench.upstream["db"] = secret("db", version="v2")
    bench.clock.now += 5
    assert outcome(bench.got(DB)) == ("miss", "v2", None)
    assert outcome(bench.got(DB)) == ("hit", "v2", None)


def test_refresh_now_fetches_whatever_is_held() -> None:
    """And writes the result back, under all names."""
    bench = warm()
    bench.upstream["db"] = secret("db", version="v2")
    assert outcome(bench.got(ARN, refresh=True)) == ("refreshed", "v2", None)
    assert outcome(bench.got(DB)) == ("hit", "v2", None)


def test_refresh_now_gets_no_stale_value() -> None:
    """Its own answer is the error; others are still served."""
    bench = warm()
    bench.upstream["db"] = DOWN
    assert outcome(bench.got(DB, refresh=True)) == ("refreshed", "InternalServiceError", None)
    assert outcome(bench.got(DB)) == ("hit", "v1", None)


def test_refresh_now_does_not_believe_a_remembered_failure() -> None:
    """Somebody created the secret and says so."""
    bench = Workbench()
    bench.upstream["db"] = GONE
    bench.got(DB)
    del bench.upstream["db"]
    assert outcome(bench.got(DB, refresh=True)) == ("refreshed", "v1", None)
    assert outcome(bench.got(DB)) == ("hit", "v1", None)


def test_a_refused_version_is_replaced_by_one_fetch_for_all() -> None:
    """Ten callers whose database refused version 1 share the fetch of version 2."""
    bench = warm()
    bench.upstream["db"] = secret("db", version="v2")
    assert [bench.read(DB, failed_version="v1") for _ in range(10)] == [None] * 10
    bench.run()
    assert [outcome(answer) for answer in bench.answers] == [("refreshed", "v2", None)] * 10
    assert len(bench.jobs) == 1
    assert outcome(bench.read(DB, failed_version="v1")) == ("hit", "v2", None)


def test_a_refused_version_that_stays_is_fetched_once_in_a_while() -> None:
    """A function in a loop costs one call a second, not one a read; a clock set back does not stop it for ever."""
    bench = warm()
    assert outcome(bench.got(DB, failed_version="v1")) == ("refreshed", "v1", None)
    assert outcome(bench.got(DB, failed_version="v1")) == ("hit", "v1", None)
    bench.clock.now += 1
    assert outcome(bench.got(DB, failed_version="v1")) == ("refreshed", "v1", None)
    bench.clock.now -= 30
    assert outcome(bench.got(DB, failed_version="v1")) == ("refreshed", "v1", None)
    assert len(bench.jobs) == 3


def test_a_refused_version_during_an_outage_gets_what_there_is() -> None:
    """The held value, marked stale: maybe the database takes it the next time."""
    bench = warm()
    bench.upstream["db"] = DOWN
    assert outcome(bench.got(DB, failed_version="v1")) == ("stale", "v1", "InternalServiceError")


@pytest.mark.parametrize("failed_version", ["v0", "v2"])
def test_another_version_than_the_refused_one_is_answered_at_once(failed_version: str) -> None:
    """The cache has moved on already, or the caller made it up."""
    bench = warm()
    assert outcome(bench.read(DB, failed_version=failed_version)) == ("hit", "v1", None)
    assert bench.waiting == []


@pytest.mark.parametrize("options", [{"ttl": 0}, {"limit": 0}])
def test_without_a_cache_every_read_goes_upstream(options: dict[str, float]) -> None:
    """But those that wait at the same time still share."""
    bench = Workbench(**options)  # type: ignore[arg-type]
    assert [bench.read(DB), bench.read(DB)] == [None, None]
    bench.run()
    assert bench.read(DB) is None
    bench.run()
    assert [outcome(answer) for answer in bench.answers] == [("miss", "v1", None)] * 3
    assert (len(bench.jobs), len(bench.shelf.cache)) == (2, 0)


def test_a_defect_in_a_fetch_is_an_error_for_those_who_wait() -> None:
    """Nobody waits for ever, and neither the answer nor the log has the exception's text."""
    bench = Workbench()
    bench.upstream["db"] = ValueError(PLANTED)
    answer = bench.got(DB)
    assert answer.error is not None
    assert (answer.error.status, answer.error.code) == (500, "InternalFailure")
    assert bench.reports == [("error", "internal error while fetching secretsmanager://db: ValueError")]
    assert PLANTED not in answer.error.message


def test_a_value_of_unforeseen_shape_is_an_error_for_those_who_wait() -> None:
    """Landing itself must not fail."""
    bench = Workbench()
    bench.upstream["db"] = secret("db").replace(arn=5)
    assert outcome(bench.got(DB)) == ("miss", "InternalFailure", None)
    assert bench.store.in_flight == 0


def test_one_waiter_s_trouble_is_not_the_others() -> None:
    """The next one is called all the same, and the log says what type of trouble it was."""
    bench = Workbench()

    def troubled(_answer: Answer) -> None:
        raise ValueError(PLANTED)

    bench.store.read(DB, NOW, troubled)
    bench.read(DB)
    bench.run()
    assert [outcome(answer) for answer in bench.answers] == [("miss", "v1", None)]
    assert bench.reports == [("error", "internal error while answering: ValueError")]


@pytest.mark.parametrize("refresh", [False, True])
def test_without_a_thread_to_be_had_a_read_fails_and_the_next_one_tries_again(refresh: bool) -> None:
    """Nobody waits for ever, and nothing is left in the air."""
    bench = Workbench()
    bench.threads_are_out = True
    assert outcome(bench.got(DB, refresh=refresh))[1] == "OutOfThreads"
    assert bench.store.in_flight == 0
    bench.threads_are_out = False
    bench.clock.now += 5
    assert outcome(bench.got(DB)) == ("miss", "v1", None)


def test_without_a_thread_to_be_had_the_old_value_stands_in() -> None:
    """It may pass by itself, as an outage does."""
    bench = warm()
    bench.threads_are_out = True
    bench.clock.now += 90
    assert outcome(bench.got(DB)) == ("hit", "v1", None)
    bench.clock.now += 10
    assert outcome(bench.got(DB)) == ("stale", "v1", "OutOfThreads")


def ensured(bench: Workbench, queries: list[Query], *, wide: bool = False) -> list[tuple[Query, Answer]]:
    """Ask for many, run what waits, and return what was delivered."""
    delivered: list[tuple[Query, Answer]] = []
    bench.store.ensure(queries, lambda query, answer: delivered.append((query, answer)), wide=wide)
    bench.run()
    return delivered


def test_many_are_read_together() -> None:
    """Hits at once, misses by as few calls as the plan needs, each query answered once."""
    bench = warm(batch="always")  # type: ignore[arg-type]
    others = [secret_query("b"), secret_query("c")]
    delivered = ensured(bench, [DB, *others, DB])
    assert [(query.id, *outcome(answer)) for query, answer in delivered] == [
        ("db", "hit", "v1", None),
        ("b", "miss", "v1", None),
        ("c", "miss", "v1", None),
    ]
    assert [(job.kind, len(job.queries)) for job in bench.jobs] == [("secrets", 2)]


def test_two_names_of_an_expired_entry_are_one_fetch_and_two_answers() -> None:
    """Each under the query it was asked by."""
    bench = warm()
    bench.clock.now += 100
    assert {query for query, _ in ensured(bench, [DB, ARN])} == {DB, ARN}
    assert len(bench.jobs) == 1


def test_what_a_batch_does_not_bring_is_fetched_alone() -> None:
    """Denied, throttled or left out: single calls bring it."""
    bench = Workbench(batch="always")
    bench.upstream |= {"a": None, "b": Throttled("slow")}
    bench.store.ensure([secret_query("a"), secret_query("b")], lambda _query, answer: bench.answers.append(answer))
    bench.waiting.pop(0)[1]()
    assert [outcome(answer) for answer in bench.answers] == [("miss", "ThrottlingException", None)]
    del bench.upstream["a"]
    bench.run()
    assert [(job.kind, len(job.queries)) for job in bench.jobs] == [("secrets", 2), ("secret", 1)]
    assert outcome(bench.answers[1]) == ("miss", "v1", None)


@pytest.mark.parametrize("wide", [False, True])
def test_only_a_prefetch_is_wide_and_is_no_miss(wide: bool) -> None:
    """It may use more connections, and nobody read anything yet."""
    bench = Workbench()
    bench.store.ensure([DB], lambda _query, _answer: None, wide=wide)
    assert [waiting[2] for waiting in bench.waiting] == [wide]
    assert bench.store.counters.misses == (0 if wide else 1)


def due_bench() -> Workbench:
    """Return a workbench in which `used` was read and `unused` was not, and both are due."""
    bench = Workbench()
    ensured(bench, [secret_query("used"), secret_query("unused")], wide=True)
    bench.read(secret_query("used"))
    bench.clock.now += 90
    bench.jobs.clear()
    return bench


@pytest.mark.parametrize(
    ("wanted", "refreshed"), [([], ["used"]), (["unused"], ["used", "unused"]), (["other"], ["used"])]
)
def test_an_invocation_refreshes_what_is_due_and_of_use(wanted: list[str], refreshed: list[str]) -> None:
    """Read since it was fetched, or wanted by the prefetch list; the calls end with the invocation."""
    bench = due_bench()
    started = bench.store.refresh_due(bench.clock(), bench.clock() + 3, frozenset(map(secret_query, wanted)))
    bench.run()
    assert started == len(refreshed)
    assert [(job.queries[0].id, job.ends_at - bench.clock()) for job in bench.jobs] == [
        (name, 3.0) for name in refreshed
    ]


def test_an_invocation_refreshes_what_a_read_has_waited_for() -> None:
    """Who reads once in each of rare invocations finds it on its way."""
    bench = Workbench()
    bench.read(secret_query("rare"))
    bench.run()
    bench.clock.now += 1000

    assert bench.store.refresh_due(bench.clock(), bench.clock() + 3) == 1


class Overtaken(Workbench):
    """The first fetch is frozen with the environment; before it goes on, somebody reads and has his answer."""

    def fetch(self, job: Job) -> dict[Query, Fetched | UpstreamError]:
        """Let the other one pass."""
        if not self.jobs:
            self.jobs.append(job)
            self.clock.now += 1000
            self.read(DB)
            self.run()
        return super().fetch(job)


def test_a_fetch_that_was_overtaken_does_not_make_a_read_value_unread() -> None:
    """It was for the prefetch, and comes after the one that a read waited for: the value is of use all the same."""
    bench = Overtaken(patience=10)
    ensured(bench, [DB], wide=True)
    bench.clock.now += 90
    assert len(bench.answers) == 1
    assert bench.store.refresh_due(bench.clock(), bench.clock() + 3) == 1


def test_an_invocation_starts_nothing_that_cannot_end_in_it() -> None:
    """Less than half a second is no time for a call."""
    bench = due_bench()
    assert bench.store.refresh_due(bench.clock(), bench.clock() + 0.4) == 0
    assert bench.waiting == []


def test_an_invocation_joins_what_is_in_the_air_and_respects_a_pause() -> None:
    """Neither a second fetch of the same, nor one right after a failure."""
    bench = due_bench()
    deadline = bench.clock() + 3
    bench.upstream["used"] = DOWN
    assert bench.store.refresh_due(bench.clock(), deadline) == 1
    assert bench.store.refresh_due(bench.clock(), deadline) == 0
    bench.run()
    assert bench.store.refresh_due(bench.clock(), deadline) == 0
    bench.clock.now += 5
    assert bench.store.refresh_due(bench.clock(), deadline + 5) == 1


def test_a_refresh_that_its_invocation_left_no_time_for_is_no_failure() -> None:
    """The expired value is fetched by who reads it next, not served stale; and the log has nothing to warn of."""
    bench = warm()
    bench.clock.now += 100
    bench.upstream["db"] = ENDING
    bench.store.refresh_due(bench.clock(), bench.clock() + 3)
    bench.run()
    bench.upstream["db"] = secret("db", version="v2")
    assert outcome(bench.got(DB)) == ("miss", "v2", None)
    assert bench.reports == []


def test_who_reads_what_an_earlier_invocation_left_in_the_queue_is_bound_by_its_own_time() -> None:
    """It is one fetch, which ends with the read that waits for it."""
    bench = warm()
    bench.clock.now += 100
    bench.store.refresh_due(bench.clock(), bench.clock() + 3)
    bench.clock.now += 5
    assert outcome(bench.got(DB)) == ("miss", "v1", None)
    assert [(job.ends_at, job.waits_until) for job in bench.jobs] == [(FOR_EVER, NOW + 115)]


class CutOff(Workbench):
    """The first fetch is cut off with its invocation, while somebody reads."""

    def fetch(self, job: Job) -> dict[Query, Fetched | UpstreamError]:
        """Let somebody read, and fail for want of time; bring it the second time."""
        if self.jobs:
            return super().fetch(job)
        self.jobs.append(job)
        self.read(DB)
        return {DB: ENDING}


def test_who_waits_for_what_its_invocation_cut_off_has_it_fetched_again() -> None:
    """Once for all who waited; none of them is told that some other invocation has ended."""
    bench = CutOff()
    bench.store.ensure([DB], lambda _query, answer: bench.answers.append(answer), wide=True, ends_at=NOW + 3)
    bench.run()
    assert [outcome(answer) for answer in bench.answers] == [("miss", "v1", None)] * 2
    assert [job.ends_at for job in bench.jobs] == [NOW + 3, FOR_EVER]
    assert (bench.store.counters.failures, bench.reports, bench.store.in_flight) == (0, [], 0)


class Frozen(Workbench):
    """Each fetch but the first, which brings a value, is frozen with the environment, read past, and cut off."""

    def fetch(self, job: Job) -> dict[Query, Fetched | UpstreamError]:
        """Let somebody read after the freeze, and fail."""
        if not self.jobs:
            return super().fetch(job)
        self.jobs.append(job)
        self.clock.now += 1000
        self.read(DB)
        return {DB: DOWN}


def test_the_failure_of_an_overtaken_fetch_is_not_held_against_the_later_one() -> None:
    """It was frozen with the environment; who reads while the later one is under way waits for that."""
    bench = Frozen(patience=10, max_stale=5000)
    bench.got(DB)
    bench.clock.now += 90
    bench.read(DB)
    bench.waiting.pop(0)[1]()
    assert bench.read(DB) is None
    assert (len(bench.waiting), bench.answers) == (1, [])


def test_an_invocation_refreshes_what_the_clock_left_in_the_future() -> None:
    """A value from before a jump back is expired, though it is not due."""
    bench = due_bench()
    bench.clock.now -= 1000
    assert bench.store.refresh_due(bench.clock(), bench.clock() + 3) == 1


def test_after_forgetting_everything_is_fetched_anew() -> None:
    """Values and failures."""
    bench = warm()
    bench.upstream["x"] = GONE
    bench.got(secret_query("x"))
    bench.store.forget(keeping=True)
    assert outcome(bench.got(DB)) == ("miss", "v1", None)
    assert outcome(bench.got(secret_query("x"))) == ("miss", "ResourceNotFoundException", None)


def test_before_a_snapshot_nothing_is_kept() -> None:
    """Values are answered once and failures not remembered."""
    bench = Workbench()
    bench.store.forget(keeping=False)
    bench.upstream["x"] = GONE
    assert outcome(bench.got(DB)) == ("miss", "v1", None)
    assert outcome(bench.got(DB)) == ("miss", "v1", None)
    assert outcome(bench.got(secret_query("x"))) == ("miss", "ResourceNotFoundException", None)
    assert outcome(bench.got(secret_query("x"))) == ("miss", "ResourceNotFoundException", None)
    assert len(bench.shelf.cache) == 0


@pytest.mark.parametrize("before", [secret("db", version="v0"), GONE, DOWN])
def test_what_was_in_the_air_at_the_snapshot_changes_nothing_after_it(before: object) -> None:
    """It answers those who waited then; those who ask now get a fetch of now, whatever the old one still brings."""
    bench = Workbench()
    bench.store.forget(keeping=False)
    bench.read(DB)
    bench.store.forget(keeping=True)
    bench.read(DB)
    old, new = bench.waiting
    bench.waiting.clear()
    new[1]()
    bench.upstream["db"] = before  # type: ignore[assignment]
    old[1]()
    assert outcome(bench.answers[0]) == ("miss", "v1", None)
    assert outcome(bench.answers[1])[0] == "miss"
    assert outcome(bench.read(DB)) == ("hit", "v1", None)


def test_when_stopping_what_is_held_is_served_and_nothing_is_fetched() -> None:
    """Not even behind a read, nor for a refused version."""
    bench = warm()
    bench.clock.now += 95
    bench.store.stop()
    assert outcome(bench.read(DB)) == ("hit", "v1", None)
    assert outcome(bench.read(DB, failed_version="v1")) == ("hit", "v1", None)
    assert bench.store.refresh_due(bench.clock(), bench.clock() + 9) == 0
    assert (bench.waiting, bench.jobs) == ([], [])


@pytest.mark.parametrize(("name", "after", "refresh"), [("other", 0, False), ("db", 100, False), ("db", 0, True)])
def test_when_stopping_what_would_be_fetched_is_503(name: str, after: float, refresh: bool) -> None:
    """Missing, expired or asked for anew: the caller is told at once."""
    bench = warm()
    bench.clock.now += after
    bench.store.stop()
    answer = bench.read(secret_query(name), refresh=refresh)
    assert answer is not None
    assert isinstance(answer.error, Stopping)


def test_what_is_in_the_air_when_stopping_still_lands() -> None:
    """Draining gives those who wait their answer."""
    bench = Workbench()
    bench.read(DB)
    bench.store.stop()
    bench.run()
    assert [outcome(answer) for answer in bench.answers] == [("miss", "v1", None)]


def test_what_its_invocation_cut_off_is_not_fetched_again_when_stopping() -> None:
    """Who waits is told at once."""
    bench = Workbench()
    bench.upstream["db"] = ENDING
    bench.read(DB)
    bench.store.stop()
    bench.run()
    assert [outcome(answer) for answer in bench.answers] == [("miss", "InvocationEnding", None)]


def test_counts_what_happens() -> None:
    """Reads that waited, stale answers, calls and failures."""
    bench = warm()
    bench.upstream["db"] = DOWN
    bench.clock.now += 100
    bench.got(DB)
    bench.got(DB)
    counters = bench.store.counters
    assert (counters.misses, counters.stale, counters.fetches, counters.failures) == (2, 2, 2, 1)


def test_no_log_line_has_a_value() -> None:
    """Through a miss, a refresh that fails, an outage and a defect."""
    bench = warm()
    bench.upstream |= {"db": DOWN, "odd": TypeError(PLANTED)}
    bench.clock.now += 95
    bench.got(DB)
    bench.clock.now += 10
    bench.got(DB)
    bench.got(secret_query("odd"))
    assert len(bench.reports) == 3
    assert PLANTED not in str(bench.reports)


NAMES = st.sampled_from("abcd")


class World(Workbench):
    """Brings the current version of four secrets, or fails; remembers what it brought when, until it is refused."""

    def __init__(self) -> None:
        """Start with version 1 of each and no failure."""
        super().__init__(limit=2)
        self.shelf.own_account = OWN
        self.versions = dict.fromkeys("abcd", 1)
        self.failing: dict[str, Exception | None] = {}
        self.freeze = 0.0
        self.brought: set[tuple[str, str, float]] = set()
        self.refusals_count = True

    def submit(self, service: str, work: Callable[[], None], *, wide: bool, urgent: bool) -> None:
        """Take work, once: where it is moved forward, whoever comes to it second finds nothing to do."""
        super().submit(service, work, wide=wide, urgent=urgent)
        self.waiting = list({id(each[1]): each for each in self.waiting}.values())

    def fetch(self, job: Job) -> dict[Query, Fetched | UpstreamError]:
        """Bring one secret, by whichever of its names; the environment may be frozen meanwhile."""
        (query,) = job.queries
        begun_at = self.clock()
        self.clock.now += self.freeze
        name = query.id.rpartition(":")[2].removesuffix("-AbCdEf")
        failure = self.failing.get(name)
        if failure is GONE and self.refusals_count:
            self.brought = {each for each in self.brought if each[0] != name}
        if failure is not None:
            raise failure
        version = f"v{self.versions[name]}"
        self.brought.add((name, version, begun_at))
        return {query: Fetched(value=secret(name, version=version))}


class Life(RuleBasedStateMachine):
    """Any sequence of what can happen to a store; the model is what was brought when, and who still waits."""

    def __init__(self) -> None:
        """Begin."""
        super().__init__()
        self.world = World()
        self.told: Counter[int] = Counter()
        self.asked: list[str] = []
        self.unchecked: list[tuple[str, Answer, float]] = []

    def take(self, number: int, answer: Answer) -> None:
        """Note an answer and when it came."""
        self.told[number] += 1
        self.unchecked.append((self.asked[number], answer, self.world.clock()))

    @rule(name=NAMES, by_arn=st.booleans(), refresh=st.booleans(), failed=st.sampled_from([None, "v1", "v2"]))
    def read(self, name: str, by_arn: bool, refresh: bool, failed: str | None) -> None:
        """Read by either name."""
        number, world = len(self.asked), self.world
        self.asked.append(name)
        query = secret_query(secret_arn(name) if by_arn else name)
        answer = world.store.read(
            query, world.clock(), partial(self.take, number), refresh=refresh, failed_version=failed
        )
        list(map(partial(self.take, number), [answer] if answer else []))

    @rule(name=NAMES, failure=st.sampled_from([None, DOWN, GONE, EXPIRED_TOKEN, ValueError("defect")]))
    def fail_or_recover(self, name: str, failure: Exception | None) -> None:
        """From now on a secret fails, or is brought again."""
        self.world.failing[name] = failure

    @rule(name=NAMES)
    def rotate(self, name: str) -> None:
        """Make a new version the current one."""
        self.world.versions[name] += 1

    @precondition(lambda self: self.world.waiting)
    @rule(which=st.integers(0, 9), freeze=st.sampled_from([0, 0, 1, 120, 10_000]))
    def work(self, which: int, freeze: float) -> None:
        """Let one of the workers have its turn."""
        self.world.freeze = freeze
        self.world.waiting.pop(which % len(self.world.waiting))[1]()

    @rule(seconds=st.sampled_from([1, 5, 30, 90, 100, 149, 1000, -30, -59, -200, -5000]))
    def move_the_clock(self, seconds: float) -> None:
        """Let time pass, or set it back."""
        self.world.clock.now += seconds

    @rule(keeping=st.booleans())
    def forget(self, keeping: bool) -> None:
        """Fall into a snapshot, or wake from one; what is in the air then says nothing about what is kept later."""
        self.world.store.forget(keeping=keeping)
        self.world.refusals_count = False

    @rule(seconds=st.sampled_from([0.1, 5]))
    def invoke(self, seconds: float) -> None:
        """Begin an invocation."""
        self.world.store.refresh_due(self.world.clock(), self.world.clock() + seconds)

    @rule(out=st.booleans())
    def run_out_of_threads(self, out: bool) -> None:
        """Have threads, or none."""
        self.world.threads_are_out = out

    @precondition(lambda self: len(self.asked) > 10)
    @rule()
    def stop(self) -> None:
        """Shut down."""
        self.world.store.stop()

    @invariant()
    def every_answer_is_within_its_bound(self) -> None:
        """Serve what was asked for, brought at the time it says, not refused since, and not past its bound."""
        bounds = {"hit": 100, "stale": 150, "miss": 10_001, "refreshed": 10_001}
        served = [(name, answer.state, answer.entry, now) for name, answer, now in self.unchecked if answer.entry]
        self.unchecked.clear()
        for name, state, entry, now in served:
            assert (name, entry.version, entry.times.fetched_at) in self.world.brought
            assert -60 <= now - entry.times.fetched_at < bounds[state]

    @invariant()
    def never_more_entries_than_allowed(self) -> None:
        """Hold the bound at any moment."""
        assert len(self.world.shelf.cache) <= 2

    @invariant()
    def each_flight_has_one_job(self) -> None:
        """Fetch nothing twice at a time (where a snapshot came between, the old fetch may still be in the air)."""
        assert self.world.store.in_flight <= len(self.world.waiting)
        assert not self.world.refusals_count or self.world.store.in_flight == len(self.world.waiting)

    @invariant()
    def nobody_is_told_twice(self) -> None:
        """Call every waiter once at most."""
        assert not self.told or max(self.told.values()) == 1

    def teardown(self) -> None:
        """Let everything land: now everybody has been told."""
        self.world.run()
        assert len(self.told) == len(self.asked)
        assert self.world.store.in_flight == 0
        self.every_answer_is_within_its_bound()


Life.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestLife = pytest.mark.timeout(300)(Life.TestCase)
