"""AWS's JSON 1.1 protocol: an action and its payload in, the answer's object out.

Law: everything it needs is given to it; below `__main__` nobody reads the environment or a clock. A call takes no
longer than its timeout, with all attempts, pauses, renewed credentials and assumed roles.
"""

from __future__ import annotations

from extension.aws.exchange import Call
from extension.core.errors import Unreachable
from extension.core.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from extension.aws.exchange import Exchange, Provider
    from extension.aws.retry import Deadline
    from extension.aws.sts import AssumedRoles
    from extension.upstream.http1 import Response

_TARGETS = {"secretsmanager": "secretsmanager", "ssm": "AmazonSSM"}


class AwsClient:
    """Calls Secrets Manager and Systems Manager."""

    def __init__(self, exchange: Exchange, credentials: Provider, roles: AssumedRoles, *, hasty: bool = False) -> None:
        """Sign with `credentials`, or with those of a role where a call names one.

        A `hasty` client tries again only what is throttled: its callers know another region to ask.
        """
        self._hasty = hasty
        self._exchange = exchange
        self._credentials = credentials
        self._roles = roles

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
        """Return the answer to `action`, or raise UpstreamError.

        `about` says in messages what was asked for; `attempts` may be fewer than usual.
        """
        headers = (("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", f"{_TARGETS[service]}.{action}"))
        about = f"{about} ({action} in {region})" if about else f"{action} in {region}"
        body = dumps(payload)
        call = Call(
            service=service,
            region=region,
            headers=headers,
            body=body,
            about=about,
            attempts=attempts,
            hasty=self._hasty,
        )
        provider = self._roles.provider(role_arn) if role_arn else self._credentials
        return _object(self._exchange.perform(call, provider, timeout_seconds), about)

    def deadline(self, timeout_seconds: float | None) -> Deadline:
        """Start a deadline for several calls; 0 or None means the one for all calls."""
        return self._exchange.deadline(timeout_seconds)


def _object(response: Response, about: str) -> dict[str, Any]:
    """Return the object of a successful response; Unreachable, which repeats nothing of it, for anything else."""
    try:
        found = loads(response.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = f"{about}: the answer is not a JSON object; is there a proxy in between?"
        raise Unreachable(msg)
    return found
