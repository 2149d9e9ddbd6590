"""From an environment to a client: the one place that joins transport, endpoints, credentials and roles.

Law: the environment is an argument, as are clocks, dice and patience; nothing is connected to before the first call.
"""

from __future__ import annotations

from extension.aws.client import AwsClient
from extension.aws.credentials import choose_provider
from extension.aws.endpoints import EndpointSettings
from extension.aws.exchange import Exchange
from extension.aws.retry import ATTEMPT_SECONDS, DEADLINE_SECONDS, Retry
from extension.aws.sts import AssumedRoles
from extension.core.record import Record
from extension.upstream.connection import Dialer, Limits
from extension.upstream.proxy import proxy_rule
from extension.upstream.tls import SYSTEM_ROOTS, Trust, trust_stores
from extension.upstream.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from extension.aws.exchange import Provider


class Bounds(Record):
    """How long things may take, and where the full bundle of roots lies (a layer brings its own)."""

    attempt_seconds: float = ATTEMPT_SECONDS
    deadline_seconds: float = DEADLINE_SECONDS
    connect_seconds: float = 1.0
    full_bundle: str = SYSTEM_ROOTS
    external_id: str = ""


class Aws(Record):
    """Everything that reaches AWS; `problems` are sentences about variables that cannot be used."""

    client: AwsClient
    credentials: Provider
    roles: AssumedRoles
    transport: Transport
    region: str
    problems: tuple[str, ...]


def connect(
    environment: Mapping[str, str],
    bounds: Bounds,
    *,
    wall: Callable[[], float],
    monotonic: Callable[[], float],
    chance: Callable[[], float],
    wait: Callable[[float], None],
) -> Aws:
    """Join the pieces for one environment; `wait` sleeps between attempts, and may raise Stopping."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    retry = Retry(
        monotonic=monotonic,
        chance=chance,
        wait=wait,
        attempt_seconds=bounds.attempt_seconds,
        deadline_seconds=bounds.deadline_seconds,
    )
    trust = Trust(trust_stores(environment.get("AWS_CA_BUNDLE"), bounds.full_bundle))
    limits = Limits(connect_seconds=bounds.connect_seconds, read_seconds=bounds.attempt_seconds)
    direct = Transport(Dialer(trust, limits), wall=wall, monotonic=monotonic)
    transport = Transport(Dialer(trust, limits, proxy_for=proxy_rule(environment)), wall=wall, monotonic=monotonic)
    endpoints, problems = EndpointSettings.from_env(environment)
    credentials = choose_provider(environment, direct, retry, wall)
    exchange = Exchange(transport, endpoints, retry, wall)
    roles = AssumedRoles(exchange, credentials, wall=wall, region=region, external_id=bounds.external_id)
    return Aws(
        client=AwsClient(exchange, credentials, roles),
        credentials=credentials,
        roles=roles,
        transport=transport,
        region=region,
        problems=problems,
    )
