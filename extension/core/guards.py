"""The guards before every route: who may ask, from where, and how.

Law: the checks stand in the agent's order (forwarded, token, method), `/ping` is exempt from the first two, and the
token is compared in constant time. A request that went through a proxy or a browser is no request of the function.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

from extension.core.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extension.core.wire import Request

TOKEN_HEADER = b"x-aws-parameters-secrets-token"
VAULT_HEADER = b"x-vault-token"
_FORWARDED = frozenset((b"forwarded", b"via"))
_LOOPBACK = frozenset((b"localhost", b"127.0.0.1", b"[::1]"))
_METHODS = {"extension": (b"GET", b"HEAD"), "agent": (b"GET",)}


def check(request: Request, tokens: tuple[bytes, ...], dialect: str) -> None:
    """Raise the RequestError of the first guard that `request` does not pass."""
    headers = request.headers
    if request.target != b"/ping":
        _check_origin(headers)
        _check_token(headers, tokens, dialect)
    if request.method not in _METHODS[dialect]:
        allowed = b" and ".join(_METHODS[dialect]).decode()
        msg = f"Not allowed: {allowed} requests are answered"
        raise RequestError(msg, code="MethodNotAllowed", status=405)


def _check_origin(headers: dict[bytes, bytes]) -> None:
    """Refuse what a proxy or a page in a browser sent."""
    for name in headers:
        if name in _FORWARDED or name.startswith(b"x-forwarded-"):
            msg = "Forwarded: requests through a proxy are not answered (Forwarded, X-Forwarded-*, Via)"
            raise RequestError(msg, code="Forwarded")
    if b"origin" in headers:
        msg = "requests from a page (Origin) are not answered"
        raise RequestError(msg, code="ForeignOrigin", status=403)
    host = headers.get(b"host", b"localhost").lower()
    if host not in _LOOPBACK and not _is_loopback(host):
        msg = "the Host header names another host: localhost, 127.0.0.1 and [::1] are allowed, with or without a port"
        raise RequestError(msg, code="ForeignHost", status=403)


def _is_loopback(host: bytes) -> bool:
    name, colon, port = host.rpartition(b":")
    return bool(colon) and name in _LOOPBACK and port.isdigit()


def _check_token(headers: dict[bytes, bytes], tokens: tuple[bytes, ...], dialect: str) -> None:
    """Compare with every token that counts now, without telling by time how much of it was right."""
    given = headers.get(TOKEN_HEADER) or headers.get(VAULT_HEADER) or b""
    matches = [compare_digest(given, token) for token in tokens if token]
    if any(matches):
        return
    words, status = ("Bad Token", 403) if dialect == "agent" else ("bad session token or header key", 401)
    msg = f"{words}: X-Aws-Parameters-Secrets-Token must hold the value of AWS_SESSION_TOKEN"
    raise RequestError(msg, code="BadToken", status=status)
