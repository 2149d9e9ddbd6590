"""Queries, values and requests as the tests need them; every value is `PLANTED`, so that a leak is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extension.core.cache import Entry
from extension.core.model import Parameter, Query, Secret, Sensitive
from extension.core.policy import Times
from extension.core.wire import Request

if TYPE_CHECKING:
    from extension.core.model import Value

PLANTED = "hunter2-planted"
TOKEN = b"token-planted"
OWN, OTHER = "111122223333", "999988887777"
NOW = 1_800_000_000.0


def secret_query(name: str = "prod/db", **changes: Any) -> Query:
    """Return the query for a secret in eu-west-1."""
    return Query(**{"service": "secretsmanager", "id": name, "regions": ("eu-west-1",), **changes})


def parameter_query(name: str = "/app/key", **changes: Any) -> Query:
    """Return the query for a parameter in eu-west-1."""
    return Query(**{"service": "ssm", "id": name, "regions": ("eu-west-1",), **changes})


def secret_arn(name: str = "prod/db", *, account: str = OWN, suffix: str = "-AbCdEf") -> str:
    """Return a secret's ARN."""
    return f"arn:aws:secretsmanager:eu-west-1:{account}:secret:{name}{suffix}"


def secret(name: str = "prod/db", *, version: str = "v1", arn: str | None = None, **changes: Any) -> Secret:
    """Return a secret that holds `PLANTED`."""
    fields: dict[str, Any] = {
        "arn": arn or secret_arn(name),
        "name": name,
        "version_id": version,
        "stages": ("AWSCURRENT",),
        "created_at": 1668586960.499,
        "text": Sensitive(PLANTED),
    }
    return Secret(**(fields | changes))


def parameter(name: str = "/app/key", *, account: str = OWN, **changes: Any) -> Parameter:
    """Return a parameter that holds `PLANTED`."""
    fields: dict[str, Any] = {
        "arn": f"arn:aws:ssm:eu-west-1:{account}:parameter/{name.lstrip('/')}",
        "name": name,
        "type": "SecureString",
        "value": Sensitive(PLANTED),
        "version": 1,
        "modified_at": 1668586960.362,
    }
    return Parameter(**(fields | changes))


def times(fetched_at: float = NOW, ttl: float = 100.0, max_stale: float = 50.0) -> Times:
    """Return the times of a value that is due at four fifths of its TTL."""
    expires_at = fetched_at + ttl
    return Times(
        fetched_at=fetched_at,
        due_at=fetched_at + 0.8 * ttl,
        expires_at=expires_at,
        stale_until=expires_at + max_stale,
    )


def entry(query: Query | None = None, value: Value | None = None, fetched_at: float = NOW) -> Entry:
    """Return an entry that nothing was done with yet."""
    return Entry(query or secret_query(), value or secret(), times(fetched_at))


def request(target: bytes = b"/ping", method: bytes = b"GET", **headers: bytes) -> Request:
    """Return a request with a good token; keywords are headers, `_` for `-`, an empty one takes its header out."""
    given = {b"host": b"localhost:2773", b"x-aws-parameters-secrets-token": TOKEN}
    given |= {name.replace("_", "-").encode(): value for name, value in headers.items()}
    kept = {name: value for name, value in given.items() if value}
    return Request(method, target, b"HTTP/1.1", kept, keep_alive=True)
