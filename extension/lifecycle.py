"""The lifecycle: what happens between being started and being ended, on each of the four hosts.

    bind ─► register ─► assemble ─► serve, prefetch ─► next ─► INVOKE … ─► SHUTDOWN ─► drain
                (Lambda starts the function here)       standalone: a signal ─► drain

Law: nothing but SHUTDOWN (or a signal, standalone) ends a sidecar that could serve at all. Everything before `register`
is the function's cold start, so nothing stands there but what must.
"""

from __future__ import annotations

from _signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, signal
from _thread import allocate_lock, start_new_thread

from extension.core.host import INIT_LIMIT_SECONDS, events, host_of, runs_daemon
from extension.lambda_api import ExtensionsApiError, LambdaApi
from extension.listen import CannotListenError, bind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable

    from extension.assembly import Sidecar
    from extension.core.errors import SidekeyError
    from extension.core.host import Host
    from extension.world import World

DEFAULT_PORT = 2773
DRAIN_SECONDS = 1.0
DRAIN_MARGIN_SECONDS = 0.3
API_PAUSE_SECONDS = 1.0
LANDING_SECONDS = 0.5
"""So long before init's limit the calls end for what is required: how they ended decides on init."""
NO_REASON_TO_END = (SIGHUP, SIGINT, SIGTERM)
"""Lambda sends no signal; a function that ends its own processes must not end us, and itself, along with them."""


def run(world: World) -> int:
    """Live until the host ends us; return the exit status."""
    host = host_of(world.environment)
    phases = [("started", world.clock())]
    listeners, taken = _bind(world)
    phases.append(("bound", world.clock()))
    if host == "standalone":
        from extension.standalone import stand_alone

        return stand_alone(world, listeners, taken)
    api = LambdaApi(world.environment["AWS_LAMBDA_RUNTIME_API"])
    try:
        registration = api.register(world.name, events(host, world.environment))
    except ExtensionsApiError as error:
        return _say(error)
    phases.append(("registered", world.clock()))
    return _Life(world, host, api, phases).live(listeners, taken, registration.account_id)


def _bind(world: World) -> tuple[list[socket], SidekeyError | None]:
    """Bind, and leave it to the host how to say that the port cannot be had."""
    text = world.environment.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "").strip()
    fits = text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536  # noqa: PLR2004 (ports)
    try:
        return bind(int(text) if fits else DEFAULT_PORT), None
    except CannotListenError as error:
        return [], error


def _say(error: SidekeyError) -> int:
    from extension.report import Log

    Log().error(error.message)
    return 1


class Serving:
    """A server in a thread of its own; `failed` is called if it ends by itself."""

    def __init__(
        self,
        sidecar: Sidecar,
        listeners: list[socket],
        world: World,
        host: Host,
        failed: Callable[[], object] = lambda: None,
    ) -> None:
        """Start serving."""
        from extension.assembly import make_server

        self._server = make_server(sidecar, listeners, world, host)
        self._listeners = listeners
        self._log = sidecar.log
        self._failed = failed
        self._ended = allocate_lock()
        self._ended.acquire()
        start_new_thread(self._run, ())

    def _run(self) -> None:
        try:
            self._server.run()
        except Exception as error:  # noqa: BLE001 (the end of a thread would go unnoticed)
            self._log.error(f"the server failed, nothing is answered any more: {type(error).__name__}")
            self._failed()
        finally:
            for listener in self._listeners:  # who comes now is told so, instead of waiting where nobody accepts
                listener.close()
            self._ended.release()

    def drain(self, seconds: float) -> None:
        """Take nobody new, give what is owed `seconds`, and return when that is done."""
        self._server.stop(seconds)
        self._ended.acquire(True, seconds + DRAIN_MARGIN_SECONDS)


