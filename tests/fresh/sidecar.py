"""The whole sidecar in this process: real sockets to both sides, and a wall clock that the test sets."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from extension.assembly import assemble, make_server
from extension.listen import bind
from extension.world import World
from scripts.stage.aws import CREDENTIALS, REGION
from tests.servers.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from extension.core.host import Host

ATTEMPT_MS, DEADLINE_MS = 1000, 2500
QUICK = {  # for what is waited for in vain
    "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "none",
    "SIDEKEY_ATTEMPT_TIMEOUT_MS": str(ATTEMPT_MS),
    "SIDEKEY_DEADLINE_MS": str(DEADLINE_MS),
}
PATIENT = {  # for a busy machine
    **QUICK,
    "SIDEKEY_ATTEMPT_TIMEOUT_MS": "20000",
    "SIDEKEY_DEADLINE_MS": "40000",
}
TOKEN = CREDENTIALS["AWS_SESSION_TOKEN"]


class Seen(NamedTuple):
    """What the function sees; `cache` is how it came, `reason` why it is stale, `code` what is wrong."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float

    @property
    def cache(self) -> str:
        """How it came: hit, miss, refreshed or stale."""
        return self.headers.get("X-Sidekey-Cache", "")

    @property
    def reason(self) -> str:
        """Why it is stale."""
        return self.headers.get("X-Sidekey-Stale-Reason", "")


def ask(connection: HTTPConnection, target: str, token: str = TOKEN) -> Seen:
    """Make one request, and close the connection."""
    begun = time.monotonic()
    connection.request("GET", target, headers={"X-Aws-Parameters-Secrets-Token": token})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return Seen(response.status, body, dict(response.getheaders()), time.monotonic() - begun)


class Sidecar:
    """Use as a context manager. `clock` is its wall clock; chance is always the least."""

    def __init__(
        self, environment: Mapping[str, str], clock: Clock | None = None, host: Host = "on-demand", chance: float = 0.0
    ) -> None:
        """Serve on a free port."""
        self.clock = clock or Clock(time.time())
        self.world = World(
            environment={**CREDENTIALS, "AWS_REGION": REGION, **environment},
            clock=self.clock,
            monotonic=time.monotonic,
            chance=lambda: chance,
            wait=time.sleep,
        )
        self.parts = assemble(self.world)
        listeners = bind(0)
        self.port = listeners[0].getsockname()[1]
        self._server = make_server(self.parts, listeners, self.world, host)
        self._thread = Thread(target=self._server.run)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.parts.store.stop()
        self._server.stop(0.0)
        self._thread.join()
        self.parts.access.forget(keeping=False)

    def read(self, target: str, token: str = TOKEN) -> Seen:
        """Ask as a function does."""
        return ask(HTTPConnection("127.0.0.1", self.port, timeout=30), target, token)

    def invoke(self, seconds: float = 60.0) -> int:
        """Hear of an invocation that may last so long, as the lifecycle does; return how much that started."""
        now = self.clock()
        return self.parts.store.refresh_due(now, now + seconds, self.parts.prefetch.queries)

    def settle(self) -> None:
        """Wait until nothing is under way."""
        patience = time.monotonic() + 20
        while self.parts.store.in_flight:
            assert time.monotonic() < patience, "a fetch does not end"
            time.sleep(0.001)


def value_of(name: str, **options: str) -> str:
    """Return the target that reads a secret's bare value."""
    chosen = "%26".join(f"{key}={text}" for key, text in options.items())
    return f"/value?ref=secretsmanager://{name}" + (f"%3F{chosen}" if chosen else "")
