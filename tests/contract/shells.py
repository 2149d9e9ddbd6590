"""The two HTTP shells, to be started over any application and spoken to at an address.

`SHELLS` names them; `started(name, application, …)` runs one on a thread of its own. Whatever serves at an address,
be it a process of its own, can be put through `tests/contract/cases.py` in the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from _socket import AF_INET, SOCK_STREAM, socket
from threading import Thread
from typing import TYPE_CHECKING, Any

from extension.back.server import Back
from extension.front.loop import Front
from extension.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extension.core.wire import Application
    from tests.contract.client import Address

SHELLS = ("front", "back", "back-debug")


class Running:
    """A shell at work; `reports` gathers what it had to say."""

    def __init__(self, name: str, application: Application, *, listener: socket | None = None, **settings: Any) -> None:
        listener = listening(socket(AF_INET, SOCK_STREAM, 0), ("127.0.0.1", 0)) if listener is None else listener
        self.address: Address = listener.getsockname()
        self.reports: list[str] = []
        self.memo = Memo()
        settings = {"memo": self.memo, "clock": time.time, "report": self.reports.append, **settings}
        self._shell = make_shell(name, listener, application, settings)
        self._thread = Thread(target=self._shell.run)
        self._thread.start()

    def stop(self, grace_seconds: float) -> None:
        """Ask it to end; `join` waits for that."""
        self._shell.stop(grace_seconds)

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()


def listening(listener: socket, address: Any) -> socket:
    """Bind a socket and listen on it."""
    listener.bind(address)
    listener.listen(128)
    return listener


def make_shell(name: str, listener: socket, application: Application, settings: dict[str, Any]) -> Front | Back:
    """Make the shell of this name."""
    makers: dict[str, Callable[[], Front | Back]] = {
        "front": lambda: Front([listener], application, monotonic=time.monotonic, **settings),
        "back": lambda: Back([listener], application, **settings),
        "back-debug": lambda: Back([listener], application, loop_factory=debugging_loop, **settings),
    }
    return makers[name]()


def debugging_loop() -> asyncio.AbstractEventLoop:
    """Make asyncio's own loop, with its checks on."""
    loop = asyncio.SelectorEventLoop()
    loop.set_debug(True)
    loop.slow_callback_duration = 60.0
    return loop


@contextlib.contextmanager
def started(name: str, application: Application, **settings: Any) -> Iterator[Running]:
    """Run a shell for the time of a `with`."""
    running = Running(name, application, **settings)
    try:
        yield running
    finally:
        running.stop(0.0)
        running.join()
