"""Settings: parsed once from the environment into real types, with every problem reported at once.

Law: a bad value never stops what is sound. It is reported with its variable, its shape (never its text, which could be
a secret in the wrong place) and what is allowed, and the default stands in.
"""

from __future__ import annotations

from extension.core.errors import RequestError
from extension.core.record import Record
from extension.core.reference import check_region, parse_reference, split_references
from extension.core.variables import VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from extension.core.reference import Reference
    from extension.core.variables import Variable

_FLAGS = {"true": True, "false": False}


class Settings(Record):
    """What the operator chose. Times carry their unit in the name."""

    cache_enabled: bool
    cache_size: int
    port: int
    log_level: str
    max_connections: int
    secret_ttl_seconds: int
    parameter_ttl_seconds: int
    secret_timeout_ms: int
    parameter_timeout_ms: int
    prefetch: tuple[Reference, ...]
    prefetch_timeout_ms: int
    config_path: str
    batch: str
    dialect: str
    refresh: str
    max_stale_seconds: int
    negative_ttl_seconds: int
    max_clients: int
    failover_regions: tuple[str, ...]
    role_external_id: str
    attempt_timeout_ms: int
    deadline_ms: int

    @staticmethod
    def from_env(environment: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
        """Return the settings and a sentence for each problem found on the way."""
        values: dict[str, Any] = {}
        problems = unknown_names(environment)
        for variable in VARIABLES:
            text = environment.get(variable.name) or variable.default
            values[variable.field], wrong = _parse(variable, text)
            problems.extend(wrong)
        return Settings(**values), tuple(problems)


def unknown_names(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each SIDEKEY_ variable that does not exist, with the nearest one that does."""
    known = [variable.name for variable in VARIABLES]
    wrong = sorted(name for name in environment if name.startswith("SIDEKEY_") and name not in known)
    if not wrong:
        return []
    from difflib import get_close_matches

    problems = []
    for name in wrong:
        near = get_close_matches(name.upper(), known, n=1, cutoff=0.5)
        problems.append(f"{name} is unknown" + (f": did you mean {near[0]}?" if near else ""))
    return problems


def _parse(variable: Variable, text: str) -> tuple[Any, list[str]]:
    """Return the value of `text` (the default where it is wrong) and the problems found in it."""
    if variable.kind == "references":
        return _parse_references(variable, text)
    value = _value(variable, text.strip())
    if value is not None:
        return value, []
    problem = (
        f"{variable.name} holds {shape(text)}; allowed: {variable.allowed}; {variable.default or 'nothing'} is used"
    )
    return _value(variable, variable.default), [problem]


def _value(variable: Variable, text: str) -> Any:
    """Return the typed value, or None if `text` is none that `variable` allows."""
    if variable.kind == "flag":
        return _FLAGS.get(text.lower())
    if variable.kind == "choice":
        return text.lower() if text.lower() in variable.choices else None
    if variable.kind == "whole":
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(variable.high)) + 3 else -1
        return number if variable.low <= number <= variable.high else None
    if variable.kind == "regions":
        return _regions(text)
    return text


def _regions(text: str) -> tuple[str, ...] | None:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    return names if all(check_region(name) for name in names) else None


def _parse_references(variable: Variable, text: str) -> tuple[tuple[Reference, ...], list[str]]:
    """Return the sound references of a list, and a sentence for each that is not."""
    found, problems = [], []
    for position, part in enumerate(split_references(text), 1):
        try:
            found.append(parse_reference(part))
        except RequestError as error:
            problems.append(f"{variable.name}, reference {position}: {error.message}")
    return tuple(found), problems


def shape(text: str) -> str:
    """Describe a value without showing it."""
    if not text.strip():
        return "only blanks"
    if text.lstrip("-").isascii() and text.lstrip("-").isdigit():
        return f"a number of {len(text)} characters"
    return f"{len(text)} characters that do not fit"
