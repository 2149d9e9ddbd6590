"""The assembly: wires settings, sources, store, application and server into one sidecar.

    environment ─► settings ─► transport ─► sources ─► fetcher ─► store ─► application ─► front or back

Law: nothing is fetched, read from the network or started here; what is wrong with the settings is collected, so that
all of it can be said at once.
"""

from __future__ import annotations

from os import path

from extension.application import Application
from extension.aws.client import AwsClient
from extension.aws.credentials import choose_provider
from extension.aws.endpoints import EndpointSettings
from extension.aws.exchange import Exchange
from extension.aws.retry import Retry
from extension.aws.sts import AssumedRoles
from extension.core.cache import Cache
from extension.core.config import Wish, rules
from extension.core.errors import SettingsError
from extension.core.host import runs_daemon
from extension.core.identity import Home
from extension.core.record import Record
from extension.core.settings import Settings
from extension.core.shelf import Shelf
from extension.fetcher import Fetcher, Sources
from extension.front.memo import Memo
from extension.prefetch import Prefetch
from extension.report import Log
from extension.sources.parameterstore import ParameterStore
from extension.sources.secretsmanager import SecretsManager
from extension.store import Store
from extension.tokens import Tokens, environment_tokens
from extension.upstream.connection import Dialer, Limits
from extension.upstream.proxy import proxy_rule
from extension.upstream.tls import SYSTEM_ROOTS, Trust, trust_stores
from extension.upstream.transport import Transport
from extension.workers import Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from typing import Any, Protocol

    from extension.aws.exchange import Provider
    from extension.core.host import Host
    from extension.core.model import Sensitive
    from extension.world import World

    class Server(Protocol):
        """An HTTP shell."""

        def run(self) -> None:
            """Serve until stopped."""

        def stop(self, grace_seconds: float) -> None:
            """End `run`, from another thread."""


CONNECT_SECONDS = 1.0
LANDING_SECONDS = 1.0
"""Beyond its bound, what a fetch may take before it counts as frozen."""


class Sidecar(Record):
    """All the parts that the lifecycle moves."""

    settings: Settings
    problems: tuple[str, ...]
    log: Log
    store: Store
    prefetch: Prefetch
    application: Application
    memo: Memo
    upstream: Upstream

    def forget(self, *, keeping: bool) -> None:
        """Drop every value, credential and connection there is (SnapStart: none may live in a snapshot)."""
        self.memo.forget()
        self.store.forget(keeping=keeping)
        self.upstream.forget()


class Upstream:
    """The way to AWS: one transport, one set of credentials, and the clients that use them."""

    def __init__(self, world: World, settings: Settings, endpoints: EndpointSettings, region: str) -> None:
        """Connect nothing yet."""
        environment = world.environment
        attempt_seconds = settings.attempt_timeout_ms / 1000
        trust = Trust(trust_stores(environment.get("AWS_CA_BUNDLE"), _full_bundle()))
        limits = Limits(connect_seconds=CONNECT_SECONDS, read_seconds=attempt_seconds)
        dialer = Dialer(trust, limits, proxy_for=proxy_rule(environment))
        self.transport = Transport(dialer, wall=world.clock, monotonic=world.monotonic)
        retry = Retry(
            monotonic=world.monotonic,
            chance=world.chance,
            wait=world.wait,
            attempt_seconds=attempt_seconds,
            deadline_seconds=settings.deadline_ms / 1000,
        )
        self.provider: Provider = choose_provider(environment, self.transport, retry, world.clock)
        exchange = Exchange(self.transport, endpoints, retry, world.clock)
        self.roles = AssumedRoles(
            exchange, self.provider, wall=world.clock, region=region, external_id=settings.role_external_id
        )
        self.client = AwsClient(exchange, self.provider, self.roles)
        self.hasty_client = AwsClient(exchange, self.provider, self.roles, hasty=True)

    def session_tokens(self) -> tuple[Sensitive, ...]:
        """Return the session tokens that the credential endpoint gave now and last."""
        tokens: Callable[[], tuple[Sensitive, ...]] | None = getattr(self.provider, "last_session_tokens", None)
        return tokens() if tokens is not None else ()

    def forget(self) -> None:
        """Close connections and drop credentials."""
        self.transport.close()
        self.roles.forget()
        forget: Callable[[], None] | None = getattr(self.provider, "forget", None)
        if forget is not None:
            forget()


