"""The regions of a query: which are asked, in which order, and whose word counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.core.errors import Refused, Throttled, Unavailable, UpstreamError
from extension.core.model import Query
from extension.fetcher import Sources
from extension.regions import LEAST_SECONDS, Budget, Regions, first_region

if TYPE_CHECKING:
    from collections.abc import Mapping

QUERY = Query(service="secretsmanager", id="db", regions=("near", "far", "third"))
DOWN = Unavailable("near: down")
GONE = Refused("no such copy", code="ResourceNotFoundException")
HASTY, PATIENT = (Sources(secrets=kind, parameters=kind) for kind in ("hasty", "patient"))


class Walk:
    """Regions whose clock stands still; `says` has what each of them answers, and `asked` who was asked."""

    def __init__(self, **says: str | UpstreamError) -> None:
        self.says: Mapping[str, str | UpstreamError] = says
        self.asked: list[str] = []
        self.patient: list[str] = []
        self._regions = Regions(PATIENT, HASTY, lambda: 1000.0)

    def ask(self, query: Query = QUERY) -> str | UpstreamError:
        """Return the answer, or the error that is raised."""
        try:
            return self._regions.ask(query, Budget(9.0, lambda: 0.0), self._call)
        except UpstreamError as error:
            return error

    def _call(self, sources: Sources, region: str, _seconds: float) -> str:
        self.asked.append(region)
        self.patient += [region] if sources == PATIENT else []
        answer = self.says.get(region, "found")
        if isinstance(answer, UpstreamError):
            raise answer
        return answer


def after_a_fault(**says: str | UpstreamError) -> Walk:
    """Return a walk whose first region has just failed, and which has been forgotten since."""
    walk = Walk(near=DOWN)
    walk.ask()
    walk.says, walk.asked, walk.patient = says, [], []
    return walk


def test_a_copy_s_answer_counts() -> None:
    """After a fault of the first region, whoever has the value may give it."""
    walk = Walk(near=DOWN, far="copy")

    assert (walk.ask(), walk.asked) == ("copy", ["near", "far"])


def test_a_copy_s_refusal_counts_for_less_than_a_fault() -> None:
    """The copy may be missing there: the first region's fault is told, so that an old value may stand in."""
    walk = Walk(near=DOWN, far=GONE)

    assert (walk.ask(), walk.asked) == (DOWN, ["near", "far"])


@pytest.mark.parametrize("answer", ["found", DOWN, Refused("denied"), Throttled("slow down")])
def test_who_was_passed_over_is_asked_before_a_copy_s_refusal_counts(answer: str | UpstreamError) -> None:
    """An open breaker makes nobody else's word final: the first region has the last one, with all attempts."""
    walk = after_a_fault(near=answer, far=GONE)

    assert (walk.ask(), walk.asked, walk.patient) == (answer, ["far", "near"], ["near"])


def test_a_first_region_that_answers_after_all_is_the_first_again() -> None:
    """What it says to a doubt closes its breaker."""
    walk = after_a_fault(far=GONE)

    assert [walk.ask(), walk.ask(), walk.asked] == ["found", "found", ["far", "near", "near"]]


def without_credentials(error: UpstreamError) -> UpstreamError:
    """Return an error that is about credentials."""
    error.about_credentials = True
    return error


def test_no_region_is_to_blame_for_missing_credentials() -> None:
    """STS or the credential endpoint cannot be reached: the first region is the first all the same."""
    walk = Walk(near=without_credentials(Unavailable("STS: down")), far="copy")

    assert [walk.ask(), walk.ask(), walk.asked] == ["copy", "copy", ["near", "far", "near", "far"]]


def test_credentials_that_are_refused_say_nothing_of_the_region() -> None:
    """Its breaker stays open: nobody has asked it."""
    walk = after_a_fault(near=without_credentials(Refused("may not assume")), far=GONE)

    assert [type(walk.ask()) for _ in range(2)] == [Refused, Refused]
    assert walk.asked == ["far", "near", "far", "near"]


@pytest.mark.parametrize(("regions", "expected"), [(("a", "b"), "a"), ((), "")])
def test_the_first_region_is_the_query_s(regions: tuple[str, ...], expected: str) -> None:
    """Or none, where there is none to be had."""
    assert first_region(QUERY.replace(regions=regions)) == expected


def test_a_spent_budget_leaves_enough_to_fail() -> None:
    """Each call gets a little, and says why it failed."""
    ticks = iter((0.0, 99.0))

    assert Budget(9.0, lambda: next(ticks)).share(2) == LEAST_SECONDS / 2
