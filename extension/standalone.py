"""Standalone: the same sidecar without Lambda, until SIGTERM or SIGINT drain it."""

from __future__ import annotations

import _signal
from _thread import get_ident

from extension.assembly import assemble
from extension.core.errors import SettingsError
from extension.lifecycle import DRAIN_SECONDS, Serving, collect_garbage_again, tick
from extension.report import Log
from extension.ticker import start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

    from extension.assembly import Sidecar
    from extension.core.errors import SidekeyError
    from extension.world import World

FAILED, INVALID_SETTINGS = 1, 2
"""Exit status when the server has failed, and when nothing can be served."""


def forbid_core_dumps() -> None:
    """See to it that no crash writes every secret to disk (in the layer the launcher has done it)."""
    from resource import RLIMIT_CORE, setrlimit

    setrlimit(RLIMIT_CORE, (0, 0))


def stand_alone(world: World, listeners: list[socket], taken: SidekeyError | None) -> int:
    """Serve until a signal comes; return the exit status."""
    forbid_core_dumps()
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
    return _serve(sidecar, listeners, world, signals)


def _serve(sidecar: Sidecar, listeners: list[socket], world: World, signals: set[int]) -> int:
    """Serve until one of the blocked `signals` comes, or the server fails."""
    waiting, failures = get_ident(), []

    def give_up() -> None:
        failures.append(1)
        _signal.pthread_kill(waiting, _signal.SIGTERM)

    sidecar.prefetch.start()
    try:
        serving = Serving(sidecar, listeners, world, "standalone", give_up)
    except Exception as error:  # noqa: BLE001 (no aiohttp, no memory, no thread: said in a sentence)
        sidecar.log.report("error", f"the server could not be started: {type(error).__name__}")
        return FAILED
    stop_ticking = start(lambda: tick(sidecar, world), sidecar.log.report)
    collect_garbage_again()
    _signal.sigwait(signals)
    sidecar.store.stop()
    stop_ticking()
    serving.drain(DRAIN_SECONDS)
    return FAILED if failures else 0
