"""Two services behind one face: our own fake, and moto; both hold the same secrets and parameters."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple, Protocol

import boto3
import pytest
from moto.server import ThreadedMotoServer

from extension.aws.client import AwsClient
from extension.aws.endpoints import EndpointSettings
from extension.aws.exchange import Exchange
from extension.aws.retry import Retry
from extension.aws.sts import AssumedRoles
from extension.sources.parameterstore import ParameterStore
from extension.sources.secretsmanager import SecretsManager
from extension.upstream.connection import Dialer, Limits
from extension.upstream.tls import Trust
from extension.upstream.transport import Transport
from tests.servers.clock import Clock
from tests.servers.fake_aws import FakeAws
from tests.servers.keys import Keys, key
from tests.servers.scripted import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGION = "eu-west-1"


class Filling(Protocol):
    """What can be filled with secrets and parameters."""

    def put_secret(self, name: str, **value: str) -> str:
        """Store a secret and return its ARN."""

    def put_parameter(self, name: str, value: str, kind: str = "String") -> str:
        """Store a parameter and return its ARN."""


class Service(NamedTuple):
    """A service to ask: its address, and the ARNs of what it holds."""

    url: str
    arns: dict[str, str]


def fill(service: Filling) -> dict[str, str]:
    """Store what the contract is about, and return the ARNs by name."""
    service.put_secret("app/db", SecretString='{"password":"old"}')
    for number in range(23):
        service.put_parameter(f"/app/many/{number:02}", f"planted {number}")
    service.put_parameter("/app/many/below/deep", "planted deep")
    service.put_parameter("/app/key", "planted one", "SecureString")
    return {
        "app/db": service.put_secret("app/db", SecretString='{"password":"plänted"}'),
        "app/bytes": service.put_secret("app/bytes", SecretBinary=base64.b64encode(b"\x00\xffplanted").decode()),
        "/app/key": service.put_parameter("/app/key", "planted two", "SecureString"),
        "plain": service.put_parameter("plain", "planted plain"),
    }


class Moto:
    """Fills moto by boto3."""

    def __init__(self, url: str) -> None:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self._secrets = boto3.client("secretsmanager", endpoint_url=url, region_name=REGION, **keys)
        self._parameters = boto3.client("ssm", endpoint_url=url, region_name=REGION, **keys)
        self._arns: dict[str, str] = {}

    def put_secret(self, name: str, **value: str) -> str:
        """Store a secret, or its next version."""
        sent = {"SecretBinary": base64.b64decode(value["SecretBinary"])} if "SecretBinary" in value else value
        if name in self._arns:
            self._secrets.put_secret_value(SecretId=name, **sent)
        else:
            self._arns[name] = self._secrets.create_secret(Name=name, **sent)["ARN"]
        return self._arns[name]

    def put_parameter(self, name: str, value: str, kind: str = "String") -> str:
        """Store a parameter's next version."""
        self._parameters.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)
        return str(self._parameters.get_parameter(Name=name)["Parameter"]["ARN"])

    def close(self) -> None:
        """Close the connections."""
        self._secrets.close()
        self._parameters.close()


@pytest.fixture(scope="session")
def moto() -> Iterator[Service]:
    """Return moto, filled."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    filling = Moto(url)
    yield Service(url, fill(filling))
    filling.close()
    server.stop()


@pytest.fixture
def fake() -> FakeAws:
    """Return our own fake, to be filled by `fake_service`."""
    return FakeAws(REGION)


@pytest.fixture
def fake_service(fake: FakeAws) -> Iterator[Service]:
    """Return the address of our own fake."""
    with ScriptedServer([fake]) as server:
        yield Service(server.url, fill(fake))


@pytest.fixture(params=["fake_service", "moto"])
def service(request: pytest.FixtureRequest) -> Service:
    """Return each service in turn: the contract holds for both."""
    found: Service = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def connect() -> Iterator[Callable[[Service], AwsClient]]:
    """Return a function that makes clients without patience; their connections are closed at the end."""
    clock = Clock()
    transport = Transport(Dialer(Trust(), Limits()), wall=clock, monotonic=clock)

    def client(service: Service) -> AwsClient:
        endpoints, _ = EndpointSettings.from_env({"AWS_ENDPOINT_URL": service.url})
        retry = Retry(monotonic=clock, chance=lambda: 0.0, wait=lambda _seconds: None, attempt_seconds=30.0)
        exchange = Exchange(transport, endpoints, retry, clock)
        keys = Keys(key(1))
        return AwsClient(exchange, keys, AssumedRoles(exchange, keys, wall=clock, region=REGION))

    yield client
    transport.close()


@pytest.fixture
def secrets(service: Service, connect: Callable[[Service], AwsClient]) -> SecretsManager:
    """Return the source of secrets at each service in turn."""
    return SecretsManager(connect(service), REGION)


@pytest.fixture
def parameters(service: Service, connect: Callable[[Service], AwsClient]) -> ParameterStore:
    """Return the source of parameters at each service in turn."""
    return ParameterStore(connect(service), REGION)


@pytest.fixture
def fake_secrets(fake_service: Service, connect: Callable[[Service], AwsClient]) -> SecretsManager:
    """Return the source of secrets at our own fake."""
    return SecretsManager(connect(fake_service), REGION)


@pytest.fixture
def fake_parameters(fake_service: Service, connect: Callable[[Service], AwsClient]) -> ParameterStore:
    """Return the source of parameters at our own fake."""
    return ParameterStore(connect(fake_service), REGION)
