"""Where Debian's packages come from: the mirrors that this machine's own apt is configured with.

Law: no mirror is named here. Which one answers does not matter, as every file is checked against the lock.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from layer.assembly import BuildError

VARIABLE = "SIDEKEY_DEBIAN_MIRRORS"


def mirrors() -> tuple[str, ...]:
    """Return the base addresses of Debian's archives, main ones first; the variable stands in for apt's settings."""
    found = os.environ.get(VARIABLE, "").split() or _configured()
    bases = sorted({base.rstrip("/") for base in found}, key=lambda base: ("security" in base, base))
    if not bases:
        msg = f"this machine's apt knows no Debian mirror; set {VARIABLE} to the addresses of one, apart by blanks"
        raise BuildError(msg)
    return tuple(bases)


def _configured() -> list[str]:
    """Ask apt what it would update from; that needs neither rights, nor network, nor an earlier update."""
    apt = shutil.which("apt-get")
    if apt is None:
        return []
    answer = subprocess.run([apt, "update", "--print-uris"], capture_output=True, text=True, check=False)
    return debian_archives(answer.stdout)


def debian_archives(uris: str) -> list[str]:
    """Return the base addresses of Debian's archives among the indexes that apt names, one a line, in quotes."""
    bases = (line.lstrip("'").partition("/dists/")[0] for line in uris.splitlines() if "/dists/" in line)
    return [base for base in bases if "debian" in base.rpartition("/")[2]]


def addresses(bases: tuple[str, ...], path: str) -> list[str]:
    """Return where a package may lie: a point release moves security updates into the main archive."""
    moved = path.replace("pool/updates/", "pool/")
    return list(dict.fromkeys(f"{base}/{place}" for place in (path, moved) for base in bases))
