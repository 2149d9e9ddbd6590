"""SnapStart in small: a sidecar after init, forked twice; both clones wake and serve, while its own memory is searched.

    clones.py TARGET TOKEN ──► {"bodies": […], "chances": […], "tls chances": […], "found": […], "marked": …}

Run as a process of its own: a fork wants no other threads.
"""

from __future__ import annotations

import json
import os
import sys
import time
from _ssl import RAND_bytes
from http.client import HTTPConnection
from threading import Thread
from typing import Any

from extension.assembly import assemble, make_server
from extension.lifecycle import wake
from extension.listen import bind
from extension.world import World
from tests.fresh.process import image


def chance() -> float:
    """Draw as `__main__` does."""
    return int.from_bytes(os.urandom(4)) / 2**32


def serve(sidecar: Any, world: World, target: str, token: str) -> dict[str, Any]:
    """Wake, serve one read, and tell what came."""
    listeners = bind(0)
    port = listeners[0].getsockname()[1]
    server = make_server(sidecar, listeners, world, "snap-start")
    Thread(target=server.run, daemon=True).start()
    wake(sidecar, time.time() + 60)
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", target, headers={"X-Vault-Token": token})
    body = connection.getresponse().read().decode()
    (entry,) = sidecar.store.shelf.cache
    key = sidecar.access._provider.get(0.0).secret_access_key.reveal()
    return {"body": body, "key": key, "chance": entry.times.due_at, "tls chance": RAND_bytes(16).hex()}


def clone(sidecar: Any, world: World, target: str, token: str) -> int:
    """Fork; the child serves and tells through a pipe. Return the end to read from."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.write(theirs, json.dumps(serve(sidecar, world, target, token)).encode())
        os._exit(0)
    os.close(theirs)
    return ours


def said_by(pipe: int) -> bytes:
    """Read to the end, where nothing of it stays in this process's own memory."""
    with os.fdopen(pipe, "rb") as stream:
        return stream.read()


def main(target: str, token: str) -> None:
    """Play it through."""
    world = World(
        environment=dict(os.environ), clock=time.time, monotonic=time.monotonic, chance=chance, wait=time.sleep
    )
    sidecar = assemble(world)
    sidecar.forget(keeping=False)
    pipes = [clone(sidecar, world, target, token) for _ in range(2)]
    [os.wait() for _ in pipes]
    memory = image(os.getpid())
    said = [json.loads(said_by(pipe)) for pipe in pipes]
    sought = [said[0]["body"], said[0]["key"]]
    told = {
        "bodies": [each["body"] for each in said],
        "chances": [each["chance"] for each in said],
        "tls chances": [each["tls chance"] for each in said],
        "found": [word for word in sought if word.encode() in memory],
        "marked": token.encode() in memory,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
