"""The shelf: what is kept of a fetch, and what a failure may and may not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.core.cache import Cache
from extension.core.errors import Refused, Stopping, Throttled, Unavailable, UpstreamError
from extension.core.model import ParameterTree, Query
from extension.core.policy import Freshness, Rotation
from extension.core.shelf import MAX_NEGATIVES, Fetched, Landing, Shelf
from tests.samples import NOW, OTHER, OWN, parameter, parameter_query, secret, secret_arn, secret_query

if TYPE_CHECKING:
    from collections.abc import Sequence

QUERY = secret_query()
ROLE = "arn:aws:iam::999988887777:role/reader"
GONE = Refused("gone", code="ResourceNotFoundException")
EXPIRED_TOKEN = Refused("bad token", code="ExpiredTokenException")
DOWN = Unavailable("down")


def make(*, limit: int = 10, ttl: float = 100, max_stale: float = 50, negative_ttl: float = 5) -> Shelf:
    """Return an empty shelf whose chance is always a half: due at 90, negatives live for their TTL."""
    freshness = Freshness(ttl_seconds=ttl, max_stale_seconds=max_stale)
    return Shelf(Cache(limit), lambda _query: freshness, lambda: 0.5, negative_ttl)


def filled(**options: float) -> Shelf:
    """Return a shelf that holds `QUERY`, fetched at `NOW`."""
    shelf = make(**options)  # type: ignore[arg-type]
    shelf.keep(QUERY, Fetched(value=secret()), NOW, keep=True)
    return shelf


def test_a_value_becomes_one_entry_under_all_its_names() -> None:
    """Name, ARN and partial ARN find the same entry, which is fetched again as it was asked for."""
    shelf = filled()
    found = [shelf.cache.find(secret_query(name)) for name in ("prod/db", secret_arn(), secret_arn(suffix=""))]
    assert found[0] is found[1] is found[2]
    assert found[0] is not None
    assert (found[0].asked, len(shelf.cache)) == (QUERY, 1)


def test_an_entry_has_times_of_its_own() -> None:
    """By the freshness of its query, the chance, and the rotation that came with it."""
    rotation = Rotation(next_at=NOW + 40)
    entry = make().keep(QUERY, Fetched(value=secret(), rotation=rotation), NOW, keep=True).entry
    assert entry is not None
    assert (entry.times.due_at, entry.times.expires_at, entry.times.stale_until) == (NOW + 35, NOW + 40, NOW + 90)
    assert entry.rotation is rotation


def test_a_value_lives_by_the_rules_of_all_its_names() -> None:
    """Its full ARN, the partial one, its name where it is ours, and what it was asked by."""
    asked: list[Query] = []

    def freshness_of(names: Sequence[Query]) -> Freshness:
        asked.extend(names)
        return Freshness(ttl_seconds=7, max_stale_seconds=0)

    shelf = Shelf(Cache(5), freshness_of, lambda: 0.5, 5)
    shelf.own_account = OWN
    landing = shelf.keep(secret_query(secret_arn()), Fetched(value=secret()), NOW, keep=True)
    assert landing.entry is not None
    assert landing.entry.times.expires_at == NOW + 7
    assert set(asked) == set(map(secret_query, (secret_arn(), secret_arn(suffix=""), "prod/db")))


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (secret_query(secret_arn(account=OTHER)), secret(arn=secret_arn(account=OTHER))),
        (secret_query(role_arn=ROLE), secret(arn=secret_arn(account=OTHER))),
        (secret_query(role_arn=ROLE), secret()),
        (parameter_query("arn:aws:ssm:eu-west-1:999988887777:parameter/prod/db"), parameter("prod/db", account=OTHER)),
    ],
)
def test_another_accounts_value_is_not_read_by_a_bare_name(query: Query, value: object) -> None:
    """Neither before nor after our own account is known, nor with a role (which may be another account's)."""
    shelf = make()
    shelf.own_account = OWN
    shelf.keep(query, Fetched(value=value), NOW, keep=True)  # type: ignore[arg-type]
    assert shelf.cache.find(secret_query("prod/db")) is None
    assert shelf.cache.find(parameter_query("prod/db")) is None


def test_our_own_secret_read_with_a_role_has_no_bare_name_there() -> None:
    """With another account's role the bare name means that account's secret, whosever this one is."""
    shelf = make()
    shelf.own_account = OWN
    shelf.keep(secret_query(secret_arn(), role_arn=ROLE), Fetched(value=secret()), NOW, keep=True)
    assert shelf.cache.find(secret_query(secret_arn(), role_arn=ROLE)) is not None
    assert shelf.cache.find(secret_query("prod/db", role_arn=ROLE)) is None


def test_a_role_s_values_and_our_own_are_two_entries() -> None:
    """The same name, asked for with and without the role."""
    shelf = filled()
    shelf.keep(secret_query(role_arn=ROLE), Fetched(value=secret(arn=secret_arn(account=OTHER))), NOW, keep=True)
    ours, theirs = shelf.cache.find(QUERY), shelf.cache.find(secret_query(role_arn=ROLE))
    assert ours is not None
    assert theirs is not None
    assert (ours.value.arn, theirs.value.arn) == (secret_arn(), secret_arn(account=OTHER))  # type: ignore[union-attr]


def test_secrets_whose_arns_look_alike_stay_apart() -> None:
    """A secret called `db-AbCdEf` is not what the full ARN of the secret `db` means, in either order of arrival."""
    shelf, twin = make(), secret("db-AbCdEf", arn=secret_arn("db-AbCdEf", suffix="-XyZ123"))
    shelf.keep(secret_query("db"), Fetched(value=secret("db")), NOW, keep=True)
    shelf.keep(secret_query("db-AbCdEf"), Fetched(value=twin), NOW, keep=True)
    shelf.keep(secret_query("db"), Fetched(value=secret("db")), NOW, keep=True)
    named = [shelf.cache.find(secret_query(name)) for name in ("db", secret_arn("db"), "db-AbCdEf")]
    assert [entry and entry.value.name for entry in named] == ["db", "db", "db-AbCdEf"]  # type: ignore[union-attr]


def test_a_bare_name_teaches_whose_account_is_ours() -> None:
    """What is fetched by ARN afterwards has its bare name at once."""
    shelf = filled()
    shelf.keep(secret_query(secret_arn("b")), Fetched(value=secret("b")), NOW, keep=True)
    assert shelf.own_account == OWN
    assert shelf.cache.find(secret_query("b")) is not None


def test_a_tree_s_parameters_are_entries_of_their_own() -> None:
    """By name and ARN, with the decryption and the role that the tree was asked with."""
    shelf, path = make(), parameter_query("/app/", service="ssm-path", recursive=True, decrypt=False)
    landing = shelf.keep(
        path, Fetched(value=ParameterTree(parameters=(parameter("/app/a"), parameter("/app/b")))), NOW, keep=True
    )
    assert landing.entry is shelf.cache.find(path)
    assert len(shelf.cache) == 3
    single = shelf.cache.find(parameter_query("/app/a", decrypt=False))
    assert single is not None
    assert single.asked == parameter_query("/app/a", decrypt=False)
    assert shelf.cache.find(parameter_query("/app/a")) is None


def test_a_tree_does_not_replace_what_was_fetched_after_it_began() -> None:
    """A parameter read singly meanwhile is newer than the tree's."""
    shelf, path = make(), parameter_query("/app/", service="ssm-path", recursive=True)
    newer = shelf.keep(parameter_query("/app/a"), Fetched(value=parameter("/app/a", version=2)), NOW, keep=True).entry
    tree = Fetched(value=ParameterTree(parameters=(parameter("/app/a"), parameter("/app/b"))))
    shelf.keep(path, tree, NOW + 1, keep=True, begun_at=NOW - 1)
    assert shelf.cache.find(parameter_query("/app/a")) is newer
    assert shelf.cache.find(parameter_query("/app/b")) is not None


def test_a_tree_drives_nothing_out_but_what_any_read_would() -> None:
    """Its parameters come in while there is room, and renew what is there; the others are not kept singly."""
    shelf, path = make(limit=3), parameter_query("/app/", service="ssm-path", recursive=True)
    shelf.keep(QUERY, Fetched(value=secret()), NOW, keep=True)
    tree = Fetched(value=ParameterTree(parameters=tuple(parameter(f"/app/{name}") for name in "abcd")))
    shelf.keep(path, tree, NOW + 1, keep=True)
    shelf.keep(path, tree, NOW + 2, keep=True)
    held = [shelf.cache.find(query) for query in (QUERY, path, parameter_query("/app/a"), parameter_query("/app/b"))]
    assert [entry and entry.times.fetched_at for entry in held] == [NOW, NOW + 2, NOW + 2, None]


@pytest.mark.parametrize(("ttl", "limit", "keep"), [(0, 10, True), (100, 0, True), (100, 10, False)])
def test_what_is_not_to_be_kept_is_answered_once(ttl: float, limit: int, keep: bool) -> None:
    """A TTL or size of zero, or a time in which nothing is kept: there is an entry to answer with, and no other."""
    shelf = make(ttl=ttl, limit=limit)
    entry = shelf.keep(QUERY, Fetched(value=secret()), NOW, keep=keep).entry
    assert entry is not None
    assert (entry.current, len(shelf.cache)) == (False, 0)


@pytest.mark.parametrize("after", [50, 120])
def test_a_transient_failure_changes_no_time_and_the_old_value_stands_in(after: float) -> None:
    """Before expiry as after it; the failure and the next try are noted in the entry, nothing else."""
    shelf = filled()
    entry = shelf.cache.find(QUERY)
    assert entry is not None
    before = entry.times
    landing = shelf.fail(QUERY, DOWN, NOW + after)
    assert (landing.error, landing.stale, landing.entry) == (DOWN, entry, None)
    assert (entry.times, entry.due_at) == (before, before.due_at)
    assert (entry.failure, entry.failed_at, entry.retry_at) == (DOWN, NOW + after, NOW + after + 5)
    assert shelf.remembered(QUERY, NOW + after) is None


def test_beyond_its_bound_the_old_value_does_not_stand_in() -> None:
    """The failure is remembered instead, so that an outage is not a call for every read."""
    shelf = filled()
    assert shelf.fail(QUERY, DOWN, NOW + 150).stale is None
    assert shelf.remembered(QUERY, NOW + 151) is DOWN


def test_gone_or_denied_ends_the_entry() -> None:
    """However fresh it was; the refusal is remembered."""
    shelf = filled()
    entry = shelf.cache.find(QUERY)
    landing = shelf.fail(QUERY, GONE, NOW + 1)
    assert (landing.error, landing.stale, shelf.cache.find(QUERY)) == (GONE, None, None)
    assert entry is not None
    assert not entry.current
    assert shelf.remembered(QUERY, NOW + 2) is GONE


def test_our_own_bad_credentials_keep_the_entry_but_are_not_covered_by_it() -> None:
    """It is a 4xx, so the old value is not answered instead; nor is it afterwards taken for a known outage."""
    shelf = filled()
    landing = shelf.fail(QUERY, EXPIRED_TOKEN, NOW + 110)
    entry = shelf.cache.find(QUERY)
    assert (landing.error, landing.stale) == (EXPIRED_TOKEN, None)
    assert entry is not None
    assert entry.failed_at is None
    assert shelf.remembered(QUERY, NOW + 111) is EXPIRED_TOKEN


@pytest.mark.parametrize(
    ("after", "remembered"), [(0, True), (4.9, True), (5, False), (-0.1, False), (1e9, False), (-1e9, False)]
)
def test_a_failure_is_remembered_for_its_time(after: float, remembered: bool) -> None:
    """And not when the clock was set back: then nobody knows how long ago it was."""
    shelf = make()
    shelf.fail(QUERY, GONE, NOW)
    assert (shelf.remembered(QUERY, NOW + after) is GONE) is remembered


@pytest.mark.parametrize(("error", "negative_ttl"), [(Stopping("stop"), 5), (GONE, 0), (DOWN, 0)])
def test_some_failures_are_not_remembered(error: UpstreamError, negative_ttl: float) -> None:
    """Our own stopping, and everything where the negative TTL is zero."""
    shelf = make(negative_ttl=negative_ttl)
    assert shelf.fail(QUERY, error, NOW).error is error
    assert shelf.remembered(QUERY, NOW) is None


@pytest.mark.parametrize(("error", "overtaken"), [(Stopping("late", code="InvocationEnding"), False), (DOWN, True)])
def test_what_says_nothing_of_the_service_leaves_the_entry_as_it_was(error: UpstreamError, overtaken: bool) -> None:
    """A call that its invocation left no time for, or that a later one will put right: the entry has not failed."""
    shelf = filled()
    entry = shelf.cache.find(QUERY)
    landing = shelf.fail(QUERY, error, NOW + 110, overtaken=overtaken)
    assert (landing.error, landing.stale) == (error, entry)
    assert entry is not None
    assert (entry.failure, entry.failed_at, entry.retry_at) == (None, None, 0)


def test_an_overtaken_failure_is_not_remembered_but_still_ends_what_is_gone() -> None:
    """Who reads now waits for the later fetch, and gets no value that was refused."""
    shelf = filled()
    shelf.fail(QUERY, GONE, NOW + 1, overtaken=True)
    assert (shelf.cache.find(QUERY), shelf.remembered(QUERY, NOW + 2)) == (None, None)


def test_a_value_ends_the_memory_of_a_failure() -> None:
    """What has come is no longer missing."""
    shelf = make()
    shelf.fail(QUERY, Throttled("slow"), NOW)
    shelf.keep(QUERY, Fetched(value=secret()), NOW, keep=False)
    assert shelf.remembered(QUERY, NOW) is None


def test_memory_of_failures_is_bounded() -> None:
    """The oldest are forgotten first."""
    shelf = make()
    failed = [secret_query(f"s{number}") for number in range(MAX_NEGATIVES + 1)]
    assert all(shelf.fail(query, GONE, NOW).error for query in failed)
    assert shelf.remembered(failed[0], NOW) is None
    assert shelf.remembered(failed[1], NOW) is GONE
    assert shelf.remembered(failed[-1], NOW) is GONE


def test_a_value_is_as_old_as_the_moment_its_fetch_began() -> None:
    """A freeze between asking and answering does not make it younger."""
    entry = make().keep(QUERY, Fetched(value=secret()), NOW, keep=True, begun_at=NOW - 30).entry
    assert entry is not None
    assert (entry.times.fetched_at, entry.times.expires_at) == (NOW - 30, NOW + 70)


@pytest.mark.parametrize("late", [secret(version="v0"), GONE, DOWN])
def test_what_began_before_the_held_value_changes_nothing(late: object) -> None:
    """A fetch that was overtaken answers its waiters with what came meanwhile: no older value, no refusal of then."""
    shelf = make()
    held = shelf.keep(QUERY, Fetched(value=secret()), NOW, keep=True).entry
    landing = land(shelf, late, begun_at=NOW - 30)
    assert landing.entry is held is shelf.cache.find(QUERY)
    assert held is not None
    assert (held.failure, held.failed_at, shelf.remembered(QUERY, NOW + 1)) == (None, None, None)


def land(shelf: Shelf, result: object, *, begun_at: float) -> Landing:
    """Keep or fail, as the store does."""
    if isinstance(result, UpstreamError):
        return shelf.fail(QUERY, result, NOW + 1, begun_at=begun_at)
    return shelf.keep(QUERY, Fetched(value=result), NOW + 1, keep=True, begun_at=begun_at)  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "kept"), [(None, NOW - 30), (NOW - 999, NOW - 999)], ids=["fetched", "unchanged"])
def test_an_entry_knows_when_its_source_gave_the_value(given: float | None, kept: float) -> None:
    """When the fetch began; or long before, where the version alone was looked at."""
    fetched = Fetched(value=secret(), sourced_at=given)
    entry = make().keep(QUERY, fetched, NOW, keep=True, begun_at=NOW - 30).entry
    assert entry is not None
    assert (entry.sourced_at, entry.times.fetched_at) == (kept, NOW - 30)


def test_a_value_from_a_time_that_is_no_more_is_overwritten() -> None:
    """The clock was set back: the held value claims to be from the future, and does not count as newer."""
    shelf = filled()
    landing = shelf.keep(QUERY, Fetched(value=secret(version="v2")), NOW - 500, keep=True, begun_at=NOW - 501)
    assert shelf.cache.find(QUERY) is landing.entry
    assert landing.entry is not None
    assert landing.entry.version == "v2"


def test_clearing_forgets_values_and_failures() -> None:
    """A snapshot holds neither."""
    shelf = filled()
    shelf.fail(secret_query("x"), GONE, NOW)
    shelf.clear()
    assert len(shelf.cache) == 0
    assert shelf.remembered(secret_query("x"), NOW) is None
