"""Publishes the built layers to Lambda, in as many regions as wanted.

Law: safe to run twice. What a region has already (the same bytes, the same sharing, the same parameter) stays as it is,
and a run that stopped halfway is finished by the next.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from layer.assembly import ARCHITECTURES, Architecture
from layer.assembly.bom import version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

RUNTIMES = (
    *("nodejs22.x", "nodejs24.x", "python3.11", "python3.12", "python3.13", "python3.14", "java11", "java17", "java21"),
    *("java25", "dotnet10", "ruby3.3", "ruby3.4", "provided.al2", "provided.al2023"),
)
"""Shown beside the layer; 15 is the most that Lambda takes, and it enforces none of them."""
LICENCES = "Apache-2.0; the licences of all parts lie in the layer: /opt/sidekey/licences"


class PublishError(Exception):
    """Why something could not be published, in a sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom the layers are shared with: nobody, everybody, or an organisation."""

    public: bool = False
    organization: str | None = None

    @property
    def permission(self) -> dict[str, str] | None:
        """Return the grant as Lambda wants it; its statement is named after what it grants."""
        if self.public:
            return {"StatementId": "public", "Principal": "*"}
        if self.organization:
            return {"StatementId": self.organization, "Principal": "*", "OrganizationId": self.organization}
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be published, where, and for whom."""

    dist: Path
    regions: tuple[str, ...]
    name: str = "sidekey"
    audience: Audience = Audience()
    parameter: str | None = "/sidekey/layers"
    dry_run: bool = False

    def zip(self, architecture: Architecture) -> bytes:
        """Return one layer's zip."""
        try:
            return (self.dist / f"sidekey-{architecture}.zip").read_bytes()
        except FileNotFoundError as error:
            msg = f"{error.filename} is not there: `make layer` builds it"
            raise PublishError(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row of the table."""

    region: str
    architecture: Architecture
    state: str
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One layer in one region."""

    order: Order
    region: str
    architecture: Architecture
    clients: Callable[[str, str], Any]

    @property
    def name(self) -> str:
        """The layer's name there."""
        return f"{self.order.name}-{self.architecture}"

    @property
    def parameter(self) -> str:
        """The name of the parameter that holds the newest ARN."""
        return f"{self.order.parameter}/{self.architecture}/latest"

    def stock(self, say: Callable[[str], None]) -> Outcome:
        """Publish what is new, and share and announce it."""
        content = self.order.zip(self.architecture)
        arn = self._published(content)
        state = "unchanged" if arn else "would be published" if self.order.dry_run else "published"
        if not self.order.dry_run:
            if not arn:
                say(f"{self.region}  {self.name}: uploading {len(content) / 1e6:.1f} MB")
            arn = arn or self._publish(content)
            self._share(arn)
            self._announce(arn)
        return Outcome(region=self.region, architecture=self.architecture, state=state, arn=arn or "-")

    def _published(self, content: bytes) -> str | None:
        """Return the ARN of the newest version if it holds these very bytes."""
        lambdas = self.clients("lambda", self.region)
        versions = lambdas.list_layer_versions(LayerName=self.name, MaxItems=1)["LayerVersions"]
        if not versions:
            return None
        newest = lambdas.get_layer_version(LayerName=self.name, VersionNumber=versions[0]["Version"])
        same = newest["Content"]["CodeSha256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
        return str(newest["LayerVersionArn"]) if same else None

    def _publish(self, content: bytes) -> str:
        made = self.clients("lambda", self.region).publish_layer_version(
            LayerName=self.name,
            Description=f"Sidekey {version()}: secrets for functions in any language",
            Content={"ZipFile": content},
            CompatibleRuntimes=list(RUNTIMES),
            CompatibleArchitectures=[self.architecture],
            LicenseInfo=LICENCES,
        )
        return str(made["LayerVersionArn"])

    def _share(self, arn: str) -> None:
        """Grant the audience the use of this version, unless it has it."""
        permission = self.order.audience.permission
        if permission is None:
            return
        name, _, number = arn.rpartition(":")
        lambdas = self.clients("lambda", self.region)
        with suppress(lambdas.exceptions.ResourceConflictException):  # granted by an earlier run
            lambdas.add_layer_version_permission(
                LayerName=name, VersionNumber=int(number), Action="lambda:GetLayerVersion", **permission
            )

    def _announce(self, arn: str) -> None:
        """Store the ARN where deployments look for the newest, unless it is there."""
        if self.order.parameter is None:
            return
        store = self.clients("ssm", self.region)
        held = store.get_parameters(Names=[self.parameter])["Parameters"]
        if [parameter["Value"] for parameter in held] != [arn]:
            store.put_parameter(Name=self.parameter, Value=arn, Type="String", Overwrite=True)


def publish(
    order: Order, clients: Callable[[str, str], Any], say: Callable[[str], None]
) -> tuple[list[Outcome], list[str]]:
    """Publish to every region; return what came of it, and why some of it did not."""
    outcomes, problems = [], []
    for region in order.regions:
        for architecture in ARCHITECTURES:
            shelf = Shelf(order=order, region=region, architecture=architecture, clients=clients)
            try:
                outcomes.append(shelf.stock(say))
            except (BotoCoreError, ClientError) as error:
                problems.append(f"{region}  {shelf.name}: {error}")
    return outcomes, problems


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the outcomes as lines for people."""
    rows = [("region", "architecture", "", "ARN")]
    rows += [(one.region, one.architecture, one.state, one.arn) for one in outcomes]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[3]]).rstrip() for row in rows)
