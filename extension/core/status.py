"""What Sidekey says of itself: `/status` for people, `/metrics` for Prometheus. Loaded when first asked for.

Law: references, times, counts and error codes; never a value.
"""

from __future__ import annotations

from extension.core.dialect import JSON
from extension.core.instant import rfc3339
from extension.core.jsontext import dumps
from extension.core.record import Record
from extension.core.wire import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from extension.core.answer import Counters
    from extension.core.cache import Cache, Entry

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Report(Record):
    """The state at one moment."""

    entries: tuple[Entry, ...]
    limit: int
    counters: Counters
    in_flight: int


def gather(cache: Cache, counters: Counters, in_flight: int) -> Report:
    """Return what there is to say."""
    return Report(entries=tuple(cache), limit=cache.limit, counters=counters, in_flight=in_flight)


def as_json(report: Report, missing: list[str], now: float) -> Response:
    """Return `/status`: every entry by its reference."""
    body = {
        "ready": not missing,
        "missing": missing,
        "inFlight": report.in_flight,
        "cacheSize": report.limit,
        "entries": [_entry(entry, now) for entry in report.entries],
    }
    return Response(200, dumps(body), content_type=JSON)


def _entry(entry: Entry, now: float) -> dict[str, Any]:
    return {
        "reference": entry.asked.label,
        "names": sorted({name.label for name in entry.names}),
        "regions": list(entry.asked.regions),
        "version": entry.version,
        "fetchedAt": rfc3339(entry.times.fetched_at),
        "ageSeconds": round(now - entry.times.fetched_at, 3),
        "dueAt": rfc3339(entry.times.due_at),
        "expiresAt": rfc3339(entry.times.expires_at),
        "hits": entry.hits + entry.past_hits,
        "lastError": None
        if entry.failure is None
        else {"__type": entry.failure.code, "message": entry.failure.message},
    }


_METRICS = (
    ("hits_total", "counter", "Reads answered from the cache."),
    ("misses_total", "counter", "Reads that waited for a fetch."),
    ("stale_total", "counter", "Reads answered with a value past its TTL."),
    ("fetches_total", "counter", "Calls to the services (each with its attempts)."),
    ("fetch_failures_total", "counter", "References that a call did not bring."),
    ("entries", "gauge", "Values in the cache."),
    ("in_flight", "gauge", "Fetches under way."),
    ("oldest_age_seconds", "gauge", "Age of the oldest value in the cache."),
)


def as_prometheus(report: Report, now: float) -> Response:
    """Return `/metrics`."""
    counters = report.counters
    values = (
        sum(entry.hits + entry.past_hits for entry in report.entries),
        counters.misses,
        counters.stale,
        counters.fetches,
        counters.failures,
        len(report.entries),
        report.in_flight,
        round(max((now - entry.times.fetched_at for entry in report.entries), default=0.0), 3),
    )
    lines = [
        f"# HELP sidekey_{name} {about}\n# TYPE sidekey_{name} {kind}\nsidekey_{name} {value}\n"
        for (name, kind, about), value in zip(_METRICS, values, strict=True)
    ]
    return Response(200, "".join(lines).encode(), content_type=PROMETHEUS)
