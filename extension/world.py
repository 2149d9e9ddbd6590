"""The world: what `__main__` alone reads, handed down to all that need it."""

from __future__ import annotations

from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class World(Record):
    """Environment, clocks and chance. `clock` gives epoch seconds, `chance` a number in [0, 1).

    `give_way` lets another thread that is ready have the CPU.
    """

    environment: Mapping[str, str]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    chance: Callable[[], float]
    wait: Callable[[float], None]
    give_way: Callable[[], object] = lambda: None
    name: str = "sidekey"
