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
    if not shutil.which("apt-get"):
        return []
    listing = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    answer = subprocess.run(listing, capture_output=True, text=True, check=False)
    return [base for base in answer.stdout.split() if "debian" in base.rstrip("/").rpartition("/")[2]]


def addresses(bases: tuple[str, ...], path: str) -> list[str]:
    """Return where a package may lie: a point release moves security updates into the main archive."""
    moved = path.replace("pool/updates/", "pool/")
    return list(dict.fromkeys(f"{base}/{place}" for place in (path, moved) for base in bases))
