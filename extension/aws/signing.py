"""AWS Signature Version 4, for requests without a query string.

Law: pure: the time comes as an argument, and what is signed is exactly what is sent. Credentials are revealed here,
into the digest or the one header that carries them, and nowhere else. SHA-256 is the interpreter's own: OpenSSL's, by
way of `_hashlib`, takes 1.5 ms to import.
"""

from __future__ import annotations

from time import gmtime, strftime

from extension.core.model import Sensitive
from extension.core.record import Record

try:
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:  # Python 3.11 has it under its old name
    from _sha256 import sha256  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHM = "AWS4-HMAC-SHA256"
_BLOCK = 64
_INNER = int.from_bytes(b"\x36" * _BLOCK)
_OUTER = int.from_bytes(b"\x5c" * _BLOCK)


class Credentials(Record):
    """What requests are signed with; `expires_at` is in epoch seconds, None for ever."""

    access_key_id: str
    secret_access_key: Sensitive
    session_token: Sensitive | None = None
    expires_at: float | None = None


class Scope(Record):
    """What a signature is good for."""

    region: str
    service: str


def amz_date(epoch_seconds: float) -> str:
    """Write a time as signatures have it: `20150830T123600Z`."""
    return strftime("%Y%m%dT%H%M%SZ", gmtime(epoch_seconds))


def sign(
    method: str, path: str, headers: Mapping[str, str], body: bytes, credentials: Credentials, scope: Scope, date: str
) -> dict[str, str]:
    """Return the headers (`Host` among them) with date, token and signature added; `path` needs no escaping."""
    signed = {**headers, "X-Amz-Date": date}
    if credentials.session_token is not None:
        signed["X-Amz-Security-Token"] = credentials.session_token.reveal()
    canonical = {name.lower(): " ".join(value.split()) for name, value in signed.items()}
    names = ";".join(sorted(canonical))
    lines = [f"{name}:{canonical[name]}" for name in sorted(canonical)]
    request = "\n".join([method, path, "", *lines, "", names, _sha256(body)])
    range_ = f"{date[:8]}/{scope.region}/{scope.service}/aws4_request"
    signature = _hmac(_key(credentials, range_), f"{_ALGORITHM}\n{date}\n{range_}\n{_sha256(request.encode())}").hex()
    authorization = f"{_ALGORITHM} Credential={credentials.access_key_id}/{range_}"
    return signed | {"Authorization": f"{authorization}, SignedHeaders={names}, Signature={signature}"}


def _key(credentials: Credentials, range_: str) -> bytes:
    """Derive the day's key, good for one region and service."""
    key = b"AWS4" + credentials.secret_access_key.reveal().encode()
    for part in range_.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    """Return HMAC-SHA-256 (RFC 2104)."""
    block = int.from_bytes((sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0"))
    inner: bytes = sha256((block ^ _INNER).to_bytes(_BLOCK) + text.encode()).digest()
    outer: bytes = sha256((block ^ _OUTER).to_bytes(_BLOCK) + inner).digest()
    return outer


def _sha256(data: bytes) -> str:
    digest: str = sha256(data).hexdigest()
    return digest
