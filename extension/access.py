"""The way to AWS: one transport, one set of credentials, and the sources that use them.

Law: nothing is connected or asked for before somebody needs it; and what is forgotten is nowhere else.
"""

from __future__ import annotations

from extension.aws.client import AwsClient
from extension.aws.credentials import ContainerCredentials, choose_provider
from extension.aws.exchange import Exchange
from extension.aws.retry import Retry
from extension.aws.sts import AssumedRoles
from extension.fetcher import Sources
from extension.sources.parameterstore import ParameterStore
from extension.sources.secretsmanager import SecretsManager
from extension.upstream.connection import Dialer, Limits
from extension.upstream.names import Names
from extension.upstream.proxy import proxy_rule
from extension.upstream.tls import Trust, trust_stores
from extension.upstream.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from extension.aws.endpoints import EndpointSettings
    from extension.core.model import Sensitive
    from extension.core.settings import Settings
    from extension.world import World

    Job = TypeVar("Job")
    Results = TypeVar("Results")

CONNECT_SECONDS = 1.0


class Access:
    """Sources that try again, and hasty ones that leave that to whoever knows another region."""

    def __init__(self, world: World, settings: Settings, endpoints: EndpointSettings, region: str) -> None:
        """Connect nothing yet."""
        attempt_seconds = settings.attempt_timeout_ms / 1000
        self._transport = _transport(world, attempt_seconds)
        self._retry = Retry(
            monotonic=world.monotonic,
            chance=world.chance,
            wait=world.wait,
            attempt_seconds=attempt_seconds,
            deadline_seconds=settings.deadline_ms / 1000,
        )
        self._provider = choose_provider(world.environment, self._transport, self._retry, world.clock)
        exchange = Exchange(self._transport, endpoints, self._retry, world.clock)
        self._roles = AssumedRoles(
            exchange, self._provider, wall=world.clock, region=region, external_id=settings.role_external_id
        )
        self._keeping = True
        self.forgotten = 0
        self.sources = _sources(AwsClient(exchange, self._provider, self._roles), region)
        self.hasty_sources = _sources(AwsClient(exchange, self._provider, self._roles, hasty=True), region)

    @property
    def has_session_tokens(self) -> bool:
        """Tell whether session tokens come from an endpoint, and so may be others than we know."""
        return isinstance(self._provider, ContainerCredentials)

    def session_tokens(self) -> tuple[Sensitive, ...]:
        """Return the session tokens that the credential endpoint gave now and last."""
        return self._provider.last_session_tokens() if isinstance(self._provider, ContainerCredentials) else ()

    def renew_session_token(self) -> None:
        """Ask the credential endpoint what it gives now."""
        if isinstance(self._provider, ContainerCredentials):
            self._provider.ask_anew(self._retry.attempt_seconds)

    def leaving_no_trace(self, fetch: Callable[[Job], Results]) -> Callable[[Job], Results]:
        """Return `fetch`; while nothing is to be kept, it drops credentials and connections behind each call."""

        def fetch_and_forget(job: Job) -> Results:
            try:
                return fetch(job)
            finally:
                self.settle()

        return fetch_and_forget

    def settle(self) -> None:
        """Drop, behind a call, what it left where nothing is to be kept."""
        if not self._keeping:
            self._drop()

    def forget(self, *, keeping: bool) -> None:
        """Close connections and drop credentials; with `keeping` False they are dropped again after every call."""
        self._keeping = keeping
        self._drop()

    def _drop(self) -> None:
        self.forgotten += 1
        self._transport.close()
        self._roles.forget()
        if isinstance(self._provider, ContainerCredentials):
            self._provider.forget()


def _transport(world: World, attempt_seconds: float) -> Transport:
    trust = Trust(trust_stores(world.environment.get("AWS_CA_BUNDLE")))
    limits = Limits(connect_seconds=CONNECT_SECONDS, read_seconds=attempt_seconds)
    dialer = Dialer(trust, limits, proxy_for=proxy_rule(world.environment), resolve=Names(world.clock))
    return Transport(dialer, wall=world.clock, monotonic=world.monotonic)


def _sources(client: AwsClient, region: str) -> Sources:
    return Sources(secrets=SecretsManager(client, region), parameters=ParameterStore(client, region))
