"""The service as a process: what it imports, what becomes of its streams, and how it ends and begins again."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.contract.service.process import COMMANDS, PORT, PROFILES, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.service.upstream import Upstream

IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \| +(\S+)$", re.MULTILINE)
TIMED = [sys.executable, "-X", "importtime"]
SLOW = {"asyncio", "aiohttp", "uvloop", "boto3", "botocore"}
STREAMS = {"all closed": "0<&- 1>&- 2>&-", "stderr closed": "2>&-", "disk full": ">/dev/full 2>/dev/full"}


@pytest.mark.parametrize("start", [["-m", "extension"], COMMANDS["front"][1:]], ids=["module", "boot"])
def test_nothing_slow_is_imported_on_lambda(upstream: Upstream, start: list[str]) -> None:
    """Not for the prefetch, nor for whatever a function may ask, nor for its errors; the operator may wait."""
    made, plain = upstream.secret('{"a":1}'), upstream.parameter("x")
    settings = {"SIDEKEY_PREFETCH": f"secretsmanager://{made.name},ssm://{plain}"}
    targets = [
        f"/secretsmanager/get?secretId={made.name}",
        f"/v1/{made.name}",
        f"/systemsmanager/parameters/get?name={plain}&version=1",
        "/systemsmanager/parameters/by-path?path=/service",
        f"/value?ref=secretsmanager://{made.name}%23a",
        f"/values?ref=secretsmanager://{made.name}&ref=ssm:///absent",
        "/secretsmanager/get?secretId=absent",
        "/nowhere",
        "/ping",
        "/ready",
    ]
    with Service("front", upstream.url, settings, [*TIMED, *start]) as service:
        statuses = [service.get(target).status for target in targets]
        refused = service.raw(b"GET\n")
        service.stop()
        imported = {name.partition(".")[0] for name in IMPORTED.findall(service.log())}

    assert statuses == [200] * 6 + [400, 404, 200, 200]
    assert b" 400 " in refused
    assert "extension" in imported
    assert imported & SLOW == set()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("streams", STREAMS)
def test_closed_streams_and_full_disks_are_outlived(upstream: Upstream, profile: str, streams: str) -> None:
    """The log is lost then; above all it goes into no socket that has got its number."""
    made = upstream.secret("x")
    settings = {"SIDEKEY_PREFETCH": "secretsmanager://absent", "SIDEKEY_NONSENSE": "x"}
    command = ["sh", "-c", f'exec "$@" {STREAMS[streams]}', "sh", *COMMANDS[profile]]
    with Service(profile, upstream.url, settings, command) as service:
        replies = [service.get(f"/secretsmanager/get?secretId={name}") for name in (made.name, "absent", made.name)]
        said = json.loads(replies[2].body)
        status = service.stop()

    assert [reply.status for reply in replies] == [200, 400, 200]
    assert (said["SecretString"], service.status, status) == ("x", 0, 0)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_no_signal_ends_it_on_lambda(upstream: Upstream, number: int) -> None:
    """Lambda sends none; whoever does must not take the function down."""
    made = upstream.secret("x")
    with Service("front", upstream.url) as service:
        service.process.send_signal(number)
        assert service.json(f"/v1/{made.name}")["SecretString"] == "x"
        assert service.stop() == 0


def test_a_killed_process_leaves_the_port_to_the_next(upstream: Upstream, start: Callable[..., Service]) -> None:
    """Connections of the one before are no hindrance."""
    made = upstream.secret("x")
    first = start()
    first.get(f"/v1/{made.name}")
    first.process.kill()
    first.process.wait()
    second = start(**{PORT: str(first.port)})

    assert second.json(f"/v1/{made.name}")["SecretString"] == "x"
