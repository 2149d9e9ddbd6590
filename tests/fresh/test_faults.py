"""Every fault between the sidecar and AWS: what the function sees, for how long at most, and that it passes by itself.

The trials run side by side against real servers; what they saw is also the table in README (docs/faults.json).
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from scripts.stage.aws import CREDENTIALS
from tests.fresh.sidecar import ATTEMPT_MS, DEADLINE_MS, QUICK
from tests.fresh.trials import BadCertificate, CutOff, Nameless, Outcome, Renewed, Trial, WrongClock, shown
from tests.servers import faults
from tests.servers.faulty import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.stage.aws import SampleAws
    from tests.servers.authority import Authority

    class Play(Protocol):
        """What can be tried."""

        def __call__(self, aws: SampleAws, authority: Authority) -> Trial | Nameless:
            """Prepare the trial."""


DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.json"
SLACK_SECONDS = 5.0
"""What a busy machine may add to a bound."""

BOUNDS_MS = {
    "10 s (`SIDEKEY_DEADLINE_MS`, up to 6 attempts)": DEADLINE_MS,
    "3 s (`SIDEKEY_ATTEMPT_TIMEOUT_MS`)": ATTEMPT_MS,
    "one round trip": ATTEMPT_MS,
    "one round trip more": 2 * ATTEMPT_MS,
    "two round trips more": 3 * ATTEMPT_MS,
}
ATTEMPTS, ATTEMPT, ONE, ONE_MORE, TWO_MORE = BOUNDS_MS
PASSING = "2.5 to 7.5 s later at a read; the stale value is renewed behind one"
FINAL = "2.5 to 7.5 s later at a read"


class Row(NamedTuple):
    """One line of the table."""

    fault: str
    nothing_cached: str
    expired_value_cached: str
    at_most: str
    recovers: str


class Scenario(NamedTuple):
    """A fault and what is expected of it."""

    row: Row
    play: Play


def passing(fault: str, play: Play, status: int, code: str) -> Scenario:
    """Expect an error where nothing is cached, and otherwise the stale value."""
    return Scenario(Row(fault, f"{status} `{code}`", f"200, stale: `{code}`", ATTEMPTS, PASSING), play)


def final(fault: str, code: str, harm: Fault | None = None) -> Scenario:
    """Expect the error in any case."""
    return Scenario(Row(fault, f"400 `{code}`", f"400 `{code}`", ONE, FINAL), by(harm or refused(code)))


def harmless(fault: str, play: Play, at_most: str) -> Scenario:
    """Expect the value in any case."""
    return Scenario(Row(fault, "200", "200", at_most, "at once"), play)


def by(harm: Fault) -> Play:
    """Play one of the faults that a request or a connection meets."""
    return partial(Trial, fault=harm)


def in_vain(harm: Fault) -> Play:
    """Play a fault that is waited out to the end of all patience."""
    return partial(Trial, fault=harm, settings=QUICK)


def refused(code: str, **headers: str) -> Fault:
    """Refuse with a code of AWS's."""
    return faults.said("400 Bad Request", code, **headers)


THROTTLED, BROKEN, LATE = (429, "ThrottlingException"), (502, "ConnectionError"), (504, "TimeoutError")
KEY = CREDENTIALS["AWS_ACCESS_KEY_ID"]
INTERNAL, UNAVAILABLE = "InternalServiceError", "ServiceUnavailable"
SCENARIOS = (
    harmless("answers late", by(faults.late(0.05)), ATTEMPT),
    passing("throttles, with `Retry-After`", in_vain(refused("ThrottlingException", Retry_After="1")), *THROTTLED),
    passing("throttles, without `Retry-After`", by(refused("ThrottlingException")), *THROTTLED),
    passing("answers 500", by(faults.said("500 Internal Server Error", INTERNAL)), 502, INTERNAL),
    passing("answers 503", by(faults.said("503 Service Unavailable", UNAVAILABLE)), 502, UNAVAILABLE),
    passing("hangs before its answer", in_vain(Fault(faults.silence)), *LATE),
    passing("hangs in the middle of its answer", in_vain(faults.after(faults.head, faults.silence)), *LATE),
    passing("drips its answer byte by byte", in_vain(faults.dripping(0.1)), *LATE),
    passing("resets the connection", by(Fault(faults.reset)), *BROKEN),
    passing("ends the connection in its answer", by(faults.after(faults.most, faults.hang_up)), *BROKEN),
    passing("names a length too large", by(faults.after(faults.relabelled(+9), faults.hang_up)), *BROKEN),
    passing("names a length too small", by(faults.after(faults.relabelled(-9), faults.hang_up)), *BROKEN),
    passing("sends what is no JSON", by(faults.said_bytes(b"<html>sample</html>")), *BROKEN),
    passing("speaks no TLS", by(Fault(accept=faults.no_tls)), *BROKEN),
    passing("has an expired certificate", BadCertificate, *BROKEN),
    passing("refuses connections", CutOff, *BROKEN),
    passing("has a name that is not resolved", Nameless, *BROKEN),
    harmless("our clock is wrong by hours", WrongClock, ONE_MORE),
    harmless("our credentials expire, and the endpoint has others", Renewed, TWO_MORE),
    final("our credentials expire, and there are no others", "ExpiredTokenException", faults.refusing(KEY)),
    final("denies the secret", "AccessDeniedException"),
    final("knows no such secret", "ResourceNotFoundException"),
)  # fmt: skip
EVERY = pytest.mark.parametrize("expected", [scenario.row for scenario in SCENARIOS], ids=lambda row: row.fault)


@pytest.fixture(scope="module")
def outcomes(aws: SampleAws, authority: Authority, new_secret: Callable[[], str]) -> dict[str, Outcome]:
    """Play all scenarios, side by side."""

    def play(scenario: Scenario) -> Outcome:
        return scenario.play(aws, authority).run(new_secret(), new_secret())

    with ThreadPoolExecutor(8) as threads:
        return dict(zip([scenario.row.fault for scenario in SCENARIOS], threads.map(play, SCENARIOS), strict=True))


def seen_row(expected: Row, outcome: Outcome) -> Row:
    """Return the line with what was seen in the place of what was expected."""
    cold, expired = map(shown, outcome.ill)
    return expected._replace(nothing_cached=cold, expired_value_cached=expired)


@EVERY
def test_a_function_sees_what_the_table_says(outcomes: dict[str, Outcome], expected: Row) -> None:
    """A value, a marked stale one, or an error with its reason; never a hanging request."""
    assert seen_row(expected, outcomes[expected.fault]) == expected


@EVERY
def test_it_passes_by_itself(outcomes: dict[str, Outcome], expected: Row) -> None:
    """When the fault is over, reads bring values again, with nobody doing anything."""
    assert [shown(seen) for seen in outcomes[expected.fault].healed] == ["200", "200"]


@EVERY
def test_it_takes_no_longer_than_its_bound(outcomes: dict[str, Outcome], expected: Row) -> None:
    """The settings bound every wait."""
    assert outcomes[expected.fault].seconds <= BOUNDS_MS[expected.at_most] / 1000 + SLACK_SECONDS


def test_the_document_says_what_was_seen(outcomes: dict[str, Outcome]) -> None:
    """README's table is made of what this suite saw; where the document differs, it is written anew."""
    seen = [seen_row(each.row, outcomes[each.row.fault]) for each in SCENARIOS]
    assert seen == [each.row for each in SCENARIOS]
    text = json.dumps([row._asdict() for row in seen], indent=2) + "\n"
    written = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    DOCUMENT.write_text(text)

    assert written == text
