"""What the layer's tests need of the machine: installed when we are root, named in one line otherwise."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSYBOX = "busybox"
QEMU = "qemu-aarch64-static"
STRACE = "strace"
_PACKAGES = {BUSYBOX: "busybox-static", QEMU: "qemu-user-static", STRACE: "strace"}


def needed(program: str) -> Path:
    """Return where a program is."""
    if not shutil.which(program):
        with _alone():
            if not shutil.which(program):
                install(_PACKAGES[program])
    return Path(str(shutil.which(program)))


@contextmanager
def _alone() -> Iterator[None]:
    """Have no other test process install meanwhile: the package manager would fail, not wait."""
    with Path(tempfile.gettempdir(), "sidekey-tests-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(package: str) -> None:
    """Install a Debian package, or fail with the line that does."""
    line = f"apt-get update && apt-get install --yes --no-install-recommends {package}"
    quietly = {"DEBIAN_FRONTEND": "noninteractive"}
    done = (
        os.geteuid() == 0
        and not subprocess.run(
            line, shell=True, capture_output=True, check=False, env={**os.environ, **quietly}
        ).returncode
    )
    if not done:
        pytest.fail(f"these tests need {package}; run as root: {line}")
