"""Runs the layer as `boot.pyc` does, and writes down when each module ran: `NAME BEGUN ENDED`, to descriptor WATCH_FD.

Law: it runs under the layer's own interpreter, before anything is imported; so it imports nothing either.
"""

import builtins
import marshal
import posix
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

HOME = "/opt/sidekey"
DESCRIPTOR = int(posix.environ[b"WATCH_FD"])
boot: "dict[str, Any]" = {"__name__": "boot", "__file__": f"{HOME}/boot.pyc"}
with open(f"{HOME}/boot.pyc", "rb") as file:
    exec(marshal.loads(file.read()[16:]), boot)  # noqa: S102, S302 - the layer's own

import_anything = builtins.__import__


def tell(name: str, begun: float) -> None:
    """Write one line."""
    posix.write(DESCRIPTOR, f"{name} {begun:.6f} {time.time():.6f}\n".encode())


class Watched(boot["Bundles"]):  # type: ignore[misc, name-defined, valid-type]
    """The bundles, timed."""

    def read(self, name: str) -> "Any":
        """Time the reading of a bundle."""
        begun = time.time()
        found = super().read(name)
        tell(f"{name}.bundle", begun)
        return found

    def run_module(self, name: str, is_package: bool, code: "CodeType") -> None:
        """Time a module."""
        begun = time.time()
        super().run_module(name, is_package, code)
        tell(name, begun)


def import_timed(name: str, *others: "Any") -> "ModuleType":
    """Time what is imported from elsewhere, the first time."""
    if name in sys.modules or name.startswith("extension"):
        return import_anything(name, *others)
    begun = time.time()
    module = import_anything(name, *others)
    tell(name, begun)
    return module


builtins.__import__ = import_timed  # type: ignore[assignment]
boot["Bundles"] = Watched
boot["main"]()
