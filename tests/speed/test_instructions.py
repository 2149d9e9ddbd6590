"""How many instructions a start and an answer cost: what no busy machine can blur.

The measure is a bare start of the same interpreter, for builds differ. The limits stand about a tenth above what was
counted; whoever makes the code faster may lower them, and who must raise one says why in the commit. The limit of a
whole start has room for a third handshake: how many connections are dialled is a matter of timing, and a busy machine
has made three (3.6 with two, 4.6 seen with three).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.speed.start import LEAN, TOKEN, bare, counting, instructions, until_next, until_register

if TYPE_CHECKING:
    from tests.servers.authority import Authority
    from tests.servers.scripted import ScriptedServer

MOST_FOR_REGISTER = 1.1
MOST_FOR_NEXT = 4.9
MOST_FOR_1000_HITS = 0.54
MOST_FOR_1000_SHAPES = 5.8
HIT = f"GET /value?ref=secretsmanager://one HTTP/1.1\r\nHost: localhost\r\nX-Aws-Parameters-Secrets-Token: {TOKEN}\r\n"
pytestmark = pytest.mark.timeout(120)


@cache
def measure() -> int:
    """Return the instructions of a bare start."""
    return bare()


def hit(shape: int = 0) -> bytes:
    """Return a request for what was prefetched; a shape that was not seen before is not in the memo."""
    return f"{HIT}X-Shape: {shape}\r\n\r\n".encode()


@pytest.fixture(scope="module")
def idle(boot: str, aws: ScriptedServer, authority: Authority) -> int:
    """Return the instructions until `next`, with one read behind it."""
    return instructions(until_next([*counting(), *LEAN, boot, "sidekey"], aws, authority, [hit()]))


def test_until_register(boot: str) -> None:
    """What the function waits for: little more than the interpreter itself."""
    counted = instructions(until_register([*counting(), *LEAN, boot, "sidekey"]))

    assert counted / measure() <= MOST_FOR_REGISTER


def test_until_next(idle: int) -> None:
    """A whole start, with a prefetch of three over TLS."""
    assert idle / measure() <= MOST_FOR_NEXT


def test_hits(idle: int, boot: str, aws: ScriptedServer, authority: Authority) -> None:
    """Reads from the memo."""
    requests = [hit()] * 1001
    counted = instructions(until_next([*counting(), *LEAN, boot, "sidekey"], aws, authority, requests))

    assert (counted - idle) / measure() <= MOST_FOR_1000_HITS


def test_hits_of_new_shapes(idle: int, boot: str, aws: ScriptedServer, authority: Authority) -> None:
    """Reads from the cache whose bytes were not seen before: parsed, checked, routed and written anew."""
    requests = [hit(number) for number in range(1001)]
    counted = instructions(until_next([*counting(), *LEAN, boot, "sidekey"], aws, authority, requests))

    assert (counted - idle) / measure() <= MOST_FOR_1000_SHAPES