def assemble(world: World) -> Sidecar:
    """Return the sidecar, or raise SettingsError with every problem where nothing could be served at all."""
    environment = world.environment
    settings, problems = Settings.from_env(environment)
    log = Log(settings.log_level)
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    endpoints, endpoint_problems = EndpointSettings.from_env(environment)
    fixed_tokens, token_problems = environment_tokens(environment, _read_text)
    wishes, config_problems = _wishes(settings)
    problems = (*problems, *endpoint_problems, *token_problems, *config_problems)
    if not fixed_tokens:
        msg = "there is no token to check requests with: AWS_SESSION_TOKEN is not set (nor AWS_TOKEN)"
        raise SettingsError((*problems, msg))
    upstream = Upstream(world, settings, endpoints, region)
    home = Home(region=region, failover=settings.failover_regions, configured=_configured(wishes))
    resolved = _distinct(wishes, home)
    store = _store(world, settings, upstream, log, resolved, region)
    prefetch = Prefetch(store, resolved if store.shelf.cache.limit else (), log.report)
    tokens = Tokens(fixed_tokens, upstream.session_tokens)
    application = Application(store, home, prefetch, shape=settings.dialect, tokens=tokens)  # type: ignore[arg-type]
    return Sidecar(
        settings=settings,
        problems=problems,
        log=log,
        store=store,
        prefetch=prefetch,
        application=application,
        memo=Memo(),
        upstream=upstream,
    )


def _full_bundle() -> str:
    """Return the layer's own full CA bundle; outside the layer the system's."""
    bundle = f"{__file__.rpartition('/extension/')[0]}/ca/full.pem"
    return bundle if path.exists(bundle) else SYSTEM_ROOTS


def _store(
    world: World, settings: Settings, upstream: Upstream, log: Log, wishes: tuple[Wish, ...], region: str
) -> Store:
    """Join cache, sources and workers."""
    deadline = settings.deadline_ms / 1000
    seconds = {
        "secretsmanager": settings.secret_timeout_ms / 1000 or deadline,
        "ssm": settings.parameter_timeout_ms / 1000 or deadline,
    }
    fetcher = Fetcher(
        _sources(upstream.client, region),
        _sources(upstream.hasty_client, region),
        clock=world.clock,
        monotonic=world.monotonic,
        call_seconds=seconds,
        report=log.report,
    )
    workers = {service: Workers(settings.max_connections) for service in seconds}
    limit = settings.cache_size if settings.cache_enabled else 0
    shelf = Shelf(Cache(limit), rules(settings, wishes).freshness_of, world.chance, settings.negative_ttl_seconds)
    return Store(
        shelf,
        fetcher.fetch,
        lambda service, work, wide: workers[service].submit(work, wide=wide),
        clock=world.clock,
        report=log.report,
        batch=settings.batch,
        patience_seconds=max(seconds.values()) + LANDING_SECONDS,
    )


def _sources(client: AwsClient, region: str) -> Sources:
    return Sources(secrets=SecretsManager(client, region), parameters=ParameterStore(client, region))


def _wishes(settings: Settings) -> tuple[tuple[Wish, ...], tuple[str, ...]]:
    """Return what is to be prefetched, of both lists, and the configuration file's problems."""
    listed = tuple(Wish(reference=reference) for reference in settings.prefetch)
    if not settings.config_path:
        return listed, ()
    from extension.core.config import parse_config

    try:
        text = _read_text(settings.config_path)
    except (OSError, UnicodeDecodeError) as error:
        return listed, (f"SIDEKEY_CONFIG names a file that cannot be read: {getattr(error, 'strerror', 'not UTF-8')}",)
    configured, problems = parse_config(text)
    return (*configured, *listed), problems


def _configured(wishes: tuple[Wish, ...]) -> dict:  # type: ignore[type-arg]
    return {wish.reference.query: wish.configured for wish in wishes if wish.configured is not None}


def _distinct(wishes: tuple[Wish, ...], home: Home) -> tuple[Wish, ...]:
    """Return one wish for each query; the configuration file's comes first, for it says more."""
    resolved: dict[object, Wish] = {}
    for wish in wishes:
        settled = wish.resolved(home)
        resolved.setdefault(settled.reference.query, settled)
    return tuple(resolved.values())


def _read_text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def make_server(sidecar: Sidecar, listeners: list[socket], world: World, host: Host) -> Server:
    """Return the HTTP shell for `host`, not yet running."""
    shared: dict[str, Any] = {
        "memo": sidecar.memo,
        "clock": world.clock,
        "report": sidecar.log.error,
        "max_clients": sidecar.settings.max_clients,
    }
    if runs_daemon(host):
        from extension.back.server import Back

        return Back(listeners, sidecar.application, **shared)
    from extension.front.loop import Front

    return Front(listeners, sidecar.application, monotonic=world.monotonic, **shared)
