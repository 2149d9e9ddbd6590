"""Which queries mean the same thing: regions resolved before a fetch, other names of a value known after it.

Law: a name belongs to the caller's own account. A value of another account (or of one we cannot tell) is never
reachable by its bare name, however it was fetched.
"""

from __future__ import annotations

from extension.core.model import Parameter, Query, Secret
from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from extension.core.model import Value

REFERENCE_PREFIX = "/aws/reference/"
_SUFFIX_LENGTH = 7
"""A secret's ARN ends in a dash and six random characters; a partial ARN omits them."""


def partial_arn(arn: str) -> str | None:
    """Return a secret's ARN without its suffix, or None where that looks whole: AWS takes it for another's full ARN."""
    partial = arn[:-_SUFFIX_LENGTH]
    return None if _is_suffix(partial[-_SUFFIX_LENGTH:]) else partial


def _is_suffix(text: str) -> bool:
    return len(text) == _SUFFIX_LENGTH and text[0] == "-" and text[1:].isalnum()


class Home(Record):
    """What a bare name is resolved against: default region, failover regions, and queries configured otherwise.

    The failover regions are for secrets alone: AWS copies no parameter, so one of that name may well be another.
    """

    region: str
    failover: tuple[str, ...] = ()
    configured: Mapping[Query, Query]

    def resolve(self, query: Query) -> Query:
        """Return the query with its regions, and with the role that the configuration gives it."""
        query = self.configured.get(query, query)
        if query.regions:
            return query
        first = arn_part(query.id, 3) or self.region
        others = tuple(region for region in self.failover if region != first and query.service == "secretsmanager")
        return query.replace(regions=(first, *others) if first else ())


def arn_part(identifier: str, position: int) -> str:
    """Return one colon-separated part of an ARN (3 region, 4 account), or an empty text for a name."""
    parts = identifier.split(":")
    return parts[position] if identifier.startswith("arn:") and len(parts) > position else ""


def id_in(region: str, identifier: str) -> str:
    """Return the id of a replica: an ARN names its region, and is otherwise the same in all of them."""
    own = arn_part(identifier, 3)
    return identifier.replace(f":{own}:", f":{region}:", 1) if own else identifier


def other_names(query: Query, value: Value, own_account: str | None) -> tuple[Query, ...]:
    """Return the queries that `value`, fetched by `query`, answers as well: the full ARN first.

    A secret that Parameter Store passes through is not the parameter of the same name.
    """
    if isinstance(value, Secret):
        ids = [value.arn, partial_arn(value.arn)]
    elif isinstance(value, Parameter):
        ids = [value.arn]
    else:
        return ()
    passed_through = query.id.startswith(REFERENCE_PREFIX)
    if own_account and arn_part(value.arn, 4) == own_account and not passed_through:
        ids.append(value.name)
    return tuple(query.replace(id=identifier) for identifier in ids if identifier)


def account_told_by(query: Query, value: Value) -> str | None:
    """Return our own account where a fetch by bare name has shown it."""
    if query.id.startswith("arn:") or query.role_arn is not None or not isinstance(value, Secret | Parameter):
        return None
    return arn_part(value.arn, 4) or None
