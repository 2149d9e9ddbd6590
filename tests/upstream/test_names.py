"""Names: looked up within a bound, once in a while."""

from __future__ import annotations

from typing import Any

import pytest

from extension.upstream.names import KEPT_SECONDS, MOST_NAMES, Names, look_up
from tests.servers.clock import Clock


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a" * 300, "ü" * 70, "."])
def test_a_name_that_does_not_exist_is_an_os_error(name: str) -> None:
    """Names that DNS does not know, or cannot know, fail in one way."""
    with pytest.raises(OSError, match=r"."):
        look_up(name, 443, 10)


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    """The C library's resolver knows no bound, so it is given one."""
    with pytest.raises(TimeoutError):
        look_up("localhost", 443, 0)


def test_numbers_need_no_resolver() -> None:
    """An IP address is its own answer."""
    assert look_up("127.0.0.1", 443, 0)[0][4] == ("127.0.0.1", 443)


class Resolver:
    """Gives the next address each time, or fails."""

    def __init__(self) -> None:
        """Fail not yet."""
        self.asked: list[tuple[str, int, float]] = []
        self.failure: OSError | None = None

    def __call__(self, host: str, port: int, seconds: float) -> Any:
        """Answer."""
        self.asked.append((host, port, seconds))
        if self.failure is not None:
            raise self.failure
        return [f"address {len(self.asked)}"]


def test_ten_dials_at_once_need_one_look_up() -> None:
    """The others are told what the first has found, each port by itself."""
    resolver = Resolver()
    names = Names(Clock(), resolver)

    assert [names("h", 443, 3.0), names("h", 443, 2.0), names("h", 80, 1.0)] == [["address 1"]] * 2 + [["address 2"]]
    assert resolver.asked == [("h", 443, 3.0), ("h", 80, 1.0)]


@pytest.mark.parametrize("step", [KEPT_SECONDS, -1.0])
def test_what_is_old_or_from_the_future_is_looked_up_anew(step: float) -> None:
    """By the wall clock, so a freeze makes it old; one that was set back tells nothing."""
    clock = Clock()
    names = Names(clock, Resolver())
    names("h", 443, 1.0)
    clock.now += step

    assert names("h", 443, 1.0) == ["address 2"]


def test_a_failure_is_not_remembered() -> None:
    """The next dial asks again."""
    resolver = Resolver()
    names = Names(Clock(), resolver)
    resolver.failure = OSError("no such name")
    with pytest.raises(OSError, match="no such name"):
        names("h", 443, 1.0)
    resolver.failure = None

    assert names("h", 443, 1.0) == ["address 2"]


def test_remembers_no_more_than_so_many() -> None:
    """Callers choose the regions, and so the names."""
    names = Names(Clock(), Resolver())
    [names(f"h{number}", 443, 1.0) for number in range(3 * MOST_NAMES)]

    assert len(names._known) <= MOST_NAMES
