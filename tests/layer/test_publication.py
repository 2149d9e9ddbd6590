"""Publishing, against moto: once, twice, for whom, and what is said when it cannot be done."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from layer.assembly import REPOSITORY
from layer.publication import Audience, Order, PublishError, publish, table
from layer.publishing import main
from scripts.stage.aws import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scripts.stage.aws import SampleAws

REGIONS = ("eu-central-1", "us-east-1")


@pytest.fixture
def clients(aws: SampleAws) -> Callable[[str, str], Any]:
    """Return boto3 clients of that AWS."""
    credentials = {key.lower(): value for key, value in CREDENTIALS.items()}
    return lambda service, region: boto3.client(service, region_name=region, endpoint_url=aws.endpoint, **credentials)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """Order two regions to be stocked with two little layers."""
    (tmp_path / "sidekey-x86_64.zip").write_bytes(b"PK\5\6" + b"\0" * 18)
    (tmp_path / "sidekey-arm64.zip").write_bytes(b"PK\5\6" + b"\0" * 16 + b"\1\0a")
    return Order(dist=tmp_path, regions=REGIONS, name=tmp_path.name, parameter=f"/{tmp_path.name}")


def run(order: Order, clients: Callable[[str, str], Any]) -> list[tuple[str, str, str]]:
    """Publish, and return where, what and how it ended."""
    outcomes, problems = publish(order, clients, lambda _line: None)
    assert problems == []
    return [(one.region, one.architecture, one.state) for one in outcomes]


def newest(order: Order, clients: Callable[[str, str], Any], architecture: str = "x86_64") -> dict[str, Any]:
    """Return the newest version in the first region."""
    lambdas, name = clients("lambda", REGIONS[0]), f"{order.name}-{architecture}"
    versions = lambdas.list_layer_versions(LayerName=name)["LayerVersions"]
    return dict(lambdas.get_layer_version(LayerName=name, VersionNumber=versions[0]["Version"]))


def policy(order: Order, clients: Callable[[str, str], Any]) -> str:
    """Return who may use the first version in the first region."""
    lambdas = clients("lambda", REGIONS[0])
    return str(lambdas.get_layer_version_policy(LayerName=f"{order.name}-x86_64", VersionNumber=1)["Policy"])


def announced(order: Order, clients: Callable[[str, str], Any]) -> list[str]:
    """Return what the first region's parameters say."""
    names = [f"/{order.name}/{architecture}/latest" for architecture in ("x86_64", "arm64")]
    return [held["Value"] for held in clients("ssm", REGIONS[0]).get_parameters(Names=names)["Parameters"]]


def everywhere(state: str) -> list[tuple[str, str, str]]:
    """Return the outcome that is the same for all."""
    return [(region, architecture, state) for region in REGIONS for architecture in ("x86_64", "arm64")]


