"""The fetcher: jobs against sources in regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.core.cache import Entry
from extension.core.denials import DENIED_SECONDS
from extension.core.errors import Refused, Throttled, TimedOut, Unavailable
from extension.core.model import Parameter, ParameterTree, Query, Secret, Sensitive
from extension.core.plan import Job
from extension.core.policy import RENEWAL_SECONDS, Rotation
from extension.core.shelf import Fetched
from extension.fetcher import Fetcher, Sources
from tests.samples import times
from tests.servers.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = Query(service="secretsmanager", id="db", regions=("near", "far"))
OTHER = NAME.replace(id="other")
SECRET = Secret(
    arn="arn:aws:secretsmanager:near:123456789012:secret:db-AbCdEf",
    name="db",
    version_id="v1",
    stages=("AWSCURRENT",),
    created_at=1.0,
    text=Sensitive("planted"),
)
PARAMETER = Parameter(
    arn="arn:aws:ssm:near:123456789012:parameter/p",
    name="/p",
    type="String",
    value=Sensitive("planted"),
    version=1,
    modified_at=1.0,
)
DENIED = Refused("denied", code="AccessDeniedException")


class Source:
    """Answers by a script of region → result for each method, and keeps what it was asked."""

    def __init__(self, **script) -> None:
        self.script = script
        self.asked: list[tuple] = []

    def _answer(self, method, what, region, timeout_seconds):
        self.asked.append((method, what, region, timeout_seconds))
        result = self.script[method]
        result = result.get(region) if isinstance(result, dict) and set(result) <= {"near", "far"} else result
        if isinstance(result, Exception):
            raise result
        return result

    def fetch(self, query, *, region, timeout_seconds):
        """Answer GetSecretValue."""
        return self._answer("fetch", query, region, timeout_seconds)

    def fetch_batch(self, queries, *, region, timeout_seconds):
        """Answer a batch."""
        return self._answer("fetch_batch", tuple(queries), region, timeout_seconds)

    def fetch_path(self, query, *, region, timeout_seconds):
        """Answer a path."""
        return self._answer("fetch_path", query, region, timeout_seconds)

    def describe(self, query, *, region, timeout_seconds):
        """Answer DescribeSecret."""
        return self._answer("describe", query, region, timeout_seconds)


def fetcher(
    secrets: Source | None = None,
    parameters: Source | None = None,
    said: list | None = None,
    give_way: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = lambda: 1000.0,
) -> Fetcher:
    """Return a fetcher whose clock stands still until it is set."""
    sources = Sources(secrets=secrets or Source(), parameters=parameters or Source())
    return Fetcher(
        sources,
        sources,
        clock=clock,
        monotonic=lambda: 0.0,
        call_seconds={"secretsmanager": 8.0, "ssm": 6.0},
        report=lambda *words: (said if said is not None else []).append(words),
        give_way=give_way,
    )


def calls(source: Source) -> list[tuple[str, str]]:
    """Return method and region of each call."""
    return [(method, region) for method, _, region, _ in source.asked]


HELD = Entry(NAME, SECRET, times(fetched_at=1000.0))
SINGLE = Job(kind="secret", queries=(NAME,))
REFRESH = SINGLE.replace(held={NAME: HELD})
BATCH = Job(kind="secrets", queries=(NAME, OTHER))


def test_a_refresh_gives_way_at_every_step():
    """Before, between and behind its calls; what somebody waits for does not."""
    source = Source(fetch=SECRET, describe=Rotation())
    subject = fetcher(source, give_way=lambda: source.asked.append(("way",)))

    subject.fetch(SINGLE)
    subject.fetch(REFRESH)

    assert [each[0] for each in source.asked] == ["fetch", "way", "describe", "way", "fetch", "way"]


def test_asks_the_first_region_and_no_other_while_it_answers():
    """One call, with its share of the time."""
    source = Source(fetch=SECRET)

    assert fetcher(source).fetch(SINGLE) == {NAME: Fetched(value=SECRET)}
    assert source.asked == [("fetch", NAME, "near", 4.0)]


@pytest.mark.parametrize("fault", [Unavailable("500"), TimedOut("late")])
def test_asks_the_replica_after_what_may_pass(fault):
    """5xx, timeout and unreachable lead to the next region; afterwards it is asked first."""
    source = Source(fetch={"near": fault, "far": SECRET})
    subject = fetcher(source)

    subject.fetch(SINGLE)
    subject.fetch(SINGLE)

    assert calls(source) == [("fetch", "near"), ("fetch", "far"), ("fetch", "far")]


@pytest.mark.parametrize("fault", [DENIED, Throttled("slow down")])
def test_takes_a_4xx_for_an_answer(fault):
    """Neither a refusal nor a throttle is a reason to ask elsewhere."""
    source = Source(fetch=fault)

    with pytest.raises(type(fault)):
        fetcher(source).fetch(SINGLE)

    assert calls(source) == [("fetch", "near")]


def test_raises_the_last_error_where_no_region_answers():
    """Both are asked, once each."""
    source = Source(fetch={"near": TimedOut("near"), "far": Unavailable("far")})

    with pytest.raises(Unavailable, match="far"):
        fetcher(source).fetch(SINGLE)


def test_bounds_a_call_by_what_the_job_has_left():
    """A refresh behind an invocation ends with it."""
    source = Source(fetch=SECRET)

    fetcher(source).fetch(SINGLE.replace(ends_at=1001.0))

    assert source.asked[0][3] == 0.5


def test_bounds_a_call_by_how_long_its_reader_still_waits():
    """What it has waited for a worker counts."""
    source = Source(fetch=SECRET)

    fetcher(source).fetch(SINGLE.replace(waits_until=1.0))

    assert source.asked[0][3] == 0.5


def test_a_read_that_has_waited_its_time_for_a_worker_is_a_timeout():
    """No call is made any more; it is not the end of an invocation, which would be no failure."""
    source = Source(fetch=SECRET)

    with pytest.raises(TimedOut, match="secretsmanager://db: no worker was free"):
        fetcher(source).fetch(SINGLE.replace(waits_until=0.0))

    assert source.asked == []


def test_takes_a_held_value_whose_version_is_still_current():
    """DescribeSecret alone renews it, and its rotation is known from then on."""
    rotation = Rotation(next_at=5000.0, versions=(("AWSCURRENT", "v1"),))
    source = Source(describe=rotation)

    found = fetcher(source).fetch(REFRESH)

    assert found == {NAME: Fetched(value=SECRET, rotation=rotation, sourced_at=1000.0)}
    assert calls(source) == [("describe", "near")]


def test_an_unchanged_value_has_the_stages_of_now():
    """They move without the value: what is current may be pending no more."""
    rotation = Rotation(versions=(("AWSCURRENT", "v1"), ("AWSPREVIOUS", "v0"), ("green", "v1")))

    found = fetcher(Source(describe=rotation)).fetch(REFRESH)

    assert found[NAME].value == SECRET.replace(stages=("AWSCURRENT", "green"))


@pytest.mark.parametrize("jump", [RENEWAL_SECONDS, -1.0])
def test_an_unchanged_value_is_fetched_once_in_a_while(jump):
    """GetSecretValue may be denied by now, or the key disabled; DescribeSecret would not tell."""
    rotation = Rotation(next_at=9000.0, versions=(("AWSCURRENT", "v1"),))
    source = Source(describe=rotation, fetch=SECRET)

    found = fetcher(source, clock=Clock(1000.0 + jump)).fetch(REFRESH)

    assert found == {NAME: Fetched(value=SECRET, rotation=rotation)}
    assert calls(source) == [("describe", "near"), ("fetch", "near")]


def test_fetches_a_held_value_whose_version_has_changed():
    """A new version id means a new value."""
    rotation = Rotation(versions=(("AWSCURRENT", "v2"),))
    newer = SECRET.replace(version_id="v2")
    source = Source(describe=rotation, fetch=newer)

    found = fetcher(source).fetch(REFRESH)

    assert found == {NAME: Fetched(value=newer, rotation=rotation)}


def test_asks_for_a_description_no_more_where_it_is_denied():
    """DescribeSecret is an optional permission: said once, then done without."""
    said: list[tuple[str, str]] = []
    source = Source(describe=DENIED, fetch=SECRET)
    subject = fetcher(source, said=said)

    subject.fetch(REFRESH)
    subject.fetch(REFRESH)

    assert calls(source) == [("describe", "near"), ("fetch", "near"), ("fetch", "near")]
    assert said == [
        ("info", "secretsmanager:DescribeSecret is not allowed: rotation dates of secretsmanager://db are not known")
    ]


def test_one_denied_description_denies_no_other():
    """A secret of another account's does not cost ours their rotation dates; and both are not told of aloud."""
    said: list[tuple[str, str]] = []
    source = Source(describe=DENIED, fetch=SECRET)
    subject = fetcher(source, said=said)
    other = SINGLE.replace(queries=(OTHER,), held={OTHER: HELD})

    subject.fetch(REFRESH)
    subject.fetch(other)
    subject.fetch(other)

    assert [method for method, _ in calls(source)] == ["describe", "fetch", "describe", "fetch", "fetch"]
    assert [level for level, _ in said] == ["info", "debug"]


