"""What the emulator tests share: a sample AWS, and a function that does what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import SampleAws
from scripts.stage.stage import Stage
from tests.emulator.acts import DEBUG, PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws() -> Iterator[SampleAws]:
    """Serve one sample AWS for all tests of this process."""
    with SampleAws() as filled:
        filled.fill()
        yield filled


@pytest.fixture
def stage(aws: SampleAws) -> Iterator[Stage]:
    """Attach the extension to the probe, with a prefetch list."""
    settings = {
        **DEBUG,
        "SIDEKEY_PREFETCH": "secretsmanager://demo/api-key",
        "PROBE_INIT": "/value?ref=ssm:///demo/licence",
    }
    with Stage(PROBE, aws, settings) as ready:
        yield ready
