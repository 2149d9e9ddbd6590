"""The prefetch: everything at once, waited for within bounds, and what has not come is said."""

from __future__ import annotations

from _thread import start_new_thread
from typing import TYPE_CHECKING

import pytest

from extension.core.config import Wish
from extension.core.errors import Refused, Stopping, Throttled, Unavailable
from extension.core.flight import FOR_EVER
from extension.core.reference import Reference
from extension.prefetch import Prefetch
from tests.samples import PLANTED, parameter, parameter_query, secret_query
from tests.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.model import Query

DB, KEY = secret_query("db"), parameter_query("/key")
DENIED = Refused("db: denied", code="AccessDeniedException")


def wish(query: Query, *, required: bool = False) -> Wish:
    """Return a wish for a query."""
    return Wish(reference=Reference(text=f"written {query.id}", query=query), required=required)


def make(*wishes: Wish) -> tuple[Workbench, Prefetch]:
    """Return a prefetch on a workbench on which `/key` is a parameter."""
    bench = Workbench()
    bench.upstream["/key"] = parameter("/key")
    return bench, Prefetch(bench.store, wishes, bench.report)


def test_asks_for_everything_at_once() -> None:
    """One job for each service, over as many connections as a prefetch may use."""
    bench, prefetch = make(wish(DB), wish(KEY), wish(DB))
    prefetch.start()
    assert [(service, wide) for service, _, wide in bench.waiting] == [("secretsmanager", True), ("ssm", True)]
    assert prefetch.queries == {DB, KEY}


def test_is_done_when_the_last_one_has_come() -> None:
    """Not before."""
    bench, prefetch = make(wish(DB), wish(KEY))
    prefetch.start()
    bench.waiting.pop(0)[1]()
    assert not prefetch.wait(0)
    bench.run()
    assert prefetch.wait(0)
    assert prefetch.wait(-1)


def test_nothing_to_fetch_is_done_at_once() -> None:
    """An empty list is no reason to wait."""
    bench, prefetch = make()
    prefetch.start()
    assert prefetch.wait(0)
    assert (bench.waiting, prefetch.missing(), prefetch.required_failures()) == ([], [], [])


def test_a_failure_is_done_too() -> None:
    """It is said, with its reason, and what will come of it."""
    bench, prefetch = make(wish(DB))
    bench.upstream["db"] = DENIED
    prefetch.start()
    bench.run()
    assert prefetch.wait(0)
    sentence = f"prefetch of {DB.label}: db: denied; it is fetched again on demand"
    assert bench.reports == [("error", sentence)]


def test_whoever_waits_is_woken_by_the_last_one() -> None:
    """From another thread, before the time is over."""
    bench, prefetch = make(wish(DB))
    prefetch.start()
    start_new_thread(bench.run, ())
    assert prefetch.wait(10)


def test_says_what_is_missing_and_why() -> None:
    """Under way, or failed; what came is not missing."""
    bench, prefetch = make(wish(DB), wish(KEY), wish(secret_query("ok")))
    bench.upstream["db"] = DENIED
    prefetch.start()
    assert len(prefetch.missing()) == 3
    assert prefetch.missing()[0].endswith(" (under way)")
    bench.run()
    assert prefetch.missing() == [f"{DB.label} (db: denied)"]


def test_what_came_on_demand_is_no_longer_missing() -> None:
    """The function asked, and then it was there: nor does init fail for it."""
    bench, prefetch = make(wish(DB, required=True))
    bench.upstream["db"] = DENIED
    prefetch.start()
    bench.run()
    del bench.upstream["db"]
    bench.clock.now += 10
    bench.got(DB)
    assert prefetch.missing() == []
    assert prefetch.required_failures() == []


