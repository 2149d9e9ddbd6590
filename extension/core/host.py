"""The four hosts, told apart by their environment, and what each asks of the lifecycle.

    on-demand    INVOKE drives refresh; frozen between invocations (provisioned concurrency: the same)
    snap-start   the memory after init is cloned: nothing from before the first INVOKE is trusted
    managed      Managed Instances: SHUTDOWN only, no freeze, parallel invocations
    standalone   no Lambda: signals end it

Sources: Lambda's documentation and its emulator (see README, "How it works").
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Host = Literal["on-demand", "snap-start", "managed", "standalone"]

_TYPES: dict[str, Host] = {"snap-start": "snap-start", "lambda-managed-instances": "managed"}
INIT_LIMIT_SECONDS = {"on-demand": 9.0, "snap-start": 120.0, "managed": 120.0, "standalone": 900.0}
"""How long init may wait for the prefetch: Lambda's own limit (10 s, else 130 s) less a margin."""


def host_of(environment: Mapping[str, str]) -> Host:
    """Return the host that `environment` tells of."""
    if not environment.get("AWS_LAMBDA_RUNTIME_API"):
        return "standalone"
    return _TYPES.get(environment.get("AWS_LAMBDA_INITIALIZATION_TYPE", ""), "on-demand")


def runs_daemon(host: Host) -> bool:
    """Tell whether there is no cold start to save, but time and clients: aiohttp on uvloop, and timers."""
    return host in ("managed", "standalone")


def events(host: Host, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the events to register for. INVOKE only where it is of use: each one costs the invocation a little."""
    if host == "managed":
        return ("SHUTDOWN",)
    if host == "snap-start":
        return ("INVOKE", "SHUTDOWN")
    refresh = environment.get("SIDEKEY_REFRESH", "auto").strip().lower()
    listed = bool(environment.get("SIDEKEY_PREFETCH", "").strip() or environment.get("SIDEKEY_CONFIG"))
    return ("INVOKE", "SHUTDOWN") if refresh == "invoke" or (listed and refresh != "read") else ("SHUTDOWN",)
