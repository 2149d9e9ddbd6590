"""What Sidekey says of itself: everything but the values."""

from __future__ import annotations

import json
import re

from extension.core import status
from extension.core.answer import Counters
from extension.core.cache import Cache
from extension.core.errors import Unavailable
from extension.core.shelf import Fetched, Shelf
from tests.samples import NOW, PLANTED, entry, parameter, parameter_query, secret, secret_arn, secret_query, times


def filled() -> tuple[Cache, Counters]:
    """Return a cache with a secret that was used and has failed, and a parameter; and some counts."""
    cache, counters = Cache(7), Counters()
    used = entry(fetched_at=NOW - 20)
    used.hits, used.past_hits, used.failure = 2, 3, Unavailable("secretsmanager://prod/db: down")
    cache.put(used, (secret_query(secret_arn()),))
    cache.put(entry(parameter_query(selector=":2"), parameter(version=2)), ())
    counters.misses, counters.stale, counters.fetches, counters.failures = 4, 5, 6, 7
    return cache, counters


def report(in_flight: int = 0) -> status.Report:
    """Return a report on `filled`."""
    return status.gather(*filled(), in_flight)


def test_status_shows_every_entry() -> None:
    """Reference, names, version, times, use and the last error."""
    shown = json.loads(status.as_json(report(2), ["ssm:///x (under way)"], NOW).body)
    entries = shown.pop("entries")
    assert shown == {"ready": False, "missing": ["ssm:///x (under way)"], "inFlight": 2, "cacheSize": 7}
    assert entries[0] == {
        "reference": "secretsmanager://prod/db",
        "names": ["secretsmanager://" + secret_arn(), "secretsmanager://prod/db"],
        "regions": ["eu-west-1"],
        "version": "v1",
        "fetchedAt": "2027-01-15T07:59:40.000Z",
        "ageSeconds": 20.0,
        "dueAt": "2027-01-15T08:01:00.000Z",
        "expiresAt": "2027-01-15T08:01:20.000Z",
        "hits": 5,
        "lastError": {"__type": "InternalServiceError", "message": "secretsmanager://prod/db: down"},
    }
    assert (entries[1]["reference"], entries[1]["version"], entries[1]["lastError"]) == ("ssm:///app/key:2", "2", None)


def test_status_is_ready_when_nothing_is_missing() -> None:
    """As `/ready` says."""
    assert json.loads(status.as_json(report(), [], NOW).body)["ready"] is True


def test_metrics_are_what_prometheus_reads() -> None:
    """HELP, TYPE and one number for each."""
    response = status.as_prometheus(report(1), NOW)
    lines = response.body.decode().splitlines()
    samples = dict(line.split(" ") for line in lines if not line.startswith("#"))
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert samples == {
        "sidekey_hits_total": "5",
        "sidekey_misses_total": "4",
        "sidekey_stale_total": "5",
        "sidekey_fetches_total": "6",
        "sidekey_fetch_failures_total": "7",
        "sidekey_entries": "2",
        "sidekey_in_flight": "1",
        "sidekey_oldest_age_seconds": "20.0",
    }
    assert all(re.fullmatch(r"# (HELP|TYPE) sidekey_\w+ .+", line) for line in lines if line.startswith("#"))
    assert [line.split(" ")[1] for line in lines[:2]] == ["HELP", "TYPE"]


def test_an_empty_cache_has_metrics() -> None:
    """No entry, no age."""
    response = status.as_prometheus(status.gather(Cache(1), Counters(), 0), NOW)
    assert b"sidekey_oldest_age_seconds 0.0\n" in response.body


def test_nothing_shows_a_value() -> None:
    """Neither `/status`, `/metrics` nor the report's repr, for entries that came the usual way."""
    shelf = Shelf(Cache(5), lambda _query: times(), lambda: 0.5, 5)  # type: ignore[arg-type,return-value]
    one = entry(secret_query(), secret())
    shelf.cache.put(one, ())
    told = status.gather(shelf.cache, Counters(), 0)
    fetched = Fetched(value=secret())
    text = f"{status.as_json(told, [], NOW).body!r}{status.as_prometheus(told, NOW).body!r}{told!r}{fetched!r}{one!r}"
    assert PLANTED not in text
