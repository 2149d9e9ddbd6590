"""The loop: it wakes for a reason only, and outlives its own faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extension.memo import Memo
from tests.contract.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.memo import Ready
    from tests.contract.fakes import FakeApplication
    from tests.contract.shells import Running


class FailingMemo(Memo):
    """A memo that fails once: a fault of our own on the hot path."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = [KeyError("s3cret")]

    def recall(self, request: bytes, now: float) -> Ready | None:
        """Fail, once."""
        if self.failures:
            raise self.failures.pop()
        return super().recall(request, now)


def front_of(shell: Running) -> Any:
    """Reach into the running shell."""
    return shell._shell


def test_survives_a_fault_of_its_own(start: Callable[..., Running]) -> None:
    """The client it hit is parted with, the place is reported, the others are served."""
    shell = start(memo=FailingMemo())
    with Client(shell.address) as hit, Client(shell.address) as other:
        assert hit.get("/ping").rest() == b""
        assert other.get("/ping").reply().status == 200
    [report] = shell.reports
    assert "KeyError at " in report
    assert "s3cret" not in report


class ForgetfulClock:
    """A clock that has no memory when it is asked to."""

    def __init__(self) -> None:
        self.faults: list[Exception] = []

    def __call__(self) -> float:
        """Return the time, or fail."""
        if self.faults:
            raise self.faults.pop()
        return 1_800_000_000.0


def test_a_turn_without_memory_costs_no_more_than_the_memo(start: Callable[..., Running]) -> None:
    """What can be done without is given back, and the next turn does the work."""
    clock = ForgetfulClock()
    shell = start(clock=clock)
    with Client(shell.address) as client:
        assert client.get("/leased").reply().status == 200
        assert len(shell.memo) == 1
        clock.faults.append(MemoryError())
        assert client.get("/ping").reply().status == 200
        assert len(shell.memo) == 0


def test_a_fault_with_the_first_read_costs_its_client_only(start: Callable[..., Running]) -> None:
    """Also where the fault comes while the client is being let in, its descriptor is closed."""
    shell = start(memo=FailingMemo())
    with Client(shell.address) as hit:
        assert hit.get("/ping").rest() == b""
    with Client(shell.address) as other:
        assert other.get("/ping").reply().status == 200
        assert front_of(shell).client_count == 1


def test_waits_for_ever_once_nothing_is_begun(start: Callable[..., Running]) -> None:
    """A begun head sets a deadline; when it is whole there is none, and no timer wakes a frozen environment."""
    shell = start()
    with Client(shell.address) as client:
        client.send(b"GET /ping HTTP/1.1\r\n", b"Host: a\r\n\r\n")
        assert client.reply().status == 200
        assert front_of(shell).deadlines.patience() == -1


def test_a_closed_client_leaves_nothing(start: Callable[..., Running], application: FakeApplication) -> None:
    """No seat, no handler, no deadline."""
    shell = start()
    with Client(shell.address) as gone:
        gone.send(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\nGET").reply()
    with Client(shell.address) as other:
        assert other.get("/ping").reply().status == 200
        assert other.get("/ping").reply().status == 200
        front = front_of(shell)
        assert front.client_count == len(front._handlers) - 2
        assert front.deadlines.patience() == -1


def test_an_event_without_substance_does_no_harm(start: Callable[..., Running], application: FakeApplication) -> None:
    """An event may be meant for a descriptor's former owner: the socket is asked, not the event believed."""
    shell = start()
    with Client(shell.address) as idle, Client(shell.address) as waiting:
        assert idle.get("/ping").reply().status == 200
        waiting.get("/later")
        deliver = application.later.get(timeout=20)
        front = front_of(shell)
        front.inbox.put(lambda now: [front._handlers[fd](now) for fd in list(front._clients)])
        assert idle.get("/ping").reply().status == 200
        deliver(application._at_once("/ping", None))  # type: ignore[arg-type]
        assert waiting.reply().status == 200