class _Life:
    """One life on Lambda, after `register`."""

    def __init__(self, world: World, host: Host, api: LambdaApi, phases: list[tuple[str, float]]) -> None:
        self._world = world
        self._host = host
        self._api = api
        self._phases = phases
        self._invoked = False

    def live(self, listeners: list[socket], taken: SidekeyError | None, account: str | None) -> int:
        """Serve until SHUTDOWN, or say at once why nothing can be served."""
        from extension.assembly import assemble
        from extension.core.errors import SettingsError

        for number in NO_REASON_TO_END:
            signal(number, SIG_IGN)
        if taken is not None:
            return self._give_up(f"Extension.{taken.code}", taken.message)
        try:
            sidecar = assemble(self._world)
            sidecar.store.shelf.own_account = account
            self._start(sidecar)
            serving = Serving(sidecar, listeners, self._world, self._host)
        except SettingsError as error:
            return self._give_up("Extension.InvalidSettings", error.message)
        except Exception as error:  # noqa: BLE001 (Lambda is told why, instead of a bare crash)
            return self._give_up("Extension.InternalError", f"the extension could not start: {type(error).__name__}")
        failures = self._await_prefetch(sidecar)
        if failures:
            return self._give_up("Extension.RequiredMissing", "; ".join(failures))
        self._settle(sidecar)
        deadline = self._wait_for_shutdown(sidecar)
        return self._drain(sidecar, serving, deadline)

    def _give_up(self, error_type: str, message: str) -> int:
        """Tell Lambda, and the log, why nothing can be served."""
        from extension.report import Log

        Log().error(message)
        try:
            self._api.init_error(error_type, message)
        except ExtensionsApiError as error:
            Log().error(error.message)
        return 1

    def _start(self, sidecar: Sidecar) -> None:
        """Say what is wrong with the settings, and start the prefetch where its values may be kept."""
        for problem in sidecar.problems:
            sidecar.log.error(problem)
        if self._host == "snap-start":
            sidecar.forget(keeping=False)
            sidecar.prefetch.postpone()
        else:
            sidecar.prefetch.start(required_by=self._world.clock() + self._init_left() - LANDING_SECONDS)

    def _await_prefetch(self, sidecar: Sidecar) -> list[str]:
        """Wait as long as init may, for what is required to init's limit; return what of that is not there."""
        if self._host == "snap-start":
            return []
        done = sidecar.prefetch.wait(min(sidecar.settings.prefetch_timeout_ms / 1000, self._init_left()))
        self._mark("prefetched" if done else "prefetch late")
        sidecar.prefetch.wait_for_required(self._init_left())
        return sidecar.prefetch.required_failures()

    def _init_left(self) -> float:
        return max(0.0, self._phases[0][1] + INIT_LIMIT_SECONDS[self._host] - self._world.clock())

    def _settle(self, sidecar: Sidecar) -> None:
        """Tidy up before the first `next`: say the phases, and start timers where nothing freezes."""
        self._mark("next")
        for name, moment in self._phases:
            sidecar.log.report("debug", f"phase {name} at {moment:.6f}")
        if runs_daemon(self._host):
            from extension.ticker import start

            start(lambda: tick(sidecar, self._world), sidecar.log.report)
        collect_garbage_again()

    def _mark(self, phase: str) -> None:
        self._phases.append((phase, self._world.clock()))

    def _wait_for_shutdown(self, sidecar: Sidecar) -> float:
        """Take events until SHUTDOWN; return its deadline in epoch seconds."""
        while True:
            try:
                event = self._api.next_event()
            except ExtensionsApiError as error:
                sidecar.log.report("error", error.message)
                self._world.wait(API_PAUSE_SECONDS)
                continue
            if event.kind == "SHUTDOWN":
                sidecar.log.report("debug", f"SHUTDOWN: {event.reason}")
                return event.deadline_ms / 1000
            try:
                self._on_invoke(sidecar, event.deadline_ms / 1000)
            except Exception as error:  # noqa: BLE001 (a refresh that cannot be started must not end the function)
                sidecar.log.report("error", f"an invocation's refresh failed to start: {type(error).__name__}")

    def _on_invoke(self, sidecar: Sidecar, deadline: float) -> None:
        """Start what this invocation may need; never wait for it."""
        if self._host == "snap-start" and not self._invoked:
            wake(sidecar, deadline)
        elif sidecar.settings.refresh != "read":
            sidecar.store.refresh_due(self._world.clock(), deadline, sidecar.prefetch.queries)
        self._invoked = True

    def _drain(self, sidecar: Sidecar, serving: Serving, deadline: float) -> int:
        sidecar.store.stop()
        left = deadline - self._world.clock() - DRAIN_MARGIN_SECONDS
        serving.drain(min(max(left, 0.0), DRAIN_SECONDS))
        sidecar.log.report("debug", "drained")
        return 0


def collect_garbage_again() -> None:
    """End the start's saving: collect cycles from now on, but never look through what the start has made."""
    import gc

    gc.freeze()
    gc.enable()


def wake(sidecar: Sidecar, deadline: float) -> None:
    """Begin anew after a snapshot: nothing from before it is trusted, and the clones must not share randomness."""
    from _ssl import RAND_add
    from posix import urandom

    RAND_add(urandom(48), 48.0)
    sidecar.forget(keeping=True)
    sidecar.prefetch.start(deadline)


def tick(sidecar: Sidecar, world: World) -> None:
    """Refresh what is due, where timers can."""
    now = world.clock()
    sidecar.store.refresh_due(now, now + sidecar.settings.deadline_ms / 1000, sidecar.prefetch.queries)
