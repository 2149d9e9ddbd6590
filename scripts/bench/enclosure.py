"""Where the benchmark runs: private namespaces with a loopback of their own and the unpacked layer as /opt.

Law: what is measured has the first core for itself, everything else stays on the second.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.stage.emulator import ROOT
from scripts.stage.inside import cover_opt, raise_loopback
from scripts.stage.sandbox import NAMESPACES, may_make_namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MARK = "SIDEKEY_BENCH_INSIDE"
CGROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000  # Lambda's own
FULL_CORE_MB = 1769
VENV_PYTHON = str(ROOT / ".venv/bin/python")
LAYER_PYTHON = "/opt/sidekey/bin/python3.13"


def enter(program: str, arguments: Sequence[str]) -> None:
    """Make sure that we run inside: if not, start ourselves once more there, and leave with its status."""
    if os.environ.get(MARK):
        raise_loopback()
        return
    with tempfile.TemporaryDirectory(prefix="sidekey-bench-") as folder:
        unpack_layer(Path(folder) / "opt")
        user = [] if may_make_namespaces() else ["--user", "--map-root-user"]
        command = ["unshare", *user, *NAMESPACES, sys.executable, "-m", program, *arguments]
        sys.exit(subprocess.run(command, env={**os.environ, MARK: folder}, cwd=ROOT, check=False).returncode)


def folder() -> Path:
    """Return the folder that is ours until the end."""
    return Path(os.environ[MARK])


def unpack_layer(target: Path) -> None:
    """Unpack this machine's layer as Lambda would."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    target.mkdir()
    with zipfile.ZipFile(ROOT / "dist" / f"sidekey-{machine}.zip") as layer:
        for entry in layer.infolist():
            path = Path(layer.extract(entry, target))
            path.chmod(entry.external_attr >> 16 or 0o755)


def mount_layer() -> None:
    """Put the unpacked layer in the place of /opt."""
    cover_opt(folder() / "opt")


@contextmanager
def first_core() -> Iterator[None]:
    """Have what is started within run on the first core; the caller itself stays on the second."""
    os.sched_setaffinity(0, {cores()[0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {cores()[1]})


@contextmanager
def all_cores() -> Iterator[None]:
    """Have what is started within run wherever the kernel likes, as on Lambda."""
    os.sched_setaffinity(0, _ALL)
    try:
        yield
    finally:
        os.sched_setaffinity(0, {cores()[1]})


_ALL = tuple(sorted(os.sched_getaffinity(0)))


def cores() -> tuple[int, int]:
    """Return the core for what is measured, and the one for the rest."""
    return _ALL[0], _ALL[-1]


class Share:
    """The part of a core that a function of so many megabytes has, as a cgroup; None is a whole core."""

    def __init__(self, megabytes: int | None, root: Path = CGROUPS) -> None:
        """Make the cgroup, by version 2 (`cpu.max`) or 1 of the interface; OSError where we may not."""
        self._path: Path | None = None
        if megabytes is None:
            return
        quota, name = PERIOD_US * megabytes // FULL_CORE_MB, f"sidekey-bench-{os.getpid()}-{megabytes}"
        if (root / "cgroup.controllers").exists():
            (root / "cgroup.subtree_control").write_text("+cpu")
            self._path, self._home, self._members = root / name, root / _own_cgroup(), "cgroup.procs"
            limits = {"cpu.max": f"{quota} {PERIOD_US}"}
        else:
            self._path, self._home, self._members = root / "cpu" / name, root / "cpu", "tasks"
            limits = {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota)}
        self._path.mkdir()
        for file, limit in limits.items():
            (self._path / file).write_text(limit)

    @contextmanager
    def inherited(self) -> Iterator[None]:
        """Have what is started within belong to it."""
        if self._path is None:
            yield
            return
        (self._path / self._members).write_text("0")
        try:
            yield
        finally:
            (self._home / self._members).write_text("0")

    def remove(self) -> None:
        """Take it away again, when nothing runs in it any more."""
        if self._path is not None:
            self._path.rmdir()


def _own_cgroup() -> str:
    """Return where we are in version 2's tree, below its root."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))


def spawn(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdout: int | None = None,
    stderr: int | None = None,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process with exactly this environment; it inherits the descriptors to `keep`."""
    return subprocess.Popen(
        command, env=dict(environment), cwd=ROOT, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, pass_fds=keep
    )
