"""Origins: scheme, host and port of a server, and how they are written.

Law: pure, and a host is only what can be one: nothing of it can end a header line or change where a request goes.
"""

from __future__ import annotations

from extension.core.record import Record

_PORTS = {"http": 80, "https": 443}
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")
_V6 = frozenset("abcdef0123456789:.")
_PATH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")


class Origin(Record):
    """Where to: `scheme` is http or https."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What belongs into the `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_url(url: str) -> tuple[Origin, str]:
    """Split `http[s]://host[:port][/path]`; ValueError, which does not repeat it, for anything else."""
    scheme, separator, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS:
        msg = "a URL starts with https:// or http://"
        raise ValueError(msg)
    address, slash, path = rest.partition("/")
    host, port = split_address(address, _PORTS[scheme])
    if not _PATH.issuperset(path) or ".." in path or "//" in slash + path:
        msg = "a URL's path has letters, digits, dashes, dots and single slashes, and no query"
        raise ValueError(msg)
    return Origin(scheme=scheme, host=host, port=port), f"/{path}"


def split_address(address: str, default_port: int) -> tuple[str, int]:
    """Split `host[:port]`, where a host may be `[v6]`; ValueError for what is no address."""
    host, colon, digits = address.rpartition(":")
    if not colon or digits.endswith("]"):
        host, digits = address, str(default_port)
    valid = digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < 65536  # noqa: PLR2004
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1].lower() if bracketed else host.lower()
    if not valid or not host or not (_V6 if bracketed else _HOST).issuperset(host):
        msg = "an address is host[:port], the port from 1 to 65535"
        raise ValueError(msg)
    return host, int(digits)
