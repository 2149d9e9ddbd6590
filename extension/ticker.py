"""The ticker: calls what is due once in a while, where nothing freezes and nobody invokes."""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 1.0


def start(
    tick: Callable[[], object],
    report: Callable[[str, str], None],
    seconds: float = SECONDS,
    start_thread: Callable[[Callable[[], None], tuple[()]], object] = start_new_thread,
) -> Callable[[], None]:
    """Call `tick` every `seconds` in a thread of its own; return what ends that."""
    latch = allocate_lock()
    latch.acquire()

    def run() -> None:
        while not latch.acquire(True, seconds):
            try:
                tick()
            except Exception as error:  # noqa: BLE001 (the next tick may do better)
                report("error", f"a timer failed: {type(error).__name__}")

    try:
        start_thread(run, ())
    except RuntimeError:
        report("error", "no thread could be had for the timers: values are refreshed when they are read")
    return latch.release
