"""New connections are dialled in turn; nobody dials who need not, and nobody waits for long."""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

from extension.upstream.connection import Dialer, Limits
from extension.upstream.http1 import request_bytes
from extension.upstream.tls import Trust
from extension.upstream.transport import Transport
from tests.servers.clock import Clock
from tests.servers.scripted import ScriptedServer, Wire, reply

if TYPE_CHECKING:
    from extension.upstream.bound import Bound
    from extension.upstream.connection import Connection
    from extension.upstream.origin import Origin

POST = request_bytes("POST", "/", [("Host", "localhost")], b"{}")
YES = reply(b"yes")
PATIENCE = 10.0


class SlowDialer(Dialer):
    """Says when it dials, and dials when it is let."""

    def __init__(self) -> None:
        super().__init__(Trust(), Limits(read_seconds=PATIENCE))
        self.dialling: SimpleQueue[threading.Event] = SimpleQueue()

    def open(self, origin: Origin, bound: Bound) -> Connection:
        """Wait to be let."""
        go_on = threading.Event()
        self.dialling.put(go_on)
        assert go_on.wait(PATIENCE)
        return super().open(origin, bound)


class TellingClock(Clock):
    """Counts the askers by the prefix of their threads' names; each call asks for the third time to wait for a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(0))

    def __call__(self) -> float:
        """Tell the time."""
        self.asked[threading.current_thread().name.partition("_")[0]].release()
        return super().__call__()


def test_who_waits_for_a_turn_takes_what_has_become_free() -> None:
    """A third caller waits behind the first one's dial; meanwhile the second's connection becomes free, and is used."""
    dialer, clock, asked, may_answer = SlowDialer(), TellingClock(), threading.Event(), threading.Event()

    def answer_late(wire: Wire) -> None:
        asked.set()
        assert may_answer.wait(PATIENCE)
        wire.socket.sendall(YES)

    transport = Transport(dialer, wall=Clock(), monotonic=clock, turn_seconds=PATIENCE)
    third_thread = ThreadPoolExecutor(1, thread_name_prefix="third")
    with ScriptedServer([answer_late, YES]) as server, ThreadPoolExecutor(2) as threads, third_thread:
        first = threads.submit(transport.send, server.origin, POST, attempt_seconds=PATIENCE)
        first_dial = dialer.dialling.get(timeout=PATIENCE)
        second = threads.submit(transport.send, server.origin, POST, attempt_seconds=PATIENCE)
        dialer.dialling.get(timeout=PATIENCE).set()
        assert asked.wait(PATIENCE)
        third = third_thread.submit(transport.send, server.origin, POST, attempt_seconds=PATIENCE)
        assert [clock.asked["third"].acquire(timeout=PATIENCE) for _ in range(3)] == [True] * 3
        may_answer.set()
        second.result(PATIENCE)
        first_dial.set()

        assert [first.result(PATIENCE).body, third.result(PATIENCE).body] == [b"yes", b"yes"]
        assert server.connections == 2
        transport.close()


def test_nobody_waits_long_for_a_turn() -> None:
    """With both turns taken by dials that do not come through, others dial all the same."""
    dialer = SlowDialer()
    transport = Transport(dialer, wall=Clock(), monotonic=Clock(), turn_seconds=0.01)
    with ScriptedServer([YES]) as server, ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(transport.send, server.origin, POST, attempt_seconds=PATIENCE) for _ in range(3)]
        dials = [dialer.dialling.get(timeout=PATIENCE) for _ in range(3)]
        for dial in dials:
            dial.set()

        assert [call.result(PATIENCE).body for call in calls] == [b"yes"] * 3
        transport.close()
