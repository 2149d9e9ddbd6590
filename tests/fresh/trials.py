"""Trials: a fault played against a sidecar, and what its function saw while it lasted and afterwards."""

from __future__ import annotations

import json
import shlex
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, NamedTuple

from scripts.stage.aws import CREDENTIALS, REGION
from scripts.stage.emulator import ROOT
from scripts.stage.sandbox import Sandbox
from tests.fresh.sidecar import PATIENT, QUICK, TOKEN, Seen, Sidecar, ask, value_of
from tests.servers import faults
from tests.servers.credentials import AUTHORIZATION, CredentialEndpoint
from tests.servers.faulty import NO_FAULT, Fault, FaultyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scripts.stage.aws import SampleAws
    from tests.servers.authority import Authority

DAY = timedelta(days=1)
HOUR_SECONDS = 3600.0
EXPIRED_SECONDS = 400.0
"""Past the TTL, within the stale bound."""
FORGOTTEN_SECONDS = 8.0
"""Past the memory of a failure."""


class Outcome(NamedTuple):
    """What was seen of a secret that nothing was cached of, and of one whose value had expired: ill, then well."""

    ill: tuple[Seen, Seen]
    healed: tuple[Seen, Seen]

    @property
    def seconds(self) -> float:
        """How long the function waited at most."""
        return max(seen.seconds for seen in self.ill)


def shown(seen: Seen) -> str:
    """Write what the function sees as the table has it."""
    if seen.status != 200:
        return f"{seen.status} `{json.loads(seen.body)['__type']}`"
    return f"200, stale: `{seen.reason}`" if seen.cache == "stale" else "200"


class Trial:
    """A fault between a sidecar in this process and AWS."""

    def __init__(
        self, aws: SampleAws, authority: Authority, fault: Fault = NO_FAULT, settings: Mapping[str, str] = PATIENT
    ) -> None:
        """Stand before AWS; the settings are short where somebody waits in vain."""
        self.server = FaultyServer(aws.endpoint, authority.context("localhost"))
        self.token = TOKEN
        self.environment = {**settings, "AWS_ENDPOINT_URL": self.server.url, "AWS_CA_BUNDLE": authority.bundle}
        self._fault = fault

    def run(self, cold: str, warm: str) -> Outcome:
        """Read `warm` while all is well, then both while it is not, and both again when it is over."""
        with ExitStack() as stack:
            stack.enter_context(self.server)
            self.enter(stack)
            sidecar = stack.enter_context(Sidecar(self.environment))
            assert self._read(sidecar, warm).body == b"sample-1"
            sidecar.clock.now += EXPIRED_SECONDS
            self.server.drop_all()
            self.begin(sidecar)
            ill = self._read(sidecar, cold), self._read(sidecar, warm)
            self.end()
            sidecar.clock.now += FORGOTTEN_SECONDS
            [self._read(sidecar, name) for name in (cold, warm)]
            sidecar.settle()
            return Outcome(ill, (self._read(sidecar, cold), self._read(sidecar, warm)))

    def _read(self, sidecar: Sidecar, name: str) -> Seen:
        return sidecar.read(value_of(name), self.token)

    def enter(self, stack: ExitStack) -> None:
        """Prepare what else is needed."""

    def begin(self, _sidecar: Sidecar) -> None:
        """Let things go wrong."""
        self.server.fault = self._fault

    def end(self) -> None:
        """Let things go well again."""
        self.server.fault = NO_FAULT


class CutOff(Trial):
    """Nobody listens."""

    def begin(self, _sidecar: Sidecar) -> None:
        """Close the door."""
        self.server.shut()

    def end(self) -> None:
        """Open it again."""
        self.server.open()


class BadCertificate(Trial):
    """The certificate has expired."""

    def __init__(self, aws: SampleAws, authority: Authority) -> None:
        """Take an old certificate."""
        super().__init__(
            aws, authority, faults.certified_by(authority.context("localhost", until=datetime.now(UTC) - DAY))
        )


class WrongClock(Trial):
    """Our clock is hours ahead, and AWS refuses what it signs."""

    def begin(self, sidecar: Sidecar) -> None:
        """Set the clock wrong; the stale bound is not what this is about."""
        self.server.fault = Fault(faults.strict_about_time)
        sidecar.clock.now += 2 * HOUR_SECONDS


class Renewed(Trial):
    """The credentials are refused in the middle of their life, and the endpoint has others."""

    def enter(self, stack: ExitStack) -> None:
        """Take the credentials from an endpoint."""
        self._credentials = stack.enter_context(CredentialEndpoint())
        self.environment |= self._credentials.environment
        self.token = AUTHORIZATION

    def begin(self, _sidecar: Sidecar) -> None:
        """Refuse those of now."""
        self.server.fault = faults.refusing(self._credentials.key)
        self._credentials.rotate()


class Nameless:
    """The name of the service is not resolved: a sidecar in a sandbox, whose /etc/hosts comes and goes.

    Time is real here, so that the TTL is a second, and we ask until it is over.
    """

    def __init__(self, aws: SampleAws, _authority: Authority) -> None:
        """Take the AWS to stand before."""
        self._aws = aws

    def run(self, cold: str, warm: str) -> Outcome:
        """Do as `Trial.run` does."""
        with Sandbox() as sandbox, FaultyServer(self._aws.endpoint, listener=sandbox.listen(5000)) as server:
            hosts = sandbox.folder / "hosts"
            hosts.write_text("127.0.0.1 aws.test\n")
            sandbox.spawn(*_extension(sandbox), sandbox.folder, sandbox.folder / "log")
            _until(sandbox, warm, lambda seen: seen.status == 200)
            hosts.write_text("")
            server.drop_all()
            expired = _until(sandbox, warm, lambda seen: seen.cache == "stale")
            ill = (_read(sandbox, cold), expired)
            hosts.write_text("127.0.0.1 aws.test\n")
            well = [_until(sandbox, name, lambda seen: seen.status == 200 and not seen.reason) for name in (cold, warm)]
            return Outcome(ill, (well[0], well[1]))


def _extension(sandbox: Sandbox) -> tuple[list[str], dict[str, str]]:
    """Return the command of a standalone sidecar that resolves names by our own file alone, and its environment."""
    start = shlex.join([sys.executable, "-I", "-S", str(ROOT / "layer" / "boot.py")])
    script = f"mount --bind {sandbox.folder}/hosts /etc/hosts && exec {start}"
    environment = {
        **CREDENTIALS,
        **QUICK,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": "http://aws.test:5000",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "SECRETS_MANAGER_TTL": "1",
        "SIDEKEY_NEGATIVE_TTL": "1",
    }
    return ["/bin/sh", "-c", script], environment


def _read(sandbox: Sandbox, name: str) -> Seen:
    connection = HTTPConnection("127.0.0.1", 2773)
    connection.sock = sandbox.connect(2773)
    return ask(connection, value_of(name), TOKEN)


def _until(sandbox: Sandbox, name: str, right: Callable[[Seen], bool]) -> Seen:
    """Read until it is as it should become."""
    patience = time.monotonic() + 20
    while time.monotonic() < patience:
        try:
            seen = _read(sandbox, name)
        except (TimeoutError, ConnectionRefusedError):
            seen = None
        if seen is not None and right(seen):
            return seen
        time.sleep(0.02)
    msg = f"{name} never became what it should"
    raise TimeoutError(msg)
