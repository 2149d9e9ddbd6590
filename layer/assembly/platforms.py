"""What the two architectures are called, by whom: Lambda, Debian, wheels, compilers, ELF."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from layer.assembly import Architecture, BuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One architecture of Lambda's under its other names."""

    architecture: Architecture
    debian: str
    triplet: str
    loader: str
    machine: int
    """ELF's e_machine."""

    @property
    def wheel_tags(self) -> tuple[str, ...]:
        """The platform tags of wheels that run on the layer's C library."""
        cpu = self.triplet.partition("-")[0]
        return tuple(f"manylinux_2_{minor}_{cpu}" for minor in (28, 24, 17, 12, 5))

    @property
    def zig_target(self) -> str:
        """The compiler's target for a program without any C library."""
        return f"{self.triplet.partition('-')[0]}-freestanding-none"


PLATFORMS: dict[Architecture, Platform] = {
    "x86_64": Platform(
        architecture="x86_64",
        debian="amd64",
        triplet="x86_64-linux-gnu",
        loader="ld-linux-x86-64.so.2",
        machine=62,
    ),
    "arm64": Platform(
        architecture="arm64",
        debian="arm64",
        triplet="aarch64-linux-gnu",
        loader="ld-linux-aarch64.so.1",
        machine=183,
    ),
}


def this_machine(name: str | None = None) -> Platform:
    """Return the platform that the build itself runs on; `name` is the kernel's word for it."""
    name = name or platform.machine()
    for found in PLATFORMS.values():
        if name in (found.architecture, found.triplet.partition("-")[0]):
            return found
    msg = f"the layer is built on Linux on x86_64 or arm64, and this machine says {name}"
    raise BuildError(msg)
