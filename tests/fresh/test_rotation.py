"""A rotation in its four steps, against moto and a database that changes its mind; and the use of DescribeSecret."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest

from extension.core.policy import RENEWAL_SECONDS, REPLACE_PAUSE_SECONDS, ROTATION_TTL_SECONDS
from tests.fresh.sidecar import PATIENT, Sidecar, value_of
from tests.servers import faults
from tests.servers.faulty import FaultyServer, pass_on
from tests.servers.scripted import reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.stage.aws import SampleAws
    from tests.fresh.sidecar import Seen
    from tests.servers.authority import Authority
    from tests.servers.faulty import Call

FUNCTIONS = 8
DUE_SECONDS, EXPIRED_SECONDS = 290.0, 400.0
DENIED = faults.for_action("DescribeSecret", faults.said("400 Bad Request", "AccessDeniedException"))


class Logins(NamedTuple):
    """How many of the functions got in at once, after asking for another version, and not at all."""

    at_once: int
    after_retry: int
    never: int


class Rotation:
    """A secret, the database it opens, and the rotation of both."""

    def __init__(self, aws: SampleAws, name: str, sidecar: Sidecar) -> None:
        """Begin with one password."""
        self.name = name
        self.accepted = {"sample-1"}
        self._manager = aws.client("secretsmanager")
        self._sidecar = sidecar

    def create(self) -> None:
        """Step 1: make the new version, pending."""
        self._new = self._manager.put_secret_value(
            SecretId=self.name, SecretString="sample-2", VersionStages=["AWSPENDING"]
        )["VersionId"]

    def set(self) -> None:
        """Step 2: let the database take the new password beside the old one."""
        self.accepted = {"sample-1", "sample-2"}

    def test(self) -> bool:
        """Step 3: try the new one."""
        pending = self._sidecar.read(value_of(self.name, versionStage="AWSPENDING"))
        return pending.body.decode() in self.accepted

    def finish(self) -> None:
        """Step 4: make the new version the current one."""
        self._manager.put_secret_value(  # moto reads by stage only what was put with it
            SecretId=self.name,
            SecretString="sample-2",
            VersionStages=["AWSCURRENT"],
            ClientRequestToken=self._new,
        )

    def revoke(self) -> None:
        """Afterwards: let the database forget the old password."""
        self.accepted = {"sample-2"}

    def log_in(self) -> Logins:
        """Let many functions log in at the same time, each as our README says."""
        with ThreadPoolExecutor(FUNCTIONS) as functions:
            tries = list(functions.map(lambda _: self._try(), range(FUNCTIONS)))
        return Logins(tries.count(1), tries.count(2), tries.count(0))

    def _try(self) -> int:
        """Log in; if the password is refused, once more with the next version. Return which try succeeded."""
        target = f"/secretsmanager/get?secretId={self.name}"
        first = json.loads(self._sidecar.read(target).body)
        if first["SecretString"] in self.accepted:
            return 1
        second = json.loads(self._sidecar.read(f"{target}&failedVersionId={first['VersionId']}").body)
        return 2 if second["SecretString"] in self.accepted else 0


@pytest.fixture(params=["DescribeSecret allowed", "DescribeSecret denied"])
def permitted(request: pytest.FixtureRequest, faulty: FaultyServer) -> bool:
    """Allow DescribeSecret, or not."""
    allowed = request.param == "DescribeSecret allowed"
    faulty.fault = faulty.fault if allowed else DENIED
    return allowed


@pytest.fixture
def sidecar(faulty: FaultyServer, authority: Authority) -> Iterator[Sidecar]:
    """Serve, with time for everything."""
    with Sidecar({**PATIENT, "AWS_ENDPOINT_URL": faulty.url, "AWS_CA_BUNDLE": authority.bundle}) as serving:
        yield serving


@pytest.fixture
def rotation(aws: SampleAws, new_secret: Callable[[], str], sidecar: Sidecar) -> Rotation:
    """Prepare a rotation."""
    return Rotation(aws, new_secret(), sidecar)


def actions(faulty: FaultyServer) -> list[str]:
    """Return the actions of the calls since we asked last."""
    asked = [faults.action_of(request) for request in faulty.requests]
    faulty.requests.clear()
    return asked


ALL_AT_ONCE = Logins(FUNCTIONS, 0, 0)


@pytest.mark.usefixtures("permitted")
def test_every_function_gets_in_during_the_whole_rotation(rotation: Rotation) -> None:
    """Old, then both, then new: at most one retry with `failedVersionId`, and only when the old one is gone."""
    before = rotation.log_in()
    rotation.create()
    created = rotation.log_in()
    rotation.set()
    passed = rotation.test()
    tested = rotation.log_in()
    rotation.finish()
    finished = rotation.log_in()
    rotation.revoke()
    revoked = rotation.log_in()
    after = rotation.log_in()

    assert passed
    assert [before, created, tested, finished] == [ALL_AT_ONCE] * 4
    assert revoked.never == 0
    assert after == ALL_AT_ONCE


def test_a_refused_version_is_fetched_once_for_all(rotation: Rotation, faulty: FaultyServer) -> None:
    """However many functions were refused, and whoever comes later gets the newer one at once."""
    rotation.log_in()
    [step() for step in (rotation.create, rotation.set, rotation.finish, rotation.revoke)]
    actions(faulty)

    logins = rotation.log_in()

    assert logins.never == 0
    assert actions(faulty) == ["GetSecretValue"]


def test_a_refused_version_is_asked_about_again_and_again(rotation: Rotation, sidecar: Sidecar) -> None:
    """A database that refuses before the new version is there: the answer is not remembered beyond a moment."""
    rotation.log_in()
    rotation.accepted = {"sample-2"}
    too_early = rotation.log_in()
    rotation.create()
    rotation.finish()
    sidecar.clock.now += REPLACE_PAUSE_SECONDS
    in_time = rotation.log_in()

    assert too_early.never == FUNCTIONS
    assert in_time.never == 0


def test_pending_and_previous_versions_can_be_read(rotation: Rotation, sidecar: Sidecar) -> None:
    """A rotation function, or one that must try both passwords, needs them."""
    rotation.create()
    pending = sidecar.read(value_of(rotation.name, versionStage="AWSPENDING"))
    rotation.finish()
    previous = sidecar.read(value_of(rotation.name, versionStage="AWSPREVIOUS"))

    assert (pending.body, previous.body) == (b"sample-2", b"sample-1")


def test_an_unchanged_version_is_not_fetched_again(rotation: Rotation, sidecar: Sidecar, faulty: FaultyServer) -> None:
    """Where DescribeSecret is allowed, a refresh behind asks it first, and the value is fresh again by that."""
    target = value_of(rotation.name)
    sidecar.read(target)
    actions(faulty)
    seen = read_when_due(sidecar, target)

    assert actions(faulty) == ["DescribeSecret"]
    assert seen.cache == "hit"


def test_a_withdrawn_permission_shows_within_the_hour(
    rotation: Rotation, sidecar: Sidecar, faulty: FaultyServer
) -> None:
    """However often DescribeSecret finds the version unchanged: then the value is asked for, and its end is told."""
    target = value_of(rotation.name)
    sidecar.read(target)
    faulty.fault = faults.for_action("GetSecretValue", faults.said("400 Bad Request", "AccessDeniedException"))
    refreshes = int(RENEWAL_SECONDS // DUE_SECONDS)

    seen = [read_when_due(sidecar, target).status for _ in range(refreshes + 1)]

    assert seen == [200] * refreshes + [400]


def test_a_new_version_is_fetched(rotation: Rotation, sidecar: Sidecar, faulty: FaultyServer) -> None:
    """Two calls, once in a rotation."""
    target = value_of(rotation.name)
    sidecar.read(target)
    rotation.create()
    rotation.finish()
    actions(faulty)
    seen = read_when_due(sidecar, target)

    assert actions(faulty) == ["DescribeSecret", "GetSecretValue"]
    assert (seen.cache, seen.body) == ("hit", b"sample-2")


def test_without_the_permission_nothing_else_degrades(
    rotation: Rotation, sidecar: Sidecar, faulty: FaultyServer
) -> None:
    """It is tried once, and then every refresh fetches."""
    faulty.fault = DENIED
    target = value_of(rotation.name)
    sidecar.read(target)
    actions(faulty)
    [read_when_due(sidecar, target) for _ in range(2)]

    assert actions(faulty) == ["DescribeSecret", "GetSecretValue", "GetSecretValue"]


def read_when_due(sidecar: Sidecar, target: str) -> Seen:
    """Read a value that has come due, let the refresh behind it end, and read again."""
    sidecar.clock.now += DUE_SECONDS
    sidecar.read(target)
    sidecar.settle()
    return sidecar.read(target)


def rotating(sidecar: Sidecar, in_seconds: float) -> Callable[[Call], None]:
    """Pass on, but let DescribeSecret say that the secret rotates in so many seconds, within a window of an hour."""

    def serve(call: Call) -> None:
        if faults.action_of(call.request) != "DescribeSecret":
            pass_on(call)
            return
        said = json.loads(call.answer().partition(b"\r\n\r\n")[2])
        said |= {"NextRotationDate": sidecar.clock() + in_seconds, "RotationRules": {"Duration": "1h"}}
        call.link.sendall(reply(json.dumps(said).encode()))

    return serve


@pytest.mark.parametrize(
    ("in_seconds", "ttl"),
    [(86_400.0, 300.0), (3700.0, 100.0), (1800.0, ROTATION_TTL_SECONDS), (-600.0, 300.0)],
    ids=["far away", "soon", "under way", "failed long ago"],
)
def test_a_rotation_ahead_shortens_the_ttl(
    rotation: Rotation, sidecar: Sidecar, faulty: FaultyServer, in_seconds: float, ttl: float
) -> None:
    """It ends when the window opens, is short while it is open, and is never lengthened by a date that has passed."""
    sidecar.read(value_of(rotation.name))
    faulty.fault = faulty.fault._replace(serve=rotating(sidecar, in_seconds))
    read_when_due(sidecar, value_of(rotation.name))
    (entry,) = sidecar.parts.store.shelf.cache

    assert round(entry.times.expires_at - sidecar.clock(), 3) == ttl
