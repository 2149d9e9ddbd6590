"""How long to wait before trying again.

Law: full jitter (AWS's name for it), so that ten thousand environments that failed together do not come back together:
the wait is anywhere between nothing and a bound that doubles. Pure; `chance` is a number in [0, 1).
"""

from __future__ import annotations

BASE_SECONDS = 0.5
CAP_SECONDS = 8.0


def backoff_seconds(attempt: int, chance: float, retry_after_seconds: float | None = None) -> float:
    """Return the wait after `attempt` failed attempts; the service's own word counts, with some jitter on top."""
    if retry_after_seconds is not None:
        return max(0.0, retry_after_seconds) + BASE_SECONDS * chance
    return min(CAP_SECONDS, BASE_SECONDS * 2.0 ** (attempt - 1)) * chance