@pytest.mark.parametrize("jump", [DENIED_SECONDS, -1.0])
def test_asks_for_a_description_again_after_a_while(jump):
    """A permission may be given meanwhile; and a clock that jumped says nothing of how long ago it was denied."""
    clock = Clock(1000.0)
    source = Source(describe=DENIED, fetch=SECRET)
    subject = fetcher(source, clock=clock)

    subject.fetch(REFRESH)
    clock.now += jump
    subject.fetch(REFRESH)

    assert [method for method, _ in calls(source)] == ["describe", "fetch"] * 2


def test_a_role_that_may_not_be_assumed_denies_no_description():
    """The permission was not even asked for."""
    refusal = Refused("may not assume", code="AccessDeniedException")
    refusal.about_credentials = True
    source = Source(describe=refusal, fetch=SECRET)
    subject = fetcher(source)

    [subject.fetch(REFRESH) for _ in range(2)]

    assert [method for method, _ in calls(source)] == ["describe", "fetch"] * 2


def test_a_description_that_fails_costs_nothing_but_itself():
    """The value is fetched all the same."""
    source = Source(describe=Unavailable("500"), fetch=SECRET)

    assert fetcher(source).fetch(REFRESH) == {NAME: Fetched(value=SECRET)}


def test_a_throttled_description_ends_the_refresh():
    """GetSecretValue has the same quota: what is still fresh can wait."""
    source = Source(describe=Throttled("slow down"), fetch=SECRET)

    with pytest.raises(Throttled):
        fetcher(source).fetch(REFRESH)

    assert calls(source) == [("describe", "near")]


