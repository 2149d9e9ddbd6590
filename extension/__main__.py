"""The entry point: reads the environment, the clocks and chance, hands them down, and exits; nobody else does.

From here on `posix`, the C module, stands in for `os`, which is written in Python and costs 1.5 ms of a cold start.
"""

from __future__ import annotations

import gc
import posix
import sys
import time

from extension.lifecycle import run
from extension.world import World

STDERR = 2
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the others waiting: with Python's own 5 ms a hit waits for a whole refresh, and the first
secret of a prefetch for the handshakes of the others."""


def _chance() -> float:
    """Return a number in [0, 1) that owes nothing to any state of ours (snapshots are cloned)."""
    return int.from_bytes(posix.urandom(4)) / 2**32


def _environment() -> dict[str, str]:
    """Return the environment as `os.environ` would."""
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in posix.environ.items()
    }


def _hold_standard_streams() -> None:
    """Take the place of a closed standard stream: our first sockets would, and the log would go into one of them."""
    while (descriptor := posix.open("/", posix.O_RDONLY)) <= STDERR:
        pass
    posix.close(descriptor)


def main() -> None:
    """Run until the host ends us. `sys.argv[1]`, if given, is the name to register by: the extension file's own."""
    gc.disable()
    _hold_standard_streams()
    sys.setswitchinterval(SWITCH_SECONDS)
    world = World(
        environment=_environment(),
        clock=time.time,
        monotonic=time.monotonic,
        chance=_chance,
        wait=time.sleep,
        give_way=posix.sched_yield,
        name=sys.argv[1] if len(sys.argv) > 1 else "sidekey",
    )
    # Workers may wait for an answer that nobody needs any more: leave without asking them.
    posix._exit(run(world))  # noqa: SLF001 - public as os._exit


if __name__ == "__main__":
    main()
