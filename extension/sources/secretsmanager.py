"""Secrets Manager: single secrets, batches of up to twenty, and what is known of a rotation.

Law: no caching, no policy: one method, one call. Values are `Sensitive` from the line that reads them.
"""

from __future__ import annotations

from extension.aws.faults import refusal
from extension.core.errors import Unreachable, UpstreamError
from extension.core.identity import arn_part, id_in
from extension.core.model import Secret, Sensitive
from extension.core.policy import Rotation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Protocol

    from extension.aws.retry import Deadline
    from extension.core.model import Query

    class Caller(Protocol):
        """What calls AWS: the client."""

        def call(
            self,
            service: str,
            action: str,
            payload: dict[str, Any],
            *,
            region: str,
            role_arn: str | None = None,
            timeout_seconds: float | None = None,
            about: str = "",
            attempts: int | None = None,
        ) -> dict[str, Any]:
            """Return the answer to `action`."""

        def deadline(self, timeout_seconds: float | None) -> Deadline:
            """Start a deadline for several calls; None means the one for all calls."""


_SERVICE = "secretsmanager"
_SUFFIX_LENGTH = 7
"""A secret's ARN ends in a dash and six random characters; a partial ARN omits them."""

_HOUR_SECONDS = 3600.0
_DAY_SECONDS = 86_400.0


class SecretsManager:
    """Fetches secrets; `timeout_seconds` bounds a call with all its attempts, where the caller names no other."""

    def __init__(self, caller: Caller, default_region: str, *, timeout_seconds: float | None = None) -> None:
        """Ask in `default_region` where neither query nor ARN names one."""
        self._caller = caller
        self._default_region = default_region
        self._timeout_seconds = timeout_seconds

    def fetch(self, query: Query, *, region: str | None = None, timeout_seconds: float | None = None) -> Secret:
        """Return one secret's value (GetSecretValue)."""
        region = region or region_of(query, self._default_region)
        payload = {
            "SecretId": id_in(region, query.id),
            "VersionId": query.version_id,
            "VersionStage": query.version_stage,
        }
        given = {name: value for name, value in payload.items() if value}
        return parse_secret(self._call("GetSecretValue", given, query, region, timeout_seconds), query)

    def fetch_batch(
        self, queries: Sequence[Query], *, region: str | None = None, timeout_seconds: float | None = None
    ) -> dict[Query, Secret | UpstreamError]:
        """Return a secret or an error for each of up to twenty queries of one role and region (BatchGetSecretValue).

        It knows only AWSCURRENT. An error of the call itself is raised, at once: of its 100 calls/s none is spent on
        trying again, when single calls have 10,000. Errors of single secrets are returned; what it has no clear word
        on is left out, to be fetched singly.
        """
        region = region or region_of(queries[0], self._default_region)
        ids = {query: id_in(region, query.id) for query in queries}
        answer = self._caller.call(
            _SERVICE,
            "BatchGetSecretValue",
            {"SecretIdList": list(dict.fromkeys(ids.values()))},
            region=region,
            role_arn=queries[0].role_arn,
            timeout_seconds=timeout_seconds or self._timeout_seconds,
            attempts=1,
        )
        values = [parse_secret(fields, queries[0]) for fields in answer.get("SecretValues") or ()]
        found = {secret.arn: secret for secret in values}
        errors = {str(fields.get("SecretId")): fields for fields in answer.get("Errors") or ()}
        matched = {query: _match(query, asked, found, errors) for query, asked in ids.items()}
        return {query: each for query, each in matched.items() if each is not None}

    def describe(self, query: Query, *, region: str | None = None, timeout_seconds: float | None = None) -> Rotation:
        """Return what is known of the secret's rotation and versions (DescribeSecret, an optional permission)."""
        region = region or region_of(query, self._default_region)
        payload = {"SecretId": id_in(region, query.id)}
        return parse_rotation(self._call("DescribeSecret", payload, query, region, timeout_seconds))

    def _call(
        self, action: str, payload: dict[str, Any], query: Query, region: str, timeout_seconds: float | None
    ) -> dict[str, Any]:
        return self._caller.call(
            _SERVICE,
            action,
            payload,
            region=region,
            role_arn=query.role_arn,
            timeout_seconds=timeout_seconds or self._timeout_seconds,
            about=query.label,
        )


def region_of(query: Query, default: str) -> str:
    """Return the region to ask: the query's first, else its ARN's, else the default."""
    return query.regions[0] if query.regions else arn_part(query.id, 3) or default


def parse_secret(fields: Mapping[str, Any], query: Query) -> Secret:
    """Read a secret as GetSecretValue and BatchGetSecretValue give it."""
    text, binary = fields.get("SecretString"), fields.get("SecretBinary")
    try:
        return Secret(
            arn=str(fields["ARN"]),
            name=str(fields["Name"]),
            version_id=str(fields.get("VersionId") or ""),
            stages=tuple(fields.get("VersionStages") or ()),
            created_at=fields.get("CreatedDate"),
            text=Sensitive(text) if text is not None else None,
            binary=Sensitive(binary) if binary is not None and text is None else None,
        )
    except KeyError:
        msg = f"{query.label}: the answer holds no secret"
    raise Unreachable(msg)


def parse_rotation(fields: Mapping[str, Any]) -> Rotation:
    """Read what DescribeSecret says; every field may be absent. What is to be deleted has no version that counts."""
    stages: Mapping[str, Sequence[str]] = fields.get("VersionIdsToStages") or {}
    versions = sorted((stage, version) for version, names in stages.items() for stage in names)
    rules: Mapping[str, Any] = fields.get("RotationRules") or {}
    return Rotation(
        next_at=fields.get("NextRotationDate"),
        window_seconds=window_seconds(str(rules.get("Duration") or "")) or _usual_window_seconds(rules),
        versions=() if fields.get("DeletedDate") else tuple(versions),
    )


def window_seconds(duration: str) -> float:
    """Return the length of a rotation window as RotationRules writes it (`3h`); 0 for anything else."""
    hours = duration.removesuffix("h")
    return float(hours) * _HOUR_SECONDS if duration.endswith("h") and hours.isascii() and hours.isdigit() else 0.0


def _usual_window_seconds(rules: Mapping[str, Any]) -> float:
    """Return the window of rules that name none: an hour where they count in hours, else the (UTC) day."""
    if not rules:
        return 0.0
    return _HOUR_SECONDS if "hour" in str(rules.get("ScheduleExpression") or "") else _DAY_SECONDS


def _match(
    query: Query, asked: str, found: Mapping[str, Secret], errors: Mapping[str, Mapping[str, Any]]
) -> Secret | UpstreamError | None:
    """Return the batch's word on one query, which it was asked for by the id `asked`.

    None where that is not clear: two accounts' secrets may have one name, and a name may look like another's ARN.
    """
    if asked in found:
        return found[asked]
    if asked in errors:
        error = errors[asked]
        return refusal(str(error.get("ErrorCode")), str(error.get("Message") or ""), query.label)
    named = [secret for arn, secret in found.items() if asked in (secret.name, arn[:-_SUFFIX_LENGTH])]
    return named[0] if len(named) == 1 else None
