"""The policies: Sidekey's is the extension's own, the others do what is documented of them."""

from __future__ import annotations

import numpy as np
import pytest

from extension.core.backoff import backoff_seconds
from extension.core.policy import Freshness, negative_until, schedule
from scripts.fleet.policies import Agent, Held, Lazy, Sidekey, policies
from scripts.fleet.scenario import OPERATIONS, Scenario

CHANCES = np.array([0.0, 0.25, 0.999])


def held(*, fetched_at: float, due_at: float, failed_at: float = np.nan, retry_at: float = 0.0) -> Held:
    """Return one value with a TTL of 300 s."""
    moments = (fetched_at, due_at, fetched_at + 300, fetched_at + 3900, failed_at, retry_at)
    return Held(*(np.array([moment]) for moment in moments))


def test_sidekeys_times_are_those_of_the_extension() -> None:
    """A whole array of chances gives what `schedule` gives for each of them."""
    due_at, expires_at, stale_until = Sidekey(Scenario()).times(1000.0, CHANCES)
    freshness = Freshness(ttl_seconds=300, max_stale_seconds=3600)
    singly = [schedule(1000.0, freshness, chance) for chance in CHANCES.tolist()]
    assert due_at.tolist() == [times.due_at for times in singly]
    assert {expires_at} == {times.expires_at for times in singly}
    assert {stale_until} == {times.stale_until for times in singly}


def test_sidekeys_pauses_and_memory_are_those_of_the_extension() -> None:
    """Backoff and remembered failures come from the extension's functions."""
    sidekey = Sidekey(Scenario())
    assert sidekey.pause(3, CHANCES).tolist() == [backoff_seconds(3, chance) for chance in CHANCES.tolist()]
    assert sidekey.again_at(9.0, CHANCES).tolist() == [negative_until(9.0, 5, chance) for chance in CHANCES.tolist()]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (held(fetched_at=0.0, due_at=250.0), False),
        (held(fetched_at=-20.0, due_at=240.0), True),
        (held(fetched_at=-100.0, due_at=180.0), True),
        (held(fetched_at=-100.0, due_at=180.0, failed_at=235.0, retry_at=243.0), False),
        (held(fetched_at=-100.0, due_at=180.0, failed_at=235.0, retry_at=239.0), True),
    ],
    ids=["fresh", "due", "expired", "failed lately", "failed, time to try again"],
)
def test_sidekey_wants_what_the_store_would_fetch(value: Held, wanted: bool) -> None:
    """An invocation at second 240 fetches what is due or expired and has not just failed."""
    assert Sidekey(Scenario()).wants(value, 240.0).tolist() == [wanted]


def test_up_to_twenty_secrets_are_fetched_singly() -> None:
    """Each of twenty leads a call of its own."""
    leaders, operations = Sidekey(Scenario(items=20)).groups
    assert leaders[20].tolist() == list(range(20))
    assert set(operations[20].tolist()) == {OPERATIONS.index("secret")}


def test_beyond_twenty_secrets_go_in_batches() -> None:
    """Twenty-one go as twenty and one; twenty of them that are due again go singly."""
    leaders, operations = Sidekey(Scenario(items=21)).groups
    assert leaders[21].tolist() == [0] * 20 + [20]
    assert set(operations[21].tolist()) == {OPERATIONS.index("secrets")}
    assert leaders[20, :20].tolist() == list(range(20))


def test_parameters_go_in_tens_with_sidekey_and_singly_without() -> None:
    """Twelve parameters are two calls for one, twelve for the other."""
    scenario = Scenario(items=12, service="ssm")
    assert set(Sidekey(scenario).groups.leaders[12].tolist()) == {0, 10}
    assert set(Lazy(scenario).groups.leaders[12].tolist()) == set(range(12))


def test_the_others_know_no_jitter() -> None:
    """A value is due when its 300 s are over, whatever the dice say, and a failure is forgotten at once."""
    lazy = Lazy(Scenario())
    assert lazy.times(10.0, CHANCES) == (310.0, 310.0, 310.0)
    assert lazy.again_at(10.0, CHANCES) == 10.0


def test_the_others_wait_as_the_sdks_do() -> None:
    """The bound of the pause doubles from one second to twenty."""
    lazy = Lazy(Scenario())
    assert [lazy.pause(failed, np.array([1.0])).tolist() for failed in (1, 2, 9)] == [[1.0], [2.0], [20.0]]


def test_only_the_agent_and_sidekey_describe() -> None:
    """Three policies read secrets, two of them parameters, which the agent does not know."""
    assert [type(each) for each in policies(Scenario())] == [Sidekey, Lazy, Agent]
    assert [each.describes for each in policies(Scenario())] == [True, False, True]
    assert [each.name for each in policies(Scenario(service="ssm"))] == ["Sidekey", "P&S"]