@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (DENIED, ["written db: db: denied"]),
        (Unavailable("db: down"), ["written db: db: down"]),
        (Throttled("db: slow"), []),
    ],
)
def test_only_what_is_required_fails_init(error: Exception, failures: list[str]) -> None:
    """As it was written, with the reason; and throttling never does."""
    bench, prefetch = make(wish(DB, required=True), wish(secret_query("other")))
    bench.upstream |= {"db": error, "other": DENIED}
    prefetch.start()
    bench.run()
    assert prefetch.required_failures() == failures


def test_what_is_required_and_late_fails_init() -> None:
    """Still under way, or cut off at init's limit; not what is throttled until then."""
    bench, prefetch = make(wish(DB, required=True), wish(secret_query("slow"), required=True), wish(KEY, required=True))
    bench.upstream |= {"db": Stopping("ends", code="InvocationEnding"), "slow": Throttled("slow down")}
    prefetch.start(required_by=bench.clock() + 8)
    list(map(run, bench.waiting[:2]))
    assert [job.ends_at for job in bench.jobs] == [bench.clock() + 8] * 2
    late = "it has not come in the time that init has"
    assert prefetch.required_failures() == [f"written db: {late}", f"written /key: {late}"]


def run(waiting: tuple[str, Callable[[], None], bool]) -> None:
    """Do what waits."""
    waiting[1]()


def test_only_what_is_required_is_waited_for_to_the_end() -> None:
    """The rest may come later."""
    bench, prefetch = make(wish(DB, required=True), wish(KEY))
    prefetch.start()
    assert not prefetch.wait_for_required(0)
    run(bench.waiting[0])
    assert (prefetch.wait_for_required(0), prefetch.wait(0)) == (True, False)
    assert prefetch.required_failures() == []


def test_where_nothing_is_required_no_call_ends_with_init() -> None:
    """What is late goes on arriving."""
    bench, prefetch = make(wish(DB))
    prefetch.start(required_by=bench.clock() + 8)
    bench.run()
    assert [job.ends_at for job in bench.jobs] == [FOR_EVER]


def test_nothing_is_missing_before_anything_was_asked_for() -> None:
    """A function that waits in SnapStart's init until all is ready must get through; what is required is told."""
    bench, prefetch = make(wish(DB, required=True))
    prefetch.postpone()
    assert (prefetch.missing(), prefetch.required_failures()) == ([], [])
    assert [level for level, _ in bench.reports] == ["warn"]
    _, nothing_required = make(wish(DB))
    nothing_required.postpone()
    assert len(bench.reports) == 1


def test_what_came_once_is_no_longer_missing_though_it_is_not_kept() -> None:
    """With a TTL of zero, say, or after it was evicted."""
    bench = Workbench(ttl=0)
    prefetch = Prefetch(bench.store, (wish(DB),), bench.report)
    bench.upstream["db"] = Throttled("db: slow")
    prefetch.start()
    bench.run()
    assert prefetch.missing() == [f"{DB.label} (db: slow)"]
    del bench.upstream["db"]
    bench.clock.now += 10
    bench.got(DB)
    assert prefetch.missing() == []


def test_no_sentence_has_a_value() -> None:
    """What came is not told, only what did not."""
    bench, prefetch = make(wish(DB), wish(KEY))
    prefetch.start()
    bench.run()
    assert PLANTED not in f"{bench.reports}{prefetch.missing()}{prefetch.required_failures()}"


def test_a_start_that_failed_may_be_tried_again() -> None:
    """As SnapStart's first invocation does; it waits for nothing, and the last to come ends it once."""
    bench, prefetch = make(wish(DB))
    prefetch.start()
    prefetch.start()
    bench.run()
    prefetch.start()
    assert prefetch.wait(0)
    assert bench.reports == []


def test_answers_of_a_start_that_failed_may_come_after_those_of_the_next() -> None:
    """Each is taken, the last one again, and the end is one end."""
    bench, prefetch = make(wish(DB))
    prefetch.start()
    bench.store.forget(keeping=False)
    prefetch.start()
    first, second = bench.waiting
    run(second)
    assert prefetch.wait(0)
    run(first)
    assert prefetch.wait(0)
