"""The assembly: wires settings, sources, store, application and server into one sidecar.

    environment ─► settings ─► transport ─► sources ─► fetcher ─► store ─► application ─► front or back

Law: nothing is fetched, read from the network or started here; what is wrong with the settings is collected, so that
all of it can be said at once.
"""

from __future__ import annotations

from errno import EFBIG
from posix import O_NONBLOCK
from posix import open as posix_open

from extension.access import Access
from extension.application import Application
from extension.aws.endpoints import EndpointSettings
from extension.core.cache import Cache
from extension.core.config import Wish, rules
from extension.core.errors import SettingsError
from extension.core.flight import Flights
from extension.core.host import runs_daemon
from extension.core.identity import Home
from extension.core.record import Record
from extension.core.settings import Settings
from extension.core.shelf import Shelf
from extension.fetcher import Fetcher
from extension.memo import Memo
from extension.prefetch import Prefetch
from extension.report import Log
from extension.store import Store
from extension.tokens import Renewal, Tokens, environment_tokens
from extension.workers import Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from typing import Any, Protocol

    from extension.core.host import Host
    from extension.world import World

    class Server(Protocol):
        """An HTTP shell."""

        def run(self) -> None:
            """Serve until stopped."""

        def stop(self, grace_seconds: float) -> None:
            """End `run`, from another thread."""


MAX_TEXT_CHARACTERS = 1 << 20
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
    answers: Memo
    access: Access
    tokens: Callable[[], tuple[bytes, ...]]

    def forget(self, *, keeping: bool) -> None:
        """Drop every value, credential and connection there is (SnapStart: none may live in a snapshot).

        With `keeping` False nothing that comes later is kept either, until the next call.
        """
        self.store.forget(keeping=keeping)
        self.memo.forget()
        self.answers.forget()
        self.access.forget(keeping=keeping)
        self.tokens()  # looks again, and so drops what is no longer provided


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
    access = Access(world, settings, endpoints, region)
    home = Home(region=region, failover=settings.failover_regions, configured=_configured(wishes))
    resolved = _distinct(wishes, home)
    memo, answers = Memo(), Memo()

    def forget_stale() -> None:
        memo.forget_stale()
        answers.forget_stale()

    store = _store(world, settings, access, log, resolved, changed=forget_stale)
    prefetch = Prefetch(store, resolved if store.shelf.cache.limit else (), log.report)
    tokens, renewal = _tokens(fixed_tokens, access, world, changed=memo.forget)
    application = Application(
        store,
        home,
        prefetch,
        shape=settings.dialect,  # type: ignore[arg-type]
        tokens=tokens,
        renewal=renewal,
        memo=answers,
    )
    return Sidecar(
        settings=settings,
        problems=problems,
        log=log,
        store=store,
        prefetch=prefetch,
        application=application,
        memo=memo,
        answers=answers,
        access=access,
        tokens=tokens,
    )


def _tokens(
    fixed: tuple[bytes, ...], access: Access, world: World, changed: Callable[[], None]
) -> tuple[Callable[[], tuple[bytes, ...]], Renewal | None]:
    """Return what tells the tokens that count now, and what asks for newer ones where there may be any."""
    if not access.has_session_tokens:
        return lambda: fixed, None
    tokens = Tokens(fixed, access.session_tokens, changed=changed)

    def settle() -> None:
        access.settle()
        tokens()

    return tokens, Renewal(access.renew_session_token, world.clock, lambda: access.forgotten, settle)


def _store(
    world: World,
    settings: Settings,
    access: Access,
    log: Log,
    wishes: tuple[Wish, ...],
    changed: Callable[[], None],
) -> Store:
    """Join cache, sources and workers."""
    deadline = settings.deadline_ms / 1000
    seconds = {
        "secretsmanager": settings.secret_timeout_ms / 1000 or deadline,
        "ssm": settings.parameter_timeout_ms / 1000 or deadline,
    }
    fetcher = Fetcher(
        access.sources,
        access.hasty_sources,
        clock=world.clock,
        monotonic=world.monotonic,
        call_seconds=seconds,
        report=log.report,
        give_way=world.give_way,
    )
    workers = {service: Workers(settings.max_connections) for service in seconds}
    limit = settings.cache_size if settings.cache_enabled else 0
    negative_ttl_seconds = settings.negative_ttl_seconds if limit else 0
    shelf = Shelf(Cache(limit), rules(settings, wishes).strictest, world.chance, negative_ttl_seconds)
    return Store(
        shelf,
        access.leaving_no_trace(fetcher.fetch),
        lambda service, work, **rank: workers[service].submit(work, **rank),
        clock=world.clock,
        report=log.report,
        batch=settings.batch,
        flights=Flights(
            max(seconds.values()) + LANDING_SECONDS,
            lambda service: world.monotonic() + seconds.get(service, seconds["ssm"]),
        ),
        changed=changed,
    )


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
    """Read a text, which is no pipe that nobody writes to, and not without end."""
    with open(path, encoding="utf-8", opener=_open_at_once) as file:
        text = file.read(MAX_TEXT_CHARACTERS + 1)
    if len(text) > MAX_TEXT_CHARACTERS:
        raise OSError(EFBIG, f"it has more than {MAX_TEXT_CHARACTERS} characters")
    return text.removeprefix("\ufeff")


def _open_at_once(path: str, flags: int) -> int:
    return posix_open(path, flags | O_NONBLOCK)


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
