"""Credentials: from the environment, from the container endpoint (SnapStart, ECS), or from boto3's chain.

    AWS_ACCESS_KEY_ID …                    good for the environment's life
    AWS_CONTAINER_CREDENTIALS_FULL_URI     fetched, kept, renewed before they expire
    anything else (profiles, SSO, IMDS)    botocore, imported when asked: a person's machine has no cold start to save

Law: the endpoint is asked directly, never through a proxy, and over plain http only on this machine or at the
addresses that AWS has set aside for it.
"""

from __future__ import annotations

import _thread

from extension.aws.kept import Kept
from extension.aws.signing import Credentials
from extension.core.errors import Unavailable
from extension.core.instant import from_rfc3339
from extension.core.jsontext import loads
from extension.core.model import Sensitive
from extension.upstream.http1 import request_bytes
from extension.upstream.origin import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from extension.aws.exchange import Provider, Sender
    from extension.aws.retry import Deadline, Retry
    from extension.upstream.http1 import Response

_OK = 200
_ENDPOINT = "the credential endpoint"
_LOCAL_HOSTS = frozenset({"localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"})


def choose_provider(
    environment: Mapping[str, str], sender: Sender, retry: Retry, wall: Callable[[], float]
) -> Provider:
    """Return the provider for this environment, in the order of the AWS SDKs."""
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        return EnvironmentCredentials(environment)
    if environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return ContainerCredentials(environment, sender, retry, wall)
    return ChainCredentials()


class EnvironmentCredentials:
    """The keys that Lambda gives an environment for its life."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read them."""
        token = environment.get("AWS_SESSION_TOKEN")
        self._credentials = Credentials(
            access_key_id=environment["AWS_ACCESS_KEY_ID"],
            secret_access_key=Sensitive(environment["AWS_SECRET_ACCESS_KEY"]),
            session_token=Sensitive(token) if token else None,
        )

    def get(self, _timeout_seconds: float = 0.0) -> Credentials:
        """Return them."""
        return self._credentials

    def renew(self, _refused: Credentials, _timeout_seconds: float = 0.0) -> Credentials:
        """Return the same: there are no others."""
        return self._credentials


class ContainerCredentials(Kept):
    """What the credential endpoint gives."""

    def __init__(self, environment: Mapping[str, str], sender: Sender, retry: Retry, wall: Callable[[], float]) -> None:
        """Keep where to ask; nothing is asked before somebody needs it."""
        super().__init__(_ENDPOINT, retry.deadline, wall)
        self._environment = environment
        self._sender = sender
        self._retry = retry
        self._last_tokens: tuple[Sensitive, ...] = ()

    def last_session_tokens(self) -> tuple[Sensitive, ...]:
        """Return the session tokens that the endpoint gave now and the time before, the newest first."""
        return self._last_tokens

    def _drop(self) -> None:
        super()._drop()
        self._last_tokens = ()

    def _fetch(self, deadline: Deadline) -> Credentials:
        found = self._retry.run(deadline, lambda: self._ask(deadline))
        token = found.session_token
        if token is not None and token not in self._last_tokens[:1]:
            self._last_tokens = (token, *self._last_tokens[:1])
        return found

    def _ask(self, deadline: Deadline) -> Credentials:
        """Ask the endpoint once; its token is read anew, for it may lie in a file that changes."""
        try:
            origin, path = parse_url(self._environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
        except ValueError as error:
            msg = f"AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used: {error}"
            raise Unavailable(msg, code="CredentialsError") from error
        if origin.scheme == "http" and origin.host not in _LOCAL_HOSTS and not origin.host.startswith("127."):
            msg = "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used: over http only this machine is asked"
            raise Unavailable(msg, code="CredentialsError")
        headers = [("Host", origin.authority), ("Accept", "application/json"), *self._authorization()]
        request = request_bytes("GET", path, headers)
        seconds = deadline.attempt(self._retry.attempt_seconds, _ENDPOINT)
        return parse_credentials(self._sender.send(origin, request, attempt_seconds=seconds))

    def _authorization(self) -> list[tuple[str, str]]:
        token = self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        file = self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        try:
            if file:
                with open(file, encoding="utf-8") as stream:
                    token = stream.read().strip()
        except (OSError, ValueError) as error:
            msg = "the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names cannot be read"
            raise Unavailable(msg, code="CredentialsError") from error
        return [("Authorization", token)] if token else []


def parse_credentials(response: Response) -> Credentials:
    """Return the credentials that the endpoint's answer holds; Unavailable, which repeats nothing of it, otherwise."""
    if response.status != _OK:
        msg = f"the credential endpoint answered {response.status}"
        raise Unavailable(msg, code="CredentialsError")
    try:
        fields: Any = loads(response.body)
        expiration = fields.get("Expiration")
        return Credentials(
            access_key_id=str(fields["AccessKeyId"]),
            secret_access_key=Sensitive(str(fields["SecretAccessKey"])),
            session_token=Sensitive(str(fields["Token"])) if fields.get("Token") else None,
            expires_at=from_rfc3339(expiration) if expiration else None,
        )
    except (ValueError, KeyError, AttributeError, TypeError):
        msg = "the credential endpoint's answer holds no credentials"
    raise Unavailable(msg, code="CredentialsError")


class ChainCredentials:
    """Whatever botocore finds on this machine: profiles, SSO, web identity, IMDS. It refreshes them itself."""

    def __init__(self, search: Callable[[], Any] | None = None) -> None:
        """Look for nothing yet; `search` returns botocore's credentials, or None."""
        self._search = search or _search_chain
        self._lock = _thread.allocate_lock()
        self._found: Any = None

    def get(self, _timeout_seconds: float = 0.0) -> Credentials:
        """Return what the chain has now."""
        try:
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            msg = "no AWS credentials in the environment, and no botocore here to look for others"
            raise Unavailable(msg, code="CredentialsError") from error
        try:
            with self._lock:
                self._found = self._found or self._search()
                frozen = self._found.get_frozen_credentials() if self._found else None
        except BotoCoreError as error:
            msg = f"AWS credentials cannot be had: {error}"
            raise Unavailable(msg, code="CredentialsError") from error
        if frozen is None:
            msg = "no AWS credentials were found: not in the environment, in a profile, nor from a metadata service"
            raise Unavailable(msg, code="CredentialsError")
        return Credentials(
            access_key_id=frozen.access_key,
            secret_access_key=Sensitive(frozen.secret_key),
            session_token=Sensitive(frozen.token) if frozen.token else None,
        )

    def renew(self, _refused: Credentials, timeout_seconds: float = 0.0) -> Credentials:
        """Search the chain anew: a profile may have been signed in again."""
        with self._lock:
            self._found = None
        return self.get(timeout_seconds)


def _search_chain() -> Any:
    from botocore.session import Session

    return Session().get_credentials()
