"""The cache: one entry per thing, all its names, never more than the limit."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from extension.core.cache import MAX_NAMES, Cache, Entry
from extension.core.model import ParameterTree, Query
from tests.samples import NOW, entry, parameter, secret, secret_query, times


def made(name: str, used_at: float = NOW) -> Entry:
    """Return an entry for a name, used at a time."""
    fresh = entry(secret_query(name))
    fresh.used_at = used_at
    return fresh


def test_finds_an_entry_by_each_of_its_names() -> None:
    """One entry, however it is asked for."""
    cache, one = Cache(2), made("a")
    cache.put(one, (secret_query("b"), secret_query("c")))
    assert [cache.find(secret_query(name)) for name in "abc"] == [one, one, one]
    assert (len(cache), list(cache)) == (1, [one])


def test_does_not_find_what_it_has_not() -> None:
    """Another name is another thing."""
    assert Cache(2).find(secret_query("a")) is None


def test_a_new_value_takes_over_names_and_use() -> None:
    """Names that callers used go on, hits are not lost, and the old entry says that it is not current."""
    cache, old, new = Cache(2), made("a", used_at=NOW + 5), made("a")
    old.hits, old.past_hits, old.replaced_at = 3, 4, NOW
    cache.put(old, (secret_query("b"),))
    cache.put(new, ())
    assert cache.find(secret_query("b")) is new
    assert (new.past_hits, new.used_at, new.replaced_at, new.hits) == (7, NOW + 5, NOW, 0)
    assert (old.current, new.current) == (False, True)


def test_a_thing_made_anew_does_not_inherit_the_old_ones_names() -> None:
    """A secret deleted and created again has another ARN; the old ARN must not read the new secret."""
    cache, old, new = Cache(2), made("arn-old"), made("arn-new")
    cache.put(old, (secret_query("db"),))
    cache.put(new, (secret_query("db"),))
    assert cache.find(secret_query("db")) is new
    assert cache.find(secret_query("arn-old")) is None
    assert len(cache) == 1


def test_one_name_joins_entries_that_turn_out_to_be_the_same() -> None:
    """Asked for by name and by ARN before anything was known: the second to land replaces the first."""
    cache, by_name, by_arn, last = Cache(5), made("name"), made("partial"), made("arn")
    cache.put(by_name, ())
    cache.put(by_arn, ())
    cache.put(last, (secret_query("name"), secret_query("partial")))
    assert list(cache) == [last]
    assert (by_name.current, by_arn.current) == (False, False)


def test_the_least_recently_used_goes_first() -> None:
    """Whatever the order of arrival; the newcomer stays."""
    cache, old, middle, new = Cache(2), made("old", NOW + 9), made("middle", NOW + 1), made("new", NOW)
    cache.put(old, (secret_query("other"),))
    cache.put(middle, ())
    cache.put(new, ())
    assert list(cache) == [old, new]
    assert not middle.current


def test_what_was_used_meanwhile_outlives_what_was_not() -> None:
    """Also where many go one after another: the oldest tenth is used again, and the next tenth goes."""
    cache = Cache(100)
    old = [made(f"old{number:02}", NOW + number) for number in range(100)]
    new = [made(f"new{number:02}", NOW + 1000 + number) for number in range(11)]
    [cache.put(each, ()) for each in old]
    cache.put(new[0], ())
    [setattr(each, "used_at", NOW + 500) for each in old[1:11]]
    [cache.put(each, ()) for each in new[1:]]
    assert [each for each in old if not each.current] == [old[0], *old[11:21]]


class Counted(Entry):
    """Counts how often anybody looks when it was used."""

    looks = 0

    @property  # type: ignore[override]
    def used_at(self) -> float:
        """Look."""
        Counted.looks += 1
        return self.times.fetched_at

    @used_at.setter
    def used_at(self, _moment: float) -> None:
        """Stay as it was fetched."""


def test_many_that_go_are_not_looked_for_one_by_one() -> None:
    """Who puts a thousand into a full cache must not hold up the readers."""
    cache = Cache(500)
    [cache.put(Counted(secret_query(f"s{number}"), secret(), times(NOW + number)), ()) for number in range(1500)]
    assert [each.query.id for each in cache] == [f"s{number}" for number in range(1000, 1500)]
    assert Counted.looks < 20_000


@pytest.mark.parametrize(("limit", "room"), [(0, False), (1, False), (2, True)])
def test_knows_whether_there_is_room(limit: int, room: bool) -> None:
    """For one more than it has."""
    cache = Cache(limit)
    cache.put(made("a"), ())
    assert cache.has_room is room


def test_a_limit_of_one_keeps_the_newest() -> None:
    """Even if it was used least recently."""
    cache, old, new = Cache(1), made("old", NOW + 9), made("new")
    cache.put(old, ())
    cache.put(new, ())
    assert list(cache) == [new]


def test_a_limit_of_zero_keeps_nothing() -> None:
    """And no ready bytes are made of what is not kept."""
    cache, one = Cache(0), made("a")
    cache.put(one, (secret_query("b"),))
    assert (len(cache), cache.find(secret_query("a")), one.current) == (0, None, False)


def test_names_are_bounded() -> None:
    """The oldest further names give way; the entry's own query is never forgotten."""
    cache, one = Cache(1), made("own")
    cache.put(one, tuple(secret_query(f"name{number}") for number in range(50)))
    assert len(one.names) == MAX_NAMES
    assert cache.find(secret_query("own")) is one
    assert cache.find(secret_query("name0")) is None
    assert cache.find(secret_query("name49")) is one


