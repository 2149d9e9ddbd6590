"""Standalone: the same sidecar without Lambda, until SIGTERM or SIGINT drain it."""

from __future__ import annotations

import _signal

from extension.assembly import assemble
from extension.core.errors import SettingsError
from extension.lifecycle import DRAIN_SECONDS, Serving, collect_garbage_again, tick
from extension.report import Log
from extension.ticker import start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

    from extension.core.errors import SidekeyError
    from extension.world import World

INVALID_SETTINGS = 2
"""Exit status when nothing can be served."""


def stand_alone(world: World, listeners: list[socket], taken: SidekeyError | None) -> int:
    """Serve until a signal comes; return the exit status."""
    signals = {_signal.SIGTERM, _signal.SIGINT}
    _signal.pthread_sigmask(_signal.SIG_BLOCK, signals)
    if taken is not None:
        Log().error(taken.message)
        return INVALID_SETTINGS
    try:
        sidecar = assemble(world)
    except SettingsError as error:
        for problem in error.problems:
            Log().error(problem)
        return INVALID_SETTINGS
    for problem in sidecar.problems:
        sidecar.log.error(problem)
    sidecar.log.report("info", f"serving on 127.0.0.1:{listeners[0].getsockname()[1]}")
    sidecar.prefetch.start()
    serving = Serving(sidecar, listeners, world, "standalone")
    stop_ticking = start(lambda: tick(sidecar, world), sidecar.log.report)
    collect_garbage_again()
    _signal.sigwait(signals)
    sidecar.store.stop()
    stop_ticking()
    serving.drain(DRAIN_SECONDS)
    return 0
