"""Stages for the layer: this machine with the layer in /opt, and roots that hold nothing else."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.stage.emulator import fetch
from scripts.stage.sandbox import may_make_namespaces
from scripts.stage.stage import EMULATOR_PORT, RUNTIME_PORT, Function, Stage
from tests.layer.built import layers
from tests.layer.needs import BUSYBOX, QEMU, needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layer.assembly import Architecture
    from scripts.stage.aws import SampleAws

HERE = Path(__file__).parent
HOSTILE = {
    "GLIBC_TUNABLES": "glibc.malloc.check=3",
    "LANG": "xx_XX.UTF-8",
    "LC_ALL": "xx_XX.UTF-8",
    "LD_LIBRARY_PATH": "/hostile",
    "LD_PRELOAD": "/hostile/libmissing.so",
    "MALLOC_PERTURB_": "165",
    "OPENSSL_CONF": "/hostile/openssl.cnf",
    "PYTHONHOME": "/hostile",
    "PYTHONPATH": "/hostile",
    "PYTHONSTARTUP": "/hostile/startup.py",
}


class LayerStage(Stage):
    """The layer, as it was unpacked, attached to a function on this machine."""

    def __init__(self, function: Function, aws: SampleAws, settings: Mapping[str, str]) -> None:
        super().__init__(function, aws, settings, attached=False)
        place_layer(self.folder / "opt", "x86_64")


class EmptyRoot(Stage):
    """A root that holds only the layer, the emulator and a static busybox, and cannot be written to."""

    def __init__(
        self, aws: SampleAws, settings: Mapping[str, str], *, architecture: Architecture = "x86_64", user: str = ""
    ) -> None:
        super().__init__(Function(["/function/bootstrap"]), aws, settings, attached=False)
        self.user = user
        self.root = self.folder / "root"
        place_layer(self.root / "opt", architecture)
        place_hostilities(self.root / "hostile")
        place_program(needed(BUSYBOX), self.root / "bin" / "busybox")
        place_program(fetch(), self.root / "emulator")
        place_program(HERE / "function" / "bootstrap", self.root / "function" / "bootstrap")
        (self.root / "dev").mkdir()
        (self.root / "dev" / "null").touch()
        if architecture == "arm64":
            emulate_arm64(self.root)

    def _start_emulator(self) -> int:
        """Start the emulator inside the sealed root, as the user; it is all that the processes can see."""
        root = shlex.quote(str(self.root))
        addresses = f"--runtime-interface-emulator-address 127.0.0.1:{EMULATOR_PORT}"
        addresses += f" --runtime-api-address 127.0.0.1:{RUNTIME_PORT}"
        emulator = f"/emulator --log-level warn {addresses} /function/bootstrap handler"
        null = f"mount --bind /dev/null {root}/dev/null"  # the emulator's own need
        sealed = f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && {null}"
        user = f"--userspec={self.user}" if self.user else ""
        command = ["/bin/sh", "-c", f"{sealed} && exec chroot {user} {root} {emulator}"]
        pid = self.sandbox.spawn(command, self.environment(), self.folder, self.folder / "emulator.log")
        self.wait(lambda: self._listens(EMULATOR_PORT), "the emulator")
        return pid


def place_layer(opt: Path, architecture: Architecture) -> None:
    """Put an unpacked layer into a folder that becomes /opt."""
    shutil.copytree(layers().opt(architecture), opt, dirs_exist_ok=True)


def place_program(source: Path, target: Path) -> None:
    """Copy an executable."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    target.chmod(0o755)


def place_hostilities(folder: Path) -> None:
    """Put what must not be loaded under the names that would be looked for."""
    folder.mkdir()
    for name in ("libc.so.6", "libssl.so.3", "libcrypto.so.3", "libz.so.1", "openssl.cnf", "libm.so.6"):
        (folder / name).write_text("not what it says")
    for name in ("encodings.py", "os.py", "startup.py", "extension.py", "sitecustomize.py", "_ssl.py"):
        (folder / name).write_text("raise SystemExit('the environment reached the extension')")


def emulate_arm64(root: Path) -> None:
    """Let the kernel of this machine start the two arm64 programs, each through qemu."""
    place_program(needed(QEMU), root / "qemu")
    for program in (root / "opt/extensions/sidekey", root / "opt/sidekey/bin/python3.13"):
        inner = f"/{program.relative_to(root)}"
        hidden = root / "arm64" / program.name
        hidden.parent.mkdir(exist_ok=True)
        program.rename(hidden)
        program.write_text(f'#!/bin/busybox sh\nexec /qemu -0 {inner} /arm64/{program.name} "$@"\n')
        program.chmod(0o755)


def nobody() -> str:
    """Return a user without rights and home, or none where there is only one to be had: then we are that user."""
    known_users = int(Path("/proc/self/uid_map").read_text().split()[2])
    return "993:990" if may_make_namespaces() and known_users > 993 else ""