def test_dropping_twice_harms_nobody() -> None:
    """An entry that was replaced is not the one that its name means now."""
    cache, old, new = Cache(2), made("a"), made("a")
    cache.put(old, ())
    cache.put(new, ())
    cache.drop(old)
    assert cache.find(secret_query("a")) is new


def test_clearing_ends_every_entry() -> None:
    """Nothing is found and nothing is current."""
    cache, one, two = Cache(2), made("a"), made("b")
    cache.put(one, ())
    cache.put(two, ())
    cache.clear()
    assert (len(cache), one.current, two.current) == (0, False, False)


@pytest.mark.parametrize(
    ("value", "version"),
    [(secret(version="v7"), "v7"), (parameter(version=3), "3"), (ParameterTree(parameters=()), "")],
)
def test_an_entry_knows_its_version(value: object, version: str) -> None:
    """The id, the number, or nothing."""
    assert Entry(secret_query(), value, times()).version == version  # type: ignore[arg-type]


NAMES = st.sampled_from([secret_query(name) for name in "abcdef"])


class Comparison(RuleBasedStateMachine):
    """Any sequence of puts, drops and clears, against a dictionary of names."""

    LIMIT = 3

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.cache = Cache(self.LIMIT)
        self.put_by_name: dict[Query, Entry] = {}
        self.made: list[Entry] = []

    @rule(own=NAMES, names=st.lists(NAMES, max_size=3), used_at=st.floats(0, 9))
    def put(self, own: Query, names: list[Query], used_at: float) -> None:
        """Put a new entry under some names."""
        new = Entry(own, secret(), times())
        new.used_at = used_at
        self.cache.put(new, tuple(names))
        self.made.append(new)
        self.put_by_name |= dict.fromkeys([own, *names], new)

    @rule(name=NAMES)
    def drop(self, name: Query) -> None:
        """Drop what a name means."""
        found = self.cache.find(name)
        self.cache.drop(found or Entry(name, secret(), times()))

    @rule()
    def clear(self) -> None:
        """Drop everything."""
        self.cache.clear()

    @invariant()
    def never_more_than_the_limit(self) -> None:
        """Hold the bound at any moment."""
        assert len(self.cache) <= self.LIMIT

    @invariant()
    def a_name_never_means_an_entry_put_under_another(self) -> None:
        """Find what was put there last, or the same thing put anew under another of its names."""
        found = {name: self.cache.find(name) for name in self.put_by_name}
        assert all(
            each is None or each is self.put_by_name[name] or each.query == self.put_by_name[name].query
            for name, each in found.items()
        )

    @invariant()
    def exactly_the_entries_found_are_current(self) -> None:
        """Ready bytes of any other are not sent."""
        assert {id(each) for each in self.made if each.current} == {id(each) for each in self.cache}
        assert all(self.cache.find(name) is each for each in self.cache for name in each.names)


Comparison.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestComparison = Comparison.TestCase
