"""The simulation, small: what each policy does to a few environments, and to quotas they exceed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from scripts.fleet.measures import Measures
from scripts.fleet.policies import Agent, Lazy, Policy, Sidekey
from scripts.fleet.scenario import OPERATIONS, QUOTAS, Scenario
from scripts.fleet.simulation import Simulation

SMALL = Scenario(environments=30, items=20, hours=0.3, start_seconds=1, rotated_share=2)
"""Nothing is rotated: that would be after the end."""
SHORT = replace(SMALL, environments=20, hours=0.1)


def live(policy: type[Sidekey | Lazy], scenario: Scenario) -> Measures:
    """Return the measures of a whole life."""
    return Simulation(scenario, policy(scenario)).run()


lived = cache(live)
"""The same, lived once for all tests: they only look."""


def total(measures: Measures, operation: str = "secret") -> int:
    """Count all calls of a kind."""
    return int(measures.calls[[*OPERATIONS].index(operation)].sum())


def refreshes(measures: Measures) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the calls per second after the first minute."""
    counts: np.ndarray[tuple[int], np.dtype[np.int64]] = measures.calls[0, 60:]
    return counts


@pytest.mark.parametrize("policy", [Sidekey, Lazy, Agent])
def test_the_same_seed_gives_the_same_life(policy: type[Sidekey | Lazy]) -> None:
    """Two runs are equal, second by second; another seed gives another life."""
    first, second, other = (live(policy, replace(SHORT, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.calls, second.calls)
    assert first.figures() == second.figures()
    assert not np.array_equal(first.calls, other.calls)


@pytest.mark.parametrize("policy", [Sidekey, Lazy, Agent])
def test_a_cold_start_fetches_every_value_once(policy: type[Sidekey | Lazy]) -> None:
    """Below the quota the first minute sees one call for each secret, and every environment gets complete."""
    measures = lived(policy, SMALL)
    assert measures.calls[0, :60].sum() == 30 * 20
    assert measures.throttled.sum() == 0
    assert measures.filled.max() < 2


def test_the_lazy_wave_comes_back_and_sidekeys_spreads() -> None:
    """After the first TTL P&S asks for everything within seconds, Sidekey over most of a minute."""
    lazy, sidekey = refreshes(lived(Lazy, SMALL)), refreshes(lived(Sidekey, SMALL))
    assert lazy.max() > 5 * sidekey.max()


def test_sidekeys_reads_hardly_ever_wait() -> None:
    """With P&S every refresh keeps a read waiting; with Sidekey few do."""
    lazy, sidekey = lived(Lazy, SMALL), lived(Sidekey, SMALL)
    assert lazy.waited == 3 * 30 * 20
    assert sidekey.waited < lazy.waited / 10


def test_no_value_in_hand_is_older_than_its_ttl() -> None:
    """Where nothing fails, neither policy lets a read see more than 300 s."""
    oldest = max(p99 for policy in (Sidekey, Lazy) for _, _, p99 in lived(policy, SMALL).ages)
    assert oldest <= 300


def test_rotation_costs_a_describing_client_a_second_call() -> None:
    """Who describes first asks twice for each rotated secret, who fetches asks once."""
    rotated = replace(SMALL, rotated_share=0.5)
    assert total(lived(Agent, rotated)) - total(lived(Agent, SMALL)) == 30 * 20
    assert total(lived(Lazy, rotated)) == total(lived(Lazy, SMALL))


@pytest.mark.parametrize("policy", [Sidekey, Lazy])
def test_more_than_the_quota_is_throttled_and_tried_again(policy: type[Sidekey | Lazy]) -> None:
    """A thousand environments want 20,000 secrets at once: 10,000/s are admitted, in the end all."""
    storm = Scenario(environments=1000, items=20, hours=0.02, start_seconds=0, rotated_share=2)
    measures = lived(policy, storm)
    admitted = measures.calls - measures.throttled
    assert measures.throttled.sum() > 0
    assert admitted[0, 0] <= 2 * QUOTAS["secret"]
    assert admitted[0].sum() == 20_000
    assert np.isfinite(measures.filled).all()


def test_a_throttled_batch_goes_on_singly() -> None:
    """Two hundred environments of forty secrets exceed Batch's quota; still every one gets complete."""
    scenario = Scenario(environments=200, items=40, hours=0.02, start_seconds=0, rotated_share=2)
    measures = lived(Sidekey, scenario)
    assert measures.throttled[[*OPERATIONS].index("secrets")].sum() > 0
    assert np.isfinite(measures.filled).all()


def test_parameters_arrive_in_tens() -> None:
    """Three environments of twelve parameters make six calls at their start; P&S makes thirty-six."""
    scenario = Scenario(environments=3, items=12, service="ssm", hours=0.02, rotated_share=2)
    assert total(lived(Sidekey, scenario), "parameters") == 6
    assert total(lived(Lazy, scenario), "parameters") == 36


def test_rare_invocations_cost_only_what_they_use() -> None:
    """An environment that sleeps through its TTLs refreshes nothing meanwhile."""
    rare = Scenario(environments=5, items=20, hours=2, invocations_per_second=1 / 3600, arrivals="constant")
    assert total(lived(Sidekey, rare)) < 5 * 20 * 4


def test_progress_is_told() -> None:
    """The caller hears growing shares of the whole."""
    heard: list[float] = []
    Simulation(SHORT, Lazy(SHORT)).run(heard.append)
    assert heard == sorted(heard)
    assert heard[-1] > 0.95


def test_every_policy_fits_the_protocol() -> None:
    """The simulation takes any of them (mypy reads this)."""
    all_of_them: list[Policy] = [Sidekey(SMALL), Lazy(SMALL), Agent(SMALL)]
    assert len({policy.name for policy in all_of_them}) == 3
