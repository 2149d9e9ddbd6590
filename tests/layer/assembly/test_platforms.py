"""The names of the two architectures."""

from __future__ import annotations

import pytest

from layer.assembly import BuildError
from layer.assembly.platforms import PLATFORMS, this_machine


@pytest.mark.parametrize(("name", "architecture"), [("x86_64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_knows_machines_by_their_kernels_names(name: str, architecture: str) -> None:
    """Kernels say aarch64, Lambda says arm64."""
    assert this_machine(name).architecture == architecture


def test_says_where_the_layer_can_be_built() -> None:
    """Another machine is told so."""
    with pytest.raises(BuildError, match=r"this machine says riscv64"):
        this_machine("riscv64")


def test_compiles_for_no_c_library() -> None:
    """The launcher must not need one."""
    assert PLATFORMS["arm64"].zig_target == "aarch64-freestanding-none"
