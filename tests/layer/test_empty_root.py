"""The layer in roots that hold nothing but itself, AWS's emulator and a static busybox function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.layer.roots import HOSTILE, EmptyRoot, nobody

if TYPE_CHECKING:
    from layer.assembly import Architecture
    from scripts.stage.aws import SampleAws

pytestmark = pytest.mark.timeout(300)
SETTINGS = {
    "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "debug",
    "SIDEKEY_PREFETCH": "secretsmanager://demo/api-key",
}
READ = {"init": "sample-licence", "event": "sample-api-key"}


def read(aws: SampleAws, settings: dict[str, str], *, architecture: Architecture, user: str) -> list[object]:
    """Invoke the function twice."""
    with EmptyRoot(aws, settings, architecture=architecture, user=user) as stage:
        return [stage.invoke().json(), stage.invoke().json()]


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_serves_where_nothing_else_is(aws: SampleAws, architecture: Architecture) -> None:
    """No /etc, /lib, /proc or shell, a read-only root, a user without home: the function gets its secrets."""
    assert read(aws, SETTINGS, architecture=architecture, user=nobody()) == [READ, READ]


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_serves_whatever_the_environment_holds(aws: SampleAws, architecture: Architecture) -> None:
    """Variables that mislead loaders, C libraries, interpreters and OpenSSL do not reach the extension."""
    assert read(aws, {**SETTINGS, **HOSTILE}, architecture=architecture, user=nobody()) == [READ, READ]


def test_serves_root_alike(aws: SampleAws) -> None:
    """An image that runs as root changes nothing."""
    assert read(aws, {**SETTINGS, **HOSTILE}, architecture="x86_64", user="") == [READ, READ]
