"""Every environment variable that Sidekey reads as a setting: one table for parser, README and its test.

`kind` is what the text must be: `flag` (true/false, any case), `whole` (a whole number from `low` to `high`),
`choice` (one of `choices`, any case), `text`, or `references` and `regions` (comma-separated).
"""

from __future__ import annotations

from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["flag", "whole", "choice", "text", "references", "regions"]


class Variable(Record):
    """One variable; `field` is the name of its value in `Settings`."""

    name: str
    field: str
    kind: Kind
    default: str
    about: str
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may stand there, in words."""
        if self.kind == "whole":
            return f"a whole number from {self.low} to {self.high}"
        words = {
            "flag": "true or false",
            "choice": ", ".join(self.choices),
            "text": "text",
            "references": "references, comma-separated",
            "regions": "regions, comma-separated",
        }
        return words[self.kind]


def _whole(name: str, field: str, default: int, low: int, high: int, about: str) -> Variable:
    return Variable(name=name, field=field, kind="whole", default=str(default), low=low, high=high, about=about)


def _choice(name: str, field: str, default: str, choices: tuple[str, ...], about: str) -> Variable:
    return Variable(name=name, field=field, kind="choice", default=default, choices=choices, about=about)


def _other(name: str, field: str, kind: Kind, default: str, about: str) -> Variable:
    return Variable(name=name, field=field, kind=kind, default=default, about=about)


_AWS = "PARAMETERS_SECRETS_EXTENSION_"
LEVELS = ("debug", "info", "warn", "error", "none")

VARIABLES = (
    _other(_AWS + "CACHE_ENABLED", "cache_enabled", "flag", "true", "false: every read goes upstream"),
    _whole(_AWS + "CACHE_SIZE", "cache_size", 1000, 0, 1000, "entries kept; 0 = no caching"),
    _whole(_AWS + "HTTP_PORT", "port", 2773, 1, 65535, "port on 127.0.0.1 and ::1"),
    _choice(_AWS + "LOG_LEVEL", "log_level", "info", LEVELS, "what is logged"),
    _whole(_AWS + "MAX_CONNECTIONS", "max_connections", 3, 1, 100, "outbound connections per AWS service"),
    _whole("SECRETS_MANAGER_TTL", "secret_ttl_seconds", 300, 0, 86400, "seconds a secret is fresh; 0 = not cached"),
    _whole("SSM_PARAMETER_STORE_TTL", "parameter_ttl_seconds", 300, 0, 86400, "the same for parameters"),
    _whole(
        "SECRETS_MANAGER_TIMEOUT_MILLIS", "secret_timeout_ms", 0, 0, 900_000, "bound of a whole call; 0 = the deadline"
    ),
    _whole("SSM_PARAMETER_STORE_TIMEOUT_MILLIS", "parameter_timeout_ms", 0, 0, 900_000, "the same for Parameter Store"),
    _other("SIDEKEY_PREFETCH", "prefetch", "references", "", "what is fetched while the function starts"),
    _whole("SIDEKEY_PREFETCH_TIMEOUT_MS", "prefetch_timeout_ms", 2000, 0, 900_000, "how long init waits for that"),
    _other("SIDEKEY_CONFIG", "config_path", "text", "", "a TOML file with settings per reference"),
    _choice("SIDEKEY_BATCH", "batch", "auto", ("auto", "always", "never"), "BatchGetSecretValue: beyond 20 secrets"),
    _choice(
        "SIDEKEY_DIALECT", "dialect", "extension", ("extension", "agent"), "whose answers /secretsmanager/get gives"
    ),
    _choice(
        "SIDEKEY_REFRESH",
        "refresh",
        "auto",
        ("auto", "invoke", "read"),
        "refresh on INVOKE (auto: with a prefetch list)",
    ),
    _whole(
        "SIDEKEY_MAX_STALE", "max_stale_seconds", 3600, 0, 604_800, "seconds past its TTL that a value may stand in"
    ),
    _whole("SIDEKEY_NEGATIVE_TTL", "negative_ttl_seconds", 5, 0, 300, "seconds that a failure is remembered"),
    _whole("SIDEKEY_MAX_CLIENTS", "max_clients", 256, 1, 900, "connections from the function at once"),
    _other(
        "SIDEKEY_FAILOVER_REGIONS",
        "failover_regions",
        "regions",
        "",
        "replicas of secrets to ask when the region does not answer",
    ),
    _other("SIDEKEY_ROLE_EXTERNAL_ID", "role_external_id", "text", "", "external id for every assumed role"),
    _whole("SIDEKEY_ATTEMPT_TIMEOUT_MS", "attempt_timeout_ms", 3000, 50, 60_000, "bound of one attempt upstream"),
    _whole("SIDEKEY_DEADLINE_MS", "deadline_ms", 10_000, 100, 900_000, "bound of a call with all its attempts"),
)
"""In the order of README's table."""
