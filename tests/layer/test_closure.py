"""The recorded list of modules suffices for what the extension imports today."""

from __future__ import annotations

import pytest

from layer.assembly.closure import parse, read_closure, record
from layer.assembly.lock import read_lock
from layer.assembly.workshop import Workshop
from tests.layer.built import BUILD, Layers


@pytest.mark.timeout(300)
def test_carries_all_that_may_be_imported(built: Layers) -> None:
    """If this fails, `make layer-closure` records the list anew."""
    workshop = Workshop(BUILD, BUILD / "downloads", read_lock())
    parts = workshop.parts(workshop.here.architecture)

    assert set(parse(record(parts.interpreter, parts.wheels))) <= set(read_closure())
