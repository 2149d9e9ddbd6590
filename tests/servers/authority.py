"""A certificate authority of our own, and TLS contexts for servers that it vouches for."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


class Authority:
    """`bundle` is the file that a client must trust."""

    def __init__(self, folder: Path) -> None:
        """Write the root certificate into `folder`."""
        self._authority = trustme.CA()
        self.bundle = str(folder / "authority.pem")
        self._authority.cert_pem.write_to_path(self.bundle)

    def context(self, *names: str, until: datetime | None = None) -> ssl.SSLContext:
        """Return the TLS context of a server called `names`, whose certificate is good `until` then."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names, not_after=until).configure_cert(context)
        return context
