"""The memo: what it remembers, for how long, and how little."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extension.memo import Memo
from tests.contract.fakes import FakeLease


def filled(lease: FakeLease, memo: Memo | None = None, request: bytes = b"request") -> Memo:
    """Remember one answer, given at 100."""
    memo = Memo() if memo is None else memo
    memo.put(request, b"answer", lease, 100.0, size=6)
    return memo


def test_remembers_an_answer() -> None:
    """The same bytes get the same bytes, and the hit is counted where the entry is."""
    lease = FakeLease(due_at=200.0)
    ready = filled(lease).recall(b"request", 150.0)
    assert ready is not None
    assert (ready.answer, ready.close) == (b"answer", False)
    assert (lease.hits, lease.used_at) == (1, 150.0)


def test_other_bytes_are_another_request() -> None:
    """One byte more or less, in the token as anywhere, is no hit."""
    memo = filled(FakeLease())
    assert memo.recall(b"reques", 100.0) is None
    assert memo.recall(b"request ", 100.0) is None


def test_ends_with_the_lease() -> None:
    """An entry that changed is not answered from memory, and the bytes go."""
    lease = FakeLease()
    memo = filled(lease)
    lease.current = False
    assert memo.recall(b"request", 100.0) is None
    assert len(memo) == 0
    assert lease.hits == 0


def test_ends_when_due() -> None:
    """From the due time on the application is asked, which starts the refresh."""
    memo = filled(FakeLease(due_at=200.0))
    assert memo.recall(b"request", 199.9) is not None
    assert memo.recall(b"request", 200.0) is None
    assert len(memo) == 0


def test_the_due_time_is_that_of_the_answer() -> None:
    """A lease that is prolonged later prolongs no bytes."""
    lease = FakeLease(due_at=200.0)
    memo = filled(lease)
    lease.due_at = 300.0
    assert memo.recall(b"request", 250.0) is None


def test_a_clock_set_back_ends_it() -> None:
    """Before the time it was stored nothing is known of its age."""
    memo = filled(FakeLease())
    assert memo.recall(b"request", 99.0) is None
    assert len(memo) == 0


def test_takes_in_nothing_ended() -> None:
    """A lease that ended while the answer was on its way, or is due already, is not remembered."""
    ended = FakeLease()
    ended.current = False
    assert len(filled(ended)) == 0
    assert len(filled(FakeLease(due_at=100.0))) == 0


def test_an_ended_answer_replaces_the_older_one() -> None:
    """The older bytes would be no truer."""
    memo = filled(FakeLease())
    ended = FakeLease()
    ended.current = False
    assert len(filled(ended, memo)) == 0


def test_forgets_what_no_lease_stands_behind() -> None:
    """On the store's word, so that no secret outlives its entry."""
    stands, ended = FakeLease(), FakeLease()
    memo = filled(ended, filled(stands, request=b"other"))
    ended.current = False
    memo.forget_stale()
    assert len(memo) == 1
    assert memo.recall(b"other", 100.0) is not None


def test_forgets_everything() -> None:
    """And has all its room again."""
    memo = filled(FakeLease(), Memo(max_bytes=13))
    memo.forget()
    assert len(memo) == 0
    assert len(filled(FakeLease(), memo)) == 1


def test_the_oldest_gives_way() -> None:
    """Within both limits."""
    memo = Memo(max_entries=2)
    filled(FakeLease(), filled(FakeLease(), filled(FakeLease(), memo, b"1"), b"2"), b"3")
    assert memo.recall(b"1", 100.0) is None
    assert memo.recall(b"3", 100.0) is not None
    small = Memo(max_bytes=15)
    filled(FakeLease(), filled(FakeLease(), small, b"1"), b"2")
    assert len(filled(FakeLease(), small, b"34")) == 2
    assert small.recall(b"1", 100.0) is None


def test_what_is_larger_than_all_the_room_is_not_kept() -> None:
    """Nor is the room made for it."""
    memo = Memo(max_bytes=13)
    filled(FakeLease(), memo)
    filled(FakeLease(), memo, b"request of more bytes")
    assert memo.recall(b"request", 100.0) is not None
    assert len(filled(FakeLease(), Memo(max_entries=0))) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.booleans())))
def test_never_holds_more_than_allowed(steps: list[tuple[int, int, bool]]) -> None:
    """Whatever is put and ended, entries and bytes stay within their limits, and are counted right."""
    memo = Memo(max_entries=3, max_bytes=60)
    for key, size, ends in steps:
        lease = FakeLease()
        memo.put(bytes([key]), b"x" * size, lease, 0.0, size=size)
        lease.current = not ends
        held = sum(len(asked) + len(ready.answer) for asked, ready in memo._ready.items())
        assert len(memo) <= 3
        assert held == memo._bytes <= 60
    memo.forget_stale()
    assert all(ready.lease.current for ready in memo._ready.values())
