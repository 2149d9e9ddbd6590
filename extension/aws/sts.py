"""AssumeRole: credentials for the roles that references name.

Law: one credential set per role, renewed before it expires, fetched once however many wait for it; of more than
`MOST_ROLES` roles the one used longest ago is forgotten, for callers choose the names.
"""

from __future__ import annotations

import _thread

from extension.aws.exchange import Call
from extension.aws.faults import tag
from extension.aws.kept import Kept
from extension.aws.signing import Credentials
from extension.core.errors import Unreachable
from extension.core.instant import from_rfc3339
from extension.core.model import Sensitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.aws.exchange import Exchange, Provider
    from extension.aws.retry import Deadline

MOST_ROLES = 32
_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_FORM = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)


class AssumedRoles:
    """Providers by role ARN."""

    def __init__(
        self,
        exchange: Exchange,
        base: Provider,
        *,
        wall: Callable[[], float],
        region: str,
        external_id: str = "",
        session_name: str = "sidekey",
    ) -> None:
        """Assume roles with the credentials of `base`, at the STS of `region`."""
        self._exchange = exchange
        self._base = base
        self._wall = wall
        self._region = region
        self._fixed = {"RoleSessionName": session_name, **({"ExternalId": external_id} if external_id else {})}
        self._roles: dict[str, RoleCredentials] = {}
        self._lock = _thread.allocate_lock()

    def provider(self, role_arn: str) -> RoleCredentials:
        """Return the role's provider, and remember that it was used last."""
        with self._lock:
            role = self._roles.pop(role_arn, None)
            if role is None:
                role = RoleCredentials(role_arn, self.assume, self._exchange.deadline, self._wall)
            self._roles[role_arn] = role
            if len(self._roles) > MOST_ROLES:
                del self._roles[next(iter(self._roles))]
            return role

    def forget(self) -> None:
        """Drop every role's credentials: none from before a snapshot is used after it."""
        with self._lock:
            self._roles.clear()

    def assume(self, role_arn: str, timeout_seconds: float) -> Credentials:
        """Ask STS for credentials of a role."""
        fields = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role_arn, **self._fixed}
        body = "&".join(f"{name}={escaped(value)}" for name, value in fields.items()).encode()
        about = f"AssumeRole of {role_arn}"
        call = Call(service="sts", region=self._region, headers=_FORM, body=body, about=about)
        response = self._exchange.perform(call, self._base, timeout_seconds)
        return parse_assumed(response.body.decode("utf-8", "replace"), about)


class RoleCredentials(Kept):
    """One role's credentials."""

    def __init__(
        self,
        role_arn: str,
        assume: Callable[[str, float], Credentials],
        start: Callable[[float], Deadline],
        wall: Callable[[], float],
    ) -> None:
        """Ask for nothing yet; `assume` takes the role and the seconds that it may take."""
        super().__init__(f"AssumeRole of {role_arn}", start, wall)
        self._role_arn = role_arn
        self._assume = assume

    def _fetch(self, deadline: Deadline) -> Credentials:
        return self._assume(self._role_arn, deadline.attempt(deadline.seconds, self._about))


def parse_assumed(xml: str, about: str) -> Credentials:
    """Return the credentials in STS's answer; Unreachable, which repeats nothing of it, where there are none."""
    key, secret, token = tag(xml, "AccessKeyId"), tag(xml, "SecretAccessKey"), tag(xml, "SessionToken")
    try:
        expires_at = from_rfc3339(tag(xml, "Expiration"))
    except ValueError:
        key = ""
    if not key or not secret or not token:
        msg = f"{about}: STS's answer holds no credentials"
        raise Unreachable(msg)
    return Credentials(
        access_key_id=key, secret_access_key=Sensitive(secret), session_token=Sensitive(token), expires_at=expires_at
    )


def escaped(text: str) -> str:
    """Percent-encode everything but RFC 3986's unreserved characters."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())
