"""The example functions, each in at most fifteen lines, read secrets through the layer under AWS's emulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layer.assembly import REPOSITORY
from scripts.stage.stage import Function
from tests.layer.roots import LayerStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.stage.aws import SampleAws

EXAMPLES = REPOSITORY / "layer" / "examples" / "functions"
BUILT = REPOSITORY / "build" / "examples"
RUNTIMES = Path(__file__).with_name("runtimes")
SETTINGS = {"SIDEKEY_PREFETCH": "secretsmanager://demo/database,ssm:///demo/greeting"}
EXPECTED = {"greeting": "sample-greeting", "passwordLength": len("sample-password-1")}
MOST_LINES = 15
_IMPORTS = re.compile(
    r"^(import|using|use|require|from .* import|package|#!|set -eu|const headers).*|^\t?\"[\w./-]+\"$|^[(){}]*$"
)
_COMMENT = re.compile(r"^\s*(//|#).*$")
SOURCES = {
    "sh": "bootstrap",
    "node": "index.mjs",
    "python": "app.py",
    "ruby": "app.rb",
    "java": "Handler.java",
    "go": "main.go",
    "rust": "src/main.rs",
    "dotnet": "Function.cs",
}


def make(command: list[str], folder: Path, **environment: str) -> None:
    """Run a compiler; what it makes stays in build/, so the next run is quick."""
    BUILT.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def as_it_is(*command: str) -> Callable[[Path], list[str]]:
    """Run a command that needs no compiler."""
    return lambda _folder: [*command]


def with_java(folder: Path) -> list[str]:
    """Compile the handler and the stand-in for Lambda's runtime."""
    classes = BUILT / "java"
    make(["javac", "-d", str(classes), str(folder / "Handler.java"), str(RUNTIMES / "Runner.java")], folder)
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", str(classes), "Runner"]


def with_go(folder: Path) -> list[str]:
    """Build a bootstrap of the module."""
    program = BUILT / "go-bootstrap"
    make(["go", "build", "-o", str(program), "."], folder, CGO_ENABLED="0", GOCACHE=str(BUILT / "go-cache"))
    return [str(program), "handler"]


def with_rust(folder: Path) -> list[str]:
    """Build a bootstrap of the crate, as quickly as can be."""
    crate = BUILT / "rust"
    shutil.copytree(folder, crate, dirs_exist_ok=True)
    make(["cargo", "build", "--quiet"], crate, CARGO_PROFILE_DEV_DEBUG="0")
    return [str(crate / "target" / "debug" / "bootstrap"), "handler"]


RUN = {
    "sh": ("curl", as_it_is("./bootstrap", "handler")),
    "node": ("node", as_it_is("node", str(RUNTIMES / "node.mjs"), str(EXAMPLES / "node" / "index.mjs"))),
    "python": (sys.executable, as_it_is(sys.executable, "-m", "awslambdaric", "app.handler")),
    "java": ("javac", with_java),
    "go": ("go", with_go),
    "rust": ("cargo", with_rust),
}


def is_here(tool: str) -> bool:
    """Tell whether a tool is there and runs (a toolchain that nobody has chosen a version of does not)."""
    asked = [tool, "version" if tool == "go" else "--version"]
    return shutil.which(tool) is not None and subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "language",
    [
        pytest.param(name, marks=pytest.mark.skipif(not is_here(needs), reason=f"there is no {needs} here"))
        for name, (needs, _) in RUN.items()
    ],
)
def test_reads_its_secrets(aws: SampleAws, language: str) -> None:
    """While it initialises and in an event, twice; it answers the length of the password, never the password."""
    folder = EXAMPLES / language
    command = RUN[language][1](folder)

    with LayerStage(Function(command, folder), aws, SETTINGS) as stage:
        answers = [stage.invoke(), stage.invoke()]

        assert [answer.json() for answer in answers] == [EXPECTED, EXPECTED], stage.log()


@pytest.mark.parametrize("language", SOURCES)
def test_is_short(language: str) -> None:
    """Fifteen lines beside imports, blanks and comments are enough in every language."""
    lines = (EXAMPLES / language / SOURCES[language]).read_text().splitlines()
    code = [line for line in lines if not _IMPORTS.match(line) and not _COMMENT.match(line)]

    assert len(code) <= MOST_LINES, "\n".join(code)
