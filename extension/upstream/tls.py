"""TLS: whom we believe, with as little work as that takes.

Parsing a system's 140 authorities costs 21 ms, looking one up in a hashed directory of five a tenth of one. So the
five Amazon roots come first, and the full bundle only where they do not vouch for a host. `AWS_CA_BUNDLE` stands in
the place of both. Law: the host's name and chain are always verified, and nothing below TLS 1.2 is spoken.
"""

from __future__ import annotations

import _ssl
from _thread import allocate_lock
from posix import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    class TlsSocket(Protocol):
        """What the C module's TLS socket does; each call waits at most as long as its plain socket's timeout."""

        def do_handshake(self) -> None:
            """Shake hands and verify."""

        def read(self, size: int) -> bytes:
            """Return what has come, or nothing at the end."""

        def write(self, data: bytes) -> int:
            """Send it all."""


AMAZON_ROOTS = f"{__file__.rpartition('/')[0]}/roots"
SYSTEM_ROOTS = ""
"""Stands for the places that OpenSSL was built to look in."""

_KIND, _FOLDER = 0o170000, 0o040000
"""Of a file's mode, as inode(7) has it."""

_NO_CHAIN_TO_ROOT = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's verify codes (x509_vfy.h) that say: none of *these* roots vouches for it."""


def trust_stores(bundle: str | None, full: str = SYSTEM_ROOTS) -> tuple[str, ...]:
    """Return the places to take roots from, in order: files, hashed directories, or `SYSTEM_ROOTS`."""
    return (bundle,) if bundle else (AMAZON_ROOTS, full)


class Trust:
    """The roots that we believe, loaded once when first needed, and which of them serve which host."""

    def __init__(
        self, stores: Sequence[str] = (AMAZON_ROOTS, SYSTEM_ROOTS), load: Callable[[str], Any] | None = None
    ) -> None:
        """Take the stores in the order in which they are tried; `load` makes a TLS context of one."""
        self._load = load or load_context
        self._stores = tuple(stores)
        self._contexts: dict[str, Any] = {}
        self._first: dict[str, int] = {}
        self._loading = allocate_lock()

    def candidates(self, host: str) -> tuple[str, ...]:
        """Return the stores to try for `host`: those before the one that vouched for it last are left out."""
        return self._stores[self._first.get(host, 0) :]

    def remember(self, host: str, store: str) -> None:
        """Start with `store` next time."""
        self._first[host] = self._stores.index(store)

    def wrap(self, plain: _socket.socket, host: str, store: str) -> TlsSocket:
        """Return the TLS side of a connected socket, its handshake still to be done."""
        tls: TlsSocket = self.context(store)._wrap_socket(plain, False, host)  # noqa: SLF001 (the C module's own interface)
        return tls

    def context(self, store: str) -> Any:
        """Return what verifies with `store`; the first connections, made at once, wait for one of them to load it."""
        context = self._contexts.get(store)
        if context is None:
            with self._loading:
                context = self._contexts.get(store) or self._load(store)
                self._contexts[store] = context
        return context


def may_know_elsewhere(error: Exception) -> bool:
    """Tell whether another store could vouch for what this one did not, or could not."""
    return isinstance(error, UnusableRootsError) or getattr(error, "verify_code", None) in _NO_CHAIN_TO_ROOT


class UnusableRootsError(OSError):
    """A store that cannot be read, or that holds no certificate."""


def load_context(store: str) -> Any:
    """Return a TLS context that believes a store's roots, or raise UnusableRootsError."""
    context = _ssl._SSLContext(_ssl.PROTOCOL_TLS_CLIENT)  # noqa: SLF001 (the C module's own interface)
    context.minimum_version = _ssl.PROTO_TLSv1_2
    try:
        _add_roots(context, store)
    except OSError as error:
        msg = f"the certificates in {store} cannot be used (AWS_CA_BUNDLE)"
        raise UnusableRootsError(error.errno, msg) from error
    return context


def _add_roots(context: Any, store: str) -> None:
    if store == SYSTEM_ROOTS:
        context.set_default_verify_paths()
    elif stat(store).st_mode & _KIND == _FOLDER:
        context.load_verify_locations(None, store)
    else:
        context.load_verify_locations(store)
