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


def test_where_no_thread_can_be_had_there_are_no_timers():
    """That is said, and ends nothing."""
    reports: list[tuple[str, str]] = []

    def out_of_threads(*_arguments: object) -> None:
        raise RuntimeError

    stop = ticker.start(lambda: None, lambda *said: reports.append(said), start_thread=out_of_threads)
    stop()

    assert reports == [("error", "no thread could be had for the timers: values are refreshed when they are read")]
