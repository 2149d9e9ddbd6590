"""The configuration file: settings per reference, as TOML.

    [prefetch."secretsmanager://prod/db"]
    ttl = 600              # seconds
    max_stale = 86400      # seconds past the TTL
    required = true        # init fails without it
    role = "arn:aws:iam::123456789012:role/reader"
    region = ["eu-west-1", "eu-central-1"]

Law: as for the environment, a wrong entry is reported by its place and left out; the others count.
"""

from __future__ import annotations

from extension.core.errors import RequestError
from extension.core.policy import Freshness
from extension.core.record import Record
from extension.core.reference import Reference, build_query, parse_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from extension.core.identity import Home
    from extension.core.model import Query
    from extension.core.settings import Settings

MAX_SECONDS = 604_800
_KEYS = ("ttl", "max_stale", "required", "role", "region")


class Wish(Record):
    """A reference to prefetch and what is set for it alone; times in seconds, None = as the service's."""

    reference: Reference
    ttl: int | None = None
    max_stale: int | None = None
    required: bool = False
    configured: Query | None = None

    def resolved(self, home: Home) -> Wish:
        """Return the wish with its query's regions and role settled."""
        query = home.resolve(self.reference.query)
        return self.replace(reference=self.reference.replace(query=query))


def parse_config(text: str) -> tuple[tuple[Wish, ...], tuple[str, ...]]:
    """Return the wishes of a configuration file, and a sentence for each problem in it."""
    from tomllib import loads

    try:
        document = loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers or nesting beyond Python's limits
        return (), (f"SIDEKEY_CONFIG is not TOML: {error}",)
    unknown = [f"SIDEKEY_CONFIG: unknown table {name}; there is [prefetch]" for name in document if name != "prefetch"]
    tables = document.get("prefetch", {})
    if not isinstance(tables, dict):
        return (), (*unknown, 'SIDEKEY_CONFIG: [prefetch."<reference>"] has one table for each reference')
    wishes, problems = [], unknown
    for position, (name, table) in enumerate(tables.items(), 1):
        try:
            wishes.append(_wish(name, table))
        except RequestError as error:
            problems.append(f"SIDEKEY_CONFIG, [prefetch] table {position}: {error.message}")
    return tuple(wishes), tuple(problems)


def _wish(name: str, table: Any) -> Wish:
    reference = parse_reference(name)
    if not isinstance(table, dict) or not set(table) <= set(_KEYS):
        msg = f"a reference has the keys {', '.join(_KEYS)} and no others"
        raise RequestError(msg)
    return Wish(
        reference=reference,
        ttl=_seconds(table, "ttl"),
        max_stale=_seconds(table, "max_stale"),
        required=_required(table),
        configured=_configured(reference.query, table),
    )


def _seconds(table: Mapping[str, Any], key: str) -> int | None:
    value = table.get(key)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SECONDS):
        return value
    msg = f"{key} is a whole number of seconds from 0 to {MAX_SECONDS}"
    raise RequestError(msg)


def _required(table: Mapping[str, Any]) -> bool:
    value = table.get("required", False)
    if not isinstance(value, bool):
        msg = "required is true or false"
        raise RequestError(msg)
    return value


def _configured(query: Query, table: Mapping[str, Any]) -> Query | None:
    """Return the query with the table's role and region, or None where there is neither."""
    region = table.get("region", [])
    listed = [region] if isinstance(region, str) else region
    role = table.get("role", "")
    if not isinstance(role, str) or not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        msg = "role is a text, region a text or a list of texts"
        raise RequestError(msg)
    options = ({"roleArn": role} if role else {}) | ({"region": ",".join(listed)} if listed else {})
    if not options:
        return None
    checked = build_query("ssm-path", "/", options)
    return query.replace(role_arn=checked.role_arn or query.role_arn, regions=checked.regions or query.regions)


class Rules(Record):
    """How long each value lives."""

    secret: Freshness
    parameter: Freshness
    own: Mapping[Query, Freshness]

    def freshness_of(self, query: Query) -> Freshness:
        """Return what is set for `query`, or for its service."""
        return self.own.get(query) or (self.secret if query.service == "secretsmanager" else self.parameter)

    def strictest(self, names: Sequence[Query]) -> Freshness:
        """Return the strictest of what is set for any of a value's names, or what is set for its service."""
        found = [self.own[name] for name in names if name in self.own] or [self.freshness_of(names[0])]
        return Freshness(
            ttl_seconds=min(each.ttl_seconds for each in found),
            max_stale_seconds=min(each.max_stale_seconds for each in found),
        )


def rules(settings: Settings, wishes: tuple[Wish, ...]) -> Rules:
    """Return the rules for resolved wishes."""
    secret = Freshness(ttl_seconds=settings.secret_ttl_seconds, max_stale_seconds=settings.max_stale_seconds)
    parameter = secret.replace(ttl_seconds=settings.parameter_ttl_seconds)
    general = Rules(secret=secret, parameter=parameter, own={})
    own = {}
    for wish in wishes:
        base = general.freshness_of(wish.reference.query)
        own[wish.reference.query] = Freshness(
            ttl_seconds=base.ttl_seconds if wish.ttl is None else wish.ttl,
            max_stale_seconds=base.max_stale_seconds if wish.max_stale is None else wish.max_stale,
        )
    return general.replace(own=own)
