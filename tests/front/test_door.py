"""The door when descriptors run short: nobody spins, nobody dies, everybody is served in the end."""

from __future__ import annotations

from _socket import AF_INET, SOCK_STREAM, socket
from errno import ECONNABORTED, EMFILE
from typing import TYPE_CHECKING

from tests.contract.client import Client
from tests.contract.shells import listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.shells import Running


class FailingListener(socket):
    """A listener whose accept fails with these errors first."""

    def __init__(self, *errors: int) -> None:
        super().__init__(AF_INET, SOCK_STREAM, 0)
        self.errors = list(errors)
        self.accepts = 0

    def _accept(self) -> tuple[int, object]:
        """Fail as long as there are errors left."""
        self.accepts += 1
        if self.errors:
            raise OSError(self.errors.pop(), "as asked")
        return super()._accept()  # type: ignore[misc,no-any-return]


def test_the_idle_give_way_to_a_newcomer(start: Callable[..., Running]) -> None:
    """Where a descriptor is missing, that of the longest idle client is taken."""
    listener = FailingListener()
    shell = start(listener=listening(listener, ("127.0.0.1", 0)))
    with Client(shell.address) as idle:
        assert idle.get("/ping").reply().status == 200
        listener.errors.append(EMFILE)
        with Client(shell.address) as newcomer:
            assert newcomer.get("/ping").reply().status == 200
            assert idle.rest() == b""


def test_the_door_stays_shut_for_a_moment(start: Callable[..., Running]) -> None:
    """With nobody to give way, callers wait in the accept queue, the loop does not spin, and then they are served."""
    listener = FailingListener(EMFILE, EMFILE)
    shell = start(listener=listening(listener, ("127.0.0.1", 0)))
    with Client(shell.address) as client:
        assert client.get("/ping").reply().status == 200
    assert listener.accepts == 3
    assert shell.reports == []


def test_a_client_gone_before_it_was_accepted_is_no_trouble(start: Callable[..., Running]) -> None:
    """The next one is accepted."""
    shell = start(listener=listening(FailingListener(ECONNABORTED), ("127.0.0.1", 0)))
    with Client(shell.address) as client:
        assert client.get("/ping").reply().status == 200
    assert shell.reports == []
