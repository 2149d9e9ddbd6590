"""The server's thread: what happens when it ends by itself."""

from __future__ import annotations

import time
from queue import Queue
from typing import Any

import pytest

from extension.assembly import assemble
from extension.lifecycle import Serving
from extension.listen import bind
from extension.world import World
from tests.contract.client import Client


class Failing:
    """A clock that fails when it is told to."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    def __call__(self) -> float:
        """Return the time, or fail."""
        if self.failure is not None:
            raise self.failure
        return time.time()


def test_a_server_that_fails_leaves_nobody_waiting(capfd: pytest.CaptureFixture[str]) -> None:
    """Who is connected hears the end, who comes now is refused, and whoever owns the server is told."""
    clock, told = Failing(), Queue[Any]()
    world = World(
        environment={"AWS_SESSION_TOKEN": "planted", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        clock=clock,
        monotonic=time.monotonic,
        chance=lambda: 0.0,
        wait=lambda _seconds: None,
    )
    listeners = bind(0)
    address = listeners[0].getsockname()
    serving = Serving(assemble(world), listeners, world, "on-demand", lambda: told.put(None))

    with Client(address) as client:
        assert client.get("/ping").reply().body == b"healthy"
        clock.failure = KeyError("planted")
        assert client.get("/ping").rest() == b""
    told.get(timeout=20)
    serving.drain(1.0)

    with pytest.raises(ConnectionRefusedError):
        Client(address)
    assert capfd.readouterr().err == "[sidekey] error: the server failed, nothing is answered any more: KeyError\n"