def test_wraps_what_a_batch_brings():
    """Values and errors of single secrets alike."""
    source = Source(fetch_batch={NAME: SECRET, OTHER: DENIED})

    assert fetcher(source).fetch(BATCH) == {NAME: Fetched(value=SECRET), OTHER: DENIED}


def test_leaves_to_single_calls_what_a_batch_could_not_bring():
    """A secret that the batch was throttled on is missing from the results, not failed."""
    source = Source(fetch_batch={NAME: SECRET, OTHER: Throttled("slow down")})

    assert fetcher(source).fetch(BATCH) == {NAME: Fetched(value=SECRET)}


@pytest.mark.parametrize("fault", [DENIED, Throttled("slow down"), Unavailable("500")])
def test_a_batch_that_fails_brings_nothing(fault):
    """Then each secret is fetched singly."""
    assert fetcher(Source(fetch_batch=fault)).fetch(BATCH) == {}


def test_tries_no_batch_after_it_was_denied():
    """The permission will not come back by itself."""
    source = Source(fetch_batch=DENIED)
    subject = fetcher(source)

    subject.fetch(BATCH)
    subject.fetch(BATCH.replace(queries=(OTHER, NAME)))

    assert calls(source) == [("fetch_batch", "near")]


def test_tries_a_batch_again_after_a_while():
    """Somebody may have given it."""
    clock = Clock(1000.0)
    source = Source(fetch_batch=DENIED)
    subject = fetcher(source, clock=clock)

    subject.fetch(BATCH)
    clock.now += DENIED_SECONDS
    subject.fetch(BATCH)

    assert calls(source) == [("fetch_batch", "near")] * 2


def test_fetches_parameters_together():
    """One GetParameters for up to ten."""
    query = Query(service="ssm", id="/p", regions=("near",))
    source = Source(fetch_batch={query: PARAMETER})

    found = fetcher(parameters=source).fetch(Job(kind="parameters", queries=(query,)))

    assert found == {query: Fetched(value=PARAMETER)}
    assert source.asked == [("fetch_batch", (query,), "near", 6.0)]


TENTH = Query(service="ssm", id="/p", regions=("near", "far"))
MISSING = TENTH.replace(id="/missing")
TENS = Job(kind="parameters", queries=(TENTH, MISSING))
GONE = Refused("gone", code="ParameterNotFound")


def test_what_a_copy_of_parameters_refuses_is_not_refused():
    """Those that are there count; for the others the first region's fault is told."""
    fault = Unavailable("500")
    source = Source(fetch_batch={"near": fault, "far": {TENTH: PARAMETER, MISSING: GONE}})

    assert fetcher(parameters=source).fetch(TENS) == {TENTH: Fetched(value=PARAMETER), MISSING: fault}


def test_what_a_copy_of_parameters_refuses_is_asked_for_at_home():
    """Where the first region was passed over, it is asked for the rest."""
    source = Source(fetch_batch={"near": Unavailable("500"), "far": {TENTH: PARAMETER, MISSING: PARAMETER}})
    subject = fetcher(parameters=source)
    subject.fetch(TENS)
    source.script = {"fetch_batch": {"near": {MISSING: GONE}, "far": {TENTH: PARAMETER, MISSING: GONE}}}
    source.asked.clear()

    assert subject.fetch(TENS) == {TENTH: Fetched(value=PARAMETER), MISSING: GONE}
    assert [each[:3] for each in source.asked] == [
        ("fetch_batch", (TENTH, MISSING), "far"),
        ("fetch_batch", (MISSING,), "near"),
    ]


def test_no_copy_refuses_a_secret_in_a_batch():
    """What a replica's batch has no value of is fetched singly."""
    source = Source(fetch={"near": Unavailable("500"), "far": SECRET}, fetch_batch={NAME: SECRET, OTHER: DENIED})
    subject = fetcher(source)
    subject.fetch(SINGLE)

    assert subject.fetch(BATCH) == {NAME: Fetched(value=SECRET)}
    assert calls(source)[-1] == ("fetch_batch", "far")


def test_fetches_a_path_as_one_value():
    """All its pages are the source's business."""
    query = Query(service="ssm-path", id="/", regions=("near",))
    tree = ParameterTree(parameters=(PARAMETER,))

    found = fetcher(parameters=Source(fetch_path=tree)).fetch(Job(kind="path", queries=(query,)))

    assert found == {query: Fetched(value=tree)}
