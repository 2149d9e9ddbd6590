"""Proxies: which host goes through one (`HTTPS_PROXY`, `NO_PROXY`), and how to ask it for a tunnel.

Law: pure; the environment is an argument. Only https goes through a proxy: plain http here means a local endpoint.
The rules of `NO_PROXY` are those that botocore follows, Python's own.
"""

from __future__ import annotations

from extension.core.errors import Unreachable
from extension.core.model import Sensitive
from extension.core.record import Record
from extension.upstream.http1 import request_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DEFAULT_PORTS = {"http": 80, "https": 443}


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
    host, port = split_address(address, _DEFAULT_PORTS["http"])
    if scheme.lower() != "http" or not host or port is None:
        msg = "HTTPS_PROXY cannot be used: it must be http://[user:password@]host[:port]"
        raise Unreachable(msg, code="InvalidProxy")
    return Proxy(host=host, port=port, authorization=_basic(credentials) if credentials else None)


def split_address(address: str, default_port: int) -> tuple[str, int | None]:
    """Split `host[:port]`, where a host may be `[v6]`; the port is None if it is none."""
    host, colon, digits = address.rpartition(":")
    if not colon or digits.endswith("]"):
        host, digits = address, str(default_port)
    valid = digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < 65536  # noqa: PLR2004
    return host.removeprefix("[").removesuffix("]"), int(digits) if valid else None


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
