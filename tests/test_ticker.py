"""The ticker."""

from __future__ import annotations

from queue import Queue

from extension import ticker


def test_ticks_until_it_is_stopped_and_survives_a_failing_tick():
    """A tick that fails is reported by its type alone, and the next one comes."""
    ticks: Queue[int] = Queue()
    reports: Queue[tuple[str, str]] = Queue()

    def tick() -> None:
        ticks.put(1)
        raise ValueError("planted-value")

    stop = ticker.start(tick, lambda *said: reports.put(said), seconds=0.001)
    first, second = reports.get(timeout=10), reports.get(timeout=10)
    stop()

    assert ticks.qsize() >= 2
    assert first == second == ("error", "a timer failed: ValueError")