def test_publishes_both_architectures_to_every_region(order: Order, clients: Callable[[str, str], Any]) -> None:
    """Each layer says what it is for and under which licences."""
    assert run(order, clients) == everywhere("published")

    made = newest(order, clients, "arm64")
    content = order.zip("arm64")
    assert made["Content"]["CodeSha256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert made["CompatibleArchitectures"] == ["arm64"]
    assert {"nodejs22.x", "java21", "provided.al2023"} <= set(made["CompatibleRuntimes"])
    assert "/opt/sidekey/licences" in made["LicenseInfo"]


def test_publishes_the_same_bytes_once(order: Order, clients: Callable[[str, str], Any]) -> None:
    """A second run changes nothing."""
    run(order, clients)

    assert run(order, clients) == everywhere("unchanged")
    assert newest(order, clients)["Version"] == 1


def test_publishes_new_bytes_as_a_new_version(order: Order, clients: Callable[[str, str], Any]) -> None:
    """Only the layer that changed is published."""
    run(order, clients)
    (order.dist / "sidekey-x86_64.zip").write_bytes(b"PK\5\6" + b"\0" * 16 + b"\1\0b")

    assert [state for _, _, state in run(order, clients)] == ["published", "unchanged"] * 2
    assert newest(order, clients)["Version"] == 2


def test_stores_the_newest_arn(order: Order, clients: Callable[[str, str], Any]) -> None:
    """Deployments resolve the parameter instead of knowing a version."""
    run(order, clients)

    arns = [newest(order, clients, architecture)["LayerVersionArn"] for architecture in ("arm64", "x86_64")]
    assert sorted(announced(order, clients)) == arns


def test_finishes_what_an_earlier_run_began(order: Order, clients: Callable[[str, str], Any]) -> None:
    """A layer that was published without its parameter and its sharing gets both from the next run."""
    run(replace(order, parameter=None), clients)

    run(replace(order, audience=Audience(public=True)), clients)

    assert len(announced(order, clients)) == 2
    assert "lambda:GetLayerVersion" in policy(order, clients)


@pytest.mark.parametrize(
    ("audience", "granted"),
    [(Audience(public=True), '"Principal": "*"'), (Audience(organization="o-a1b2c3d4e5"), "o-a1b2c3d4e5")],
)
def test_shares_with_whom_it_is_told(
    order: Order, clients: Callable[[str, str], Any], audience: Audience, granted: str
) -> None:
    """Everybody, or one organisation; twice is as good as once."""
    shared = replace(order, audience=audience)
    run(shared, clients)
    run(shared, clients)

    assert granted in policy(order, clients)


def test_dry_run_changes_nothing(order: Order, clients: Callable[[str, str], Any]) -> None:
    """It looks, and says what would be done."""
    assert run(replace(order, dry_run=True), clients) == everywhere("would be published")

    held = clients("lambda", REGIONS[0]).list_layer_versions(LayerName=f"{order.name}-x86_64")["LayerVersions"]
    assert (held, announced(order, clients)) == ([], [])


def test_goes_on_with_the_other_regions(order: Order, clients: Callable[[str, str], Any]) -> None:
    """A region that refuses is named with its reason; the others are stocked."""
    broken = boto3.client("lambda", region_name="eu-west-1", endpoint_url="http://127.0.0.1:9", **_nobody())
    outcomes, problems = publish(
        replace(order, regions=("eu-west-1", "us-east-1")),
        lambda service, region: broken if region == "eu-west-1" else clients(service, region),
        lambda _line: None,
    )

    assert [one.region for one in outcomes] == ["us-east-1", "us-east-1"]
    assert [problem.split()[0] for problem in problems] == ["eu-west-1", "eu-west-1"]
    assert all("127.0.0.1:9" in problem for problem in problems)


def _nobody() -> dict[str, str]:
    return {"aws_access_key_id": "A", "aws_secret_access_key": "B"}


def test_says_how_to_get_a_missing_zip(order: Order, clients: Callable[[str, str], Any]) -> None:
    """Nothing has been built: one command does."""
    (order.dist / "sidekey-x86_64.zip").unlink()

    with pytest.raises(PublishError, match="`make layer`"):
        run(order, clients)


def test_prints_a_table(order: Order, clients: Callable[[str, str], Any]) -> None:
    """One row a layer, its ARN last."""
    outcomes, _ = publish(order, clients, lambda _line: None)

    lines = table(outcomes).splitlines()
    assert lines[0].split() == ["region", "architecture", "ARN"]
    assert lines[1].split()[:3] == ["eu-central-1", "x86_64", "published"]
    assert lines[1].endswith(f":layer:{order.name}-x86_64:1")


def test_tells_how_far_it_is(order: Order, clients: Callable[[str, str], Any]) -> None:
    """Uploading takes a while: each begins with a line."""
    said: list[str] = []
    publish(order, clients, said.append)

    assert said[0] == f"eu-central-1  {order.name}-x86_64: uploading 0.0 MB"
    assert len(said) == 4


def test_script_publishes(order: Order, aws: SampleAws) -> None:
    """The command does all of it, with the credentials and endpoint of its environment."""
    script = [sys.executable, str(REPOSITORY / "scripts/publish"), "--dist", str(order.dist), "--name", order.name]
    environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": aws.endpoint, "PATH": os.environ["PATH"]}

    command = [*script, "--region", "eu-central-1", "--no-parameter", "--public"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert (answer.returncode, answer.stdout.count(f":layer:{order.name}-")) == (0, 2), answer.stderr


def test_script_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without zips there is one line, and a status."""
    assert main(["--region", "eu-central-1", "--dist", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
