"""The examples of attaching the layer, each through the tool that deploys it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from layer.assembly import REPOSITORY

EXAMPLES = REPOSITORY / "layer" / "examples"
PARAMETER = "/sidekey/layers/arm64/latest"
CDK_PYTHON = "aws-cdk-lib==2.275.0"
SERVERLESS = "serverless@3.40.0"
OFFLINE = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "CI": "true",
    "SLS_NOTIFICATIONS_MODE": "off",
    "SLS_TELEMETRY_DISABLED": "1",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
}
QUIETLY = ("--quiet", "--no-notices")
with_npm = pytest.mark.skipif(not shutil.which("npm"), reason="there is no npm here")
pytestmark = pytest.mark.timeout(600)


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Run a tool, and return what it said."""
    variables = {**os.environ, **OFFLINE, **environment}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def npm_install(folder: Path, *packages: str) -> Path:
    """Install what `folder`'s package.json says, or `packages`; return where the commands are."""
    folder.mkdir(parents=True, exist_ok=True)
    run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", *packages], folder)
    return folder / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the examples to where tools may write."""
    return Path(shutil.copytree(EXAMPLES, tmp_path_factory.mktemp("examples"), dirs_exist_ok=True))


def resources(template: Path, kind: str) -> list[dict[str, Any]]:
    """Return the properties of a template's resources of one kind."""
    found = json.loads(template.read_text())["Resources"].values()
    return [resource["Properties"] for resource in found if resource["Type"] == kind]


def reads_both(template: Path) -> bool:
    """Tell whether the template grants the reading of the secret and of the parameter."""
    text = template.read_text()
    return "secretsmanager:GetSecretValue" in text and "ssm:GetParameter" in text


def test_sam() -> None:
    """cfn-lint finds nothing to say about the template."""
    template = EXAMPLES / "sam" / "template.yaml"

    run(
        [str(Path(sys.executable).with_name("cfn-lint")), "--non-zero-exit-code", "informational", str(template)],
        EXAMPLES,
    )
    assert PARAMETER in template.read_text()


@with_npm
def test_cdk(place: Path) -> None:
    """`cdk synth` gives a function with the layer and the rights to read, the same from TypeScript and from Python."""
    typescript, python, packages = place / "cdk-typescript", place / "cdk-python", place / "packages"
    cdk = str(npm_install(typescript) / "cdk")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    run([*pip, "--target", str(packages), CDK_PYTHON], place)

    run([cdk, "synth", *QUIETLY], typescript)
    run([cdk, "synth", *QUIETLY, "--app", f"{sys.executable} app.py"], python, PYTHONPATH=str(packages))

    templates = [folder / "cdk.out/SidekeyExample.template.json" for folder in (typescript, python)]
    functions, others = (resources(template, "AWS::Lambda::Function") for template in templates)
    assert functions == others
    assert functions[0]["Layers"]
    assert reads_both(templates[0])


@with_npm
def test_serverless(place: Path) -> None:
    """`serverless package` accepts the service, and makes a template with the layer."""
    commands = npm_install(place / "tools", SERVERLESS)
    shutil.copy(EXAMPLES / "functions" / "node" / "index.mjs", place / "serverless")

    run([str(commands / "serverless"), "package"], place / "serverless")

    template = place / "serverless/.serverless/cloudformation-template-update-stack.json"
    assert resources(template, "AWS::Lambda::Function")[0]["Layers"] == [{"Ref": "SidekeyLayer"}]
    assert reads_both(template)


def test_terraform() -> None:
    """No package registry carries Terraform or its providers; a parser of its language reads the file."""
    import hcl2

    parsed = hcl2.loads((EXAMPLES / "terraform" / "main.tf").read_text())

    kinds = {kind.strip('"') for block in parsed["resource"] for kind in block}
    assert kinds == {"aws_lambda_function", "aws_iam_role", "aws_iam_role_policy"}
    assert PARAMETER in str(parsed["data"])


def test_image() -> None:
    """The Dockerfile adds the plain tar, which `make layer` puts beside the zips, to an image of nothing."""
    lines = (REPOSITORY / "layer" / "Dockerfile").read_text().splitlines()
    instructions = [line for line in lines if line and not line.startswith("#")]

    assert instructions == ["FROM scratch", "ARG ARCHITECTURE=x86_64", "ADD sidekey-${ARCHITECTURE}.tar /"]
