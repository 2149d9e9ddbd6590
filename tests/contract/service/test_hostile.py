"""A function that misbehaves, and a machine that gives nothing: the next read is answered all the same."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.client import Client
from tests.contract.service.process import PROFILES, TOKEN_LINE, Service, wait_for
from tests.servers.fake_aws import FakeAws
from tests.servers.scripted import HangUpError, ScriptedServer, Wire, hang

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = [f"s{number}" for number in range(60)]
VALUE = "x" * 60_000
RESET = struct.pack("ii", 1, 0)


@pytest.fixture(scope="module")
def aws() -> Iterator[ScriptedServer]:
    """Serve secrets of some size."""
    fake = FakeAws("eu-central-1")
    [fake.put_secret(name, SecretString=VALUE) for name in NAMES]
    with ScriptedServer([fake]) as server:
        yield server


@pytest.fixture(params=PROFILES)
def service(request: pytest.FixtureRequest, aws: ScriptedServer) -> Iterator[Service]:
    """Start a service that has one of them."""
    with Service(request.param, aws.url, {"SIDEKEY_PREFETCH": f"secretsmanager://{NAMES[0]}"}) as service:
        service.wait_until_ready()
        yield service


def descriptors(service: Service) -> int:
    """Count the service's open descriptors."""
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))


def answers(service: Service) -> bool:
    """Tell whether a read gets its value."""
    return service.get(f"/value?ref=secretsmanager://{NAMES[0]}").body == VALUE.encode()


def many(service: Service, count: int, act: Callable[[Client], object]) -> contextlib.ExitStack:
    """Connect so often, and do something with each."""
    stack = contextlib.ExitStack()
    for _ in range(count):
        act(stack.enter_context(Client(service.address)))
    return stack


def test_a_thousand_idle_clients(service: Service) -> None:
    """The longest idle have given way, and nothing is left of any."""
    before = descriptors(service)
    with many(service, 1000, lambda client: client):
        assert answers(service)
    wait_for(lambda: descriptors(service) <= before + 1)


def test_begun_heads_take_all_seats(service: Service) -> None:
    """A newcomer is told so, and `/ping` gets through; when they go, all is well."""
    with many(service, 256, lambda client: client.send(b"GET /")):
        wait_for(lambda: service.get("/ready").status == 429)
        assert service.get("/ping").body == b"healthy"
    wait_for(lambda: service.get("/ready").status == 200)


def test_a_storm_of_resets(service: Service) -> None:
    """Before, within and after a request."""
    before = descriptors(service)
    request = f"GET /v1/{NAMES[0]} HTTP/1.1\r\nHost: localhost\r\n{TOKEN_LINE}\r\n\r\n".encode()

    def storm(number: int) -> None:
        with Client(service.address) as client:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.send(request[: number % (len(request) + 1)])

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(storm, range(600)))
    assert answers(service)
    wait_for(lambda: descriptors(service) <= before + 1)
    assert "error" not in service.log()


def test_clients_that_do_not_read(service: Service) -> None:
    """What they are owed waits in the kernel, and delays nobody."""
    request = f"GET /v1/{NAMES[0]} HTTP/1.1\r\nHost: localhost\r\n{TOKEN_LINE}\r\n\r\n".encode() * 60

    with many(service, 20, lambda client: client.send(request)):
        assert answers(service)


@pytest.mark.parametrize("profile", ["front"])
def test_no_memory_for_a_while(aws: ScriptedServer, profile: str) -> None:
    """Reads fail, with a word where there is room for one; and as soon as there is memory, they do no longer."""
    with Service(profile, aws.url) as service:
        assert answers(service)
        limits = resource.prlimit(service.process.pid, resource.RLIMIT_DATA)
        resource.prlimit(service.process.pid, resource.RLIMIT_DATA, (held(service), limits[1]))
        with ThreadPoolExecutor(8) as crowd:
            short = list(crowd.map(lambda name: tried(service, name), NAMES))
        resource.prlimit(service.process.pid, resource.RLIMIT_DATA, limits)

        assert 500 in short or 0 in short
        with ThreadPoolExecutor(8) as crowd:
            wait_for(lambda: set(crowd.map(lambda name: tried(service, name), NAMES)) == {200})
        assert service.stop() == 0


def held(service: Service) -> int:
    """Return how many bytes of memory the service has."""
    status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmData:")[2].split()[0]) << 10


def tried(service: Service, name: str) -> int:
    """Return the status of a read, 0 where there was none."""
    with contextlib.suppress(OSError, ValueError):
        return service.get(f"/v1/{name}?refreshNow=true").status
    return 0


def endless(wire: Wire) -> None:
    """Send chunks without end."""
    wire.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        while not wire.ended.is_set():
            wire.socket.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
    raise HangUpError


@pytest.mark.parametrize("profile", PROFILES)
def test_an_answer_without_end_is_cut_off(profile: str) -> None:
    """At a size that no secret has."""
    settings = {"SIDEKEY_DEADLINE_MS": "1000"}
    with ScriptedServer([endless]) as server, Service(profile, server.url, settings) as service:
        status, _code, message = service.refused("/v1/db")
    assert status in {502, 504}  # too large, or out of time on a slow machine
    assert "no usable answer" in message or "no answer" in message


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_owed_at_the_end_is_refused(profile: str) -> None:
    """A read that waits for AWS hears that we stop; what is cached is not asked for; and we leave in time."""
    with (
        ScriptedServer([hang]) as server,
        Service(profile, server.url) as service,
        Client(service.address) as waiting,
    ):
        waiting.get("/v1/db", TOKEN_LINE)
        wait_for(lambda: server.requests)
        status = service.stop()
        reply = waiting.reply()
    assert (status, reply.status, b"ShuttingDown" in reply.body) == (0, 503, True)
