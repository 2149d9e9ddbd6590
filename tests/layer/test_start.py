"""What the layer does until the first secret is served: few modules, few files, and none of them the image's code."""

from __future__ import annotations

import marshal
import re
from typing import TYPE_CHECKING

import pytest

from scripts.stage.stage import FUNCTIONS, Function, write_script
from tests.layer.needs import STRACE, needed
from tests.layer.roots import LayerStage

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.stage.aws import SampleAws

pytestmark = pytest.mark.timeout(300)
MOST_MODULES, MOST_FILES = 150, 130
SETTINGS = {"SIDEKEY_PREFETCH": "secretsmanager://demo/api-key"}
_INTERPRETER = "/opt/sidekey/bin/python3.13 -I -S -B -u -X utf8=1 -X importtime /opt/sidekey/boot.pyc sidekey"
_OPENED = re.compile(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", [^)]*\)\s*= \d+$', re.MULTILINE)


def stage_with(aws: SampleAws, command: str) -> LayerStage:
    """Return a stage whose extension is started by `command`; `{folder}` is the sandbox's, with the launcher in it."""
    stage = LayerStage(Function(["./bootstrap", "handler"], FUNCTIONS / "sh"), aws, SETTINGS)
    extension = stage.folder / "opt/extensions/sidekey"
    (stage.folder / "launcher").mkdir()
    extension.rename(stage.folder / "launcher" / "sidekey")
    write_script(extension, f"#!/bin/sh\nexec {command.format(folder=stage.folder)}\n")
    return stage


@pytest.fixture(scope="module")
def files(aws: SampleAws, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Trace which files are opened until the function has been answered once."""
    trace = tmp_path_factory.mktemp("trace") / "opened"
    with stage_with(aws, f"{needed(STRACE)} -f -e trace=open,openat -o {trace} {{folder}}/launcher/sidekey") as stage:
        assert stage.invoke().status == 200
    return _OPENED.findall(_joined(trace))


def _joined(trace: Path) -> str:
    """Return the trace without the lines' process ids."""
    return re.sub(r"^\d+ +", "", trace.read_text(), flags=re.MULTILINE)


@pytest.fixture(scope="module")
def modules(aws: SampleAws) -> set[str]:
    """Note which modules are imported until the function has been answered once."""
    with stage_with(aws, f"{_INTERPRETER} 2>{{folder}}/imports") as stage:
        assert stage.invoke().status == 200
        noted = (stage.folder / "imports").read_text()
        stages = [(stage.folder / f"opt/sidekey/{name}.bundle").read_bytes() for name in ("start", "serve")]
    run_by_boot = {name for content in stages for name, _is_package, _code in marshal.loads(content)}
    return run_by_boot | set(re.findall(r"^import time:.*\| +(\S+)$", noted, re.MULTILINE))


def test_imports_few_modules(modules: set[str]) -> None:
    """Importing is what a cold start pays for."""
    assert "extension.__main__" in modules
    assert len(modules) <= MOST_MODULES


def test_imports_nothing_heavy(modules: set[str]) -> None:
    """What costs milliseconds is left to the daemon profile."""
    assert not modules & {"asyncio", "aiohttp", "uvloop", "ssl", "socket", "json", "re", "typing", "threading", "enum"}


def test_opens_few_files(files: list[str]) -> None:
    """Each file may be a read from a cold disk."""
    assert "/opt/sidekey/start.bundle" in files
    assert len(files) <= MOST_FILES


def test_opens_no_code_of_the_image(files: list[str]) -> None:
    """No library, module or program from outside the layer is opened, and nothing from the function's own folders."""
    foreign = [name for name in files if not name.startswith("/opt/sidekey/")]

    assert not [name for name in foreign if re.search(r"\.so|\.pyc?$|/bin/|/var/task|openssl", name)]
