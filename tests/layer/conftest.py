"""What the layer's tests share: both layers, built once, and a sample AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.stage.aws import SampleAws
from tests.layer.built import Layers, layers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def built() -> Layers:
    """Build both layers, unless the other test process has."""
    return layers()


@pytest.fixture(scope="session")
def aws() -> Iterator[SampleAws]:
    """Serve one sample AWS for all tests of this process."""
    with SampleAws() as filled:
        filled.fill()
        yield filled
