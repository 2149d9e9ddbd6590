"""Credentials for tests, and providers that hand them out in a known order."""

from __future__ import annotations

from extension.aws.signing import Credentials
from extension.core.model import Sensitive


def key(number: int, expires_at: float | None = None) -> Credentials:
    """Return credentials that can be told apart by their number."""
    return Credentials(
        access_key_id=f"AKIA{number}",
        secret_access_key=Sensitive(f"planted-secret-{number}"),
        session_token=Sensitive(f"planted-token-{number}"),
        expires_at=expires_at,
    )


class Keys:
    """A provider: gives the first credentials until they are refused, then the next; the last ones for ever."""

    def __init__(self, *credentials: Credentials) -> None:
        """Take the credentials in their order."""
        self._credentials = list(credentials)
        self.refused: list[Credentials] = []

    def get(self, _timeout_seconds: float = 0.0) -> Credentials:
        """Return the current ones."""
        return self._credentials[0]

    def renew(self, refused: Credentials, _timeout_seconds: float = 0.0) -> Credentials:
        """Go on to the next, if there are any."""
        self.refused.append(refused)
        del self._credentials[: len(self._credentials) > 1]
        return self._credentials[0]
