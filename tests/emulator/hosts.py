"""The emulator's other modes: as SnapStart gives its credentials, and as Managed Instances run a function."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from scripts.stage.sandbox import may_make_namespaces
from scripts.stage.stage import ROOT, Stage, extension_script, write_script
from tests.emulator.acts import DEBUG, PROBE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scripts.stage.aws import SampleAws
    from scripts.stage.stage import Answer

ACCESS_KEYS = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
PARALLEL = 4


class SnapStart(Stage):
    """The emulator caches the init: it serves credentials at an endpoint, and the keys are not in the environment.

    The function is not told: its runtime would wait for a restore that the emulator does not play.
    """

    def __init__(self, aws: SampleAws, settings: Mapping[str, str]) -> None:
        """Attach the extension without keys."""
        super().__init__(PROBE, aws, {**DEBUG, **settings}, attached=False)
        surroundings = f"unset {ACCESS_KEYS}\nexport AWS_LAMBDA_INITIALIZATION_TYPE=snap-start\nexec "
        self.attach("sidekey", extension_script(self.folder).replace("exec ", surroundings, 1))

    def command(self) -> list[str]:
        """Ask for init caching."""
        emulator, *options = super().command()
        return [emulator, "--enable-init-caching", *options]


class ManagedInstance(Stage):
    """Many invocations at the same time, under a user of its own, from the moment that the emulator is started.

    That user may not read what belongs to us, so interpreter and tree are shown to it below /opt.
    """

    def __init__(self, aws: SampleAws, settings: Mapping[str, str]) -> None:
        """Lay out /opt."""
        managed = {"AWS_LAMBDA_MAX_CONCURRENCY": str(PARALLEL), "_HANDLER": "app.handler"}
        super().__init__(PROBE, aws, {**DEBUG, **managed, **settings}, attached=False)
        self.folder.chmod(0o777)
        opt = self.folder / "opt"
        for name in ("python", "tree", "venv/bin"):
            (opt / name).mkdir(parents=True)
        (opt / "venv/bin/python").symlink_to(f"/opt/python/bin/python3.{sys.version_info.minor}")
        (opt / "venv/lib").symlink_to("/opt/tree/.venv/lib")
        (opt / "venv/pyvenv.cfg").write_text("home = /opt/python/bin\n")
        self.attach("sidekey", self._script('-I -S -B -u -X utf8 /opt/tree/layer/boot.py "${0##*/}"', "extension"))
        function = "cd /opt/tree/tests/emulator/probe\n"
        write_script(opt / "bootstrap", self._script("-m awslambdaric app.handler", "runtime", function))

    def _script(self, arguments: str, name: str, before: str = "") -> str:
        """Return a script that runs the shown interpreter, and notes its process id and what it writes."""
        notes = self.folder / name
        return (
            f"#!/bin/sh\necho $$ >>{notes}.pids\n{before}export LD_LIBRARY_PATH=/opt/python/lib\n"
            f"exec /opt/venv/bin/python {arguments} >>{notes}.log 2>&1\n"
        )

    def command(self) -> list[str]:
        """Mount what is shown, and leave it to the emulator to find the function."""
        mounts = (
            f"mount -t tmpfs none /var && mkdir /var/task && mount --bind {shlex.quote(sys.base_prefix)} /opt/python"
        )
        tree = f"mount --bind {shlex.quote(str(ROOT))} /opt/tree"
        emulator = shlex.join(super().command()[: -1 - len(self.function.command)])
        return ["/bin/sh", "-c", f"{mounts} && {tree} && exec {emulator}"]

    def invoke(self, event: object = None) -> Answer:
        """Invoke as soon as one of the runtimes is idle; Lambda would not send the event before."""
        answers = [super().invoke(event)]
        self.wait(lambda: self._is_taken(answers, event), "an idle runtime")
        return answers[-1]

    def _is_taken(self, answers: list[Answer], event: object) -> bool:
        if b"Runtime.Unavailable" not in answers[-1].body:
            return True
        answers.append(super().invoke(event))
        return False


def may_change_users() -> bool:
    """Tell whether we are root in earnest, as the emulator's Managed-Instances mode wants."""
    return may_make_namespaces()
