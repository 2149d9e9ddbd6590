"""How either shell ends: what is owed is answered as far as the grace allows, and nothing is left behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from extension.core.wire import Response
from tests.contract.client import Client

if TYPE_CHECKING:
    from tests.contract.fakes import FakeApplication
    from tests.contract.shells import Running

LONG_SECONDS = 3600.0


def test_what_is_owed_is_answered_first(shell: Running, application: FakeApplication) -> None:
    """A pending answer is waited for, and says that the connection ends with it; idle clients go at once."""
    with Client(shell.address) as waiting, Client(shell.address) as idle:
        assert idle.get("/ping").reply().status == 200
        waiting.get("/later")
        deliver = application.later.get(timeout=20)
        shell.stop(LONG_SECONDS)
        assert idle.rest() == b""
        deliver(Response(200, b"late"))
        reply = waiting.reply()
        assert (reply.body, reply.headers["Connection"]) == (b"late", "close")
        assert waiting.rest() == b""
        shell.join()


def test_what_cannot_be_finished_is_refused(shell: Running, application: FakeApplication) -> None:
    """When the grace is over, the client hears that we are going; a delivery after that finds nobody."""
    with Client(shell.address) as waiting:
        waiting.get("/later")
        deliver = application.later.get(timeout=20)
        shell.stop(0.01)
        reply = waiting.reply()
        assert reply.status == 503
        assert json.loads(reply.body)["__type"] == "ShuttingDown"
        assert waiting.rest() == b""
        shell.join()
    deliver(Response(200, b"late"))
    assert shell.reports == []


def test_nobody_new_comes_in(shell: Running) -> None:
    """The port is free again."""
    shell.stop(0.0)
    shell.join()
    with pytest.raises(ConnectionRefusedError):
        Client(shell.address)


def test_nothing_is_remembered_after_the_end(shell: Running) -> None:
    """Ready bytes hold secrets."""
    with Client(shell.address) as client:
        assert client.get("/leased").reply().status == 200
        assert len(shell.memo) == 1
        shell.stop(0.0)
        shell.join()
    assert len(shell.memo) == 0


def test_stopping_twice_is_stopping(shell: Running) -> None:
    """Whoever asks again is too late to matter."""
    shell.stop(LONG_SECONDS)
    shell.stop(0.0)
    shell.join()
    shell.stop(0.0)
