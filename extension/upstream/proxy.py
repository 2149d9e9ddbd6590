"""Proxies: which host goes through one (`HTTPS_PROXY`, `NO_PROXY`), and how to ask it for a tunnel.

Law: pure; the environment is an argument. Only https goes through a proxy: plain http here means a local endpoint.
The rules of `NO_PROXY` are those that botocore follows, Python's own.
"""

from __future__ import annotations

from extension.core.errors import Unreachable
from extension.core.model import Sensitive
from extension.core.record import Record
from extension.upstream.http1 import request_bytes
from extension.upstream.origin import split_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DEFAULT_PORT = 80


class Proxy(Record):
    """A proxy that speaks plain HTTP; `authorization` is the ready header value."""

    host: str
    port: int
    authorization: Sensitive | None = None


def proxy_rule(environment: Mapping[str, str]) -> Callable[[str, int], Proxy | None]:
    """Return the function that names the proxy for a host and port; a lower-case variable wins, even when empty."""
    url = environment.get("https_proxy", environment.get("HTTPS_PROXY", "")).strip()
    exceptions = environment.get("no_proxy", environment.get("NO_PROXY", ""))
    if not url:
        return lambda _host, _port: None
    return lambda host, port: None if bypasses(exceptions, host, port) else parse_proxy(url)


def bypasses(exceptions: str, host: str, port: int) -> bool:
    """Tell whether `NO_PROXY` names the host: itself, a domain above it, or `*`; each with or without the port."""
    if exceptions.strip() == "*":
        return True
    names = [name.strip().lstrip(".").lower() for name in exceptions.split(",") if name.strip()]
    spellings = (host.lower(), f"{host.lower()}:{port}")
    return any(spelling == name or spelling.endswith(f".{name}") for name in names for spelling in spellings)


def parse_proxy(url: str) -> Proxy:
    """Parse `[http://][user:password@]host[:port]`; Unreachable for what cannot be one, without repeating it."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "http", url
    credentials, _, address = rest.split("/", 1)[0].rpartition("@")
    try:
        host, port = split_address(address, _DEFAULT_PORT)
        authorization = _basic(credentials) if credentials else None
    except ValueError:
        scheme = ""
    if scheme.lower() != "http":
        msg = "HTTPS_PROXY cannot be used: it must be http://[user:password@]host[:port]"
        raise Unreachable(msg, code="InvalidProxy") from None
    return Proxy(host=host, port=port, authorization=authorization)


def connect_request(host: str, port: int, proxy: Proxy) -> bytes:
    """Write the CONNECT that asks `proxy` for a tunnel."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = [("Host", target)]
    if proxy.authorization is not None:
        headers.append(("Proxy-Authorization", proxy.authorization.reveal()))
    return request_bytes("CONNECT", target, headers)


def _basic(credentials: str) -> Sensitive:
    from binascii import b2a_base64

    from extension.core.percent import decode

    return Sensitive("Basic " + b2a_base64(decode(credentials.encode()).encode(), newline=False).decode())
