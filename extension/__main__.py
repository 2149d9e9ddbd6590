"""The entry point: reads the environment, the clocks and chance, hands them down, and exits; nobody else does."""

from __future__ import annotations

import gc
import os
import sys
import time

from extension.lifecycle import run
from extension.world import World


def _chance() -> float:
    """Return a number in [0, 1) that owes nothing to any state of ours (snapshots are cloned)."""
    return int.from_bytes(os.urandom(4)) / 2**32


def main() -> None:
    """Run until the host ends us. `sys.argv[1]`, if given, is the name to register by: the extension file's own."""
    gc.disable()
    world = World(
        environment=dict(os.environ),
        clock=time.time,
        monotonic=time.monotonic,
        chance=_chance,
        wait=time.sleep,
        name=sys.argv[1] if len(sys.argv) > 1 else "sidekey",
    )
    # Workers may wait for an answer that nobody needs any more: leave without asking them.
    os._exit(run(world))


if __name__ == "__main__":
    main()
