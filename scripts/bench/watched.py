"""Runs the layer as `boot.pyc` does, and writes down when what ran: `NAME BEGUN ENDED THREAD`, to descriptor WATCH_FD.

Of modules their runs, of connections what takes long: roots loaded, `dial` (handshake and all) and `call`.
Law: it runs under the layer's own interpreter, before anything is imported; so it imports nothing either.
"""

import _thread
import builtins
import marshal
import posix
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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
    posix.write(DESCRIPTOR, f"{name} {begun:.6f} {time.time():.6f} {_thread.get_ident()}\n".encode())


def timed(name: str, call: "Callable[..., Any]") -> "Callable[..., Any]":
    """Return `call`, timed."""

    def run(*given: "Any") -> "Any":
        begun = time.time()
        try:
            return call(*given)
        finally:
            tell(name, begun)

    return run


def watch_connections(module: "ModuleType") -> None:
    """Time what a module of `upstream` does."""
    if module.__name__ == "extension.upstream.tls":
        module.Trust.context = timed("roots", module.Trust.context)
    if module.__name__ == "extension.upstream.connection":
        module.Dialer.open = timed("dial", module.Dialer.open)
        module.Connection.exchange = timed("call", module.Connection.exchange)


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
        watch_connections(sys.modules[name])


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
