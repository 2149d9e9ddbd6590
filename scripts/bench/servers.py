"""The servers side by side: Sidekey from its layer, and nginx, node and aiohttp.web with the same bodies.

nginx answers each kind of body from a port of its own, for it looks at nothing that a request asks.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.bench.cloud import SIDEKEY_PORT, TOKEN, Cloud
from scripts.bench.cold import EXTENSIONS
from scripts.bench.enclosure import VENV_PYTHON, first_core, folder, spawn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

RIVALS = Path(__file__).parent / "rivals"
PORTS = {"sidekey": SIDEKEY_PORT, "nginx": 8101, "aiohttp": 8102, "node": 8103}
NGINX_PORTS = {"hit by ARN": 8111, "hit by /value": 8112, "hit, 60 KB secret": 8113, "hit, binary secret": 8114}
LONGEST_WORD = 4000
"""Characters that nginx allows a word of its configuration, nearly."""


def port_of(server: str, kind: str) -> int:
    """Return where to ask for a kind of answer."""
    return NGINX_PORTS.get(kind, PORTS[server]) if server == "nginx" else PORTS[server]


class Servers:
    """The servers, each on the first core, until `end`."""

    def __init__(self, cloud: Cloud) -> None:
        """Start none yet."""
        self._cloud = cloud
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, requests: Mapping[str, str]) -> None:
        """Start ours, take its answers to `requests` (by kind), and start the others with the same bodies."""
        await self.start_own()
        bodies = {kind: await fetch(PORTS["sidekey"], request) for kind, request in requests.items()}
        secrets = folder() / "secrets.json"
        secrets.write_text(json.dumps(known(bodies)))
        others: dict[str, Sequence[str]] = {
            "nginx": ("/usr/sbin/nginx", "-c", str(_nginx(bodies))),
            "aiohttp": (VENV_PYTHON, str(RIVALS / "aiohttp_server.py"), str(PORTS["aiohttp"]), TOKEN, str(secrets)),
            "node": ("node", str(RIVALS / "node_server.mjs"), str(PORTS["node"]), TOKEN, str(secrets)),
        }
        for name, command in others.items():
            self._spawn(name, command, {"PATH": "/usr/local/bin:/usr/bin:/bin"})
            await listening(PORTS[name])
        for kind, request in requests.items():
            assert await fetch(port_of("nginx", kind), request) == bodies[kind], "nginx sends the same bytes"

    async def start_own(self, **settings: str) -> int:
        """Start ours, wait until it has prefetched, and return its process id."""
        names = ["bench/0", "large", "binary", *(f"bench/{n}" for n in range(1, 50))]
        references = ",".join(f"secretsmanager://{name}" for name in names)
        ready = asyncio.Event()
        self._cloud.note = lambda what, _when: ready.set() if what == "next" else None
        environment = self._cloud.environment(5, 0, SIDEKEY_PREFETCH=references, **settings)
        self._spawn("sidekey", EXTENSIONS["layer"], environment)
        await ready.wait()
        return self.processes["sidekey"].pid

    def _spawn(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with first_core():
            self.processes[name] = spawn(command, environment)

    def end(self) -> None:
        """End all."""
        for process in self.processes.values():
            process.kill()
            process.wait()


async def fetch(port: int, request: str) -> str:
    """Return the body of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    head_ = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    body = await reader.readexactly(int(head_.partition("content-length:")[2].split("\r\n")[0]))
    writer.close()
    return body.decode()


async def listening(port: int, patience_seconds: float = 20) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + patience_seconds
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < end, f"nobody listens on port {port}"
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


def known(bodies: Mapping[str, str]) -> dict[str, Any]:
    """Return the secrets in these answers, by name and by ARN."""
    secrets = [json.loads(body) for body in bodies.values() if body.startswith('{"ARN"')]
    return {secret[key]: secret for secret in secrets for key in ("Name", "ARN")}


def _nginx(bodies: Mapping[str, str]) -> Path:
    """Write nginx's configuration."""
    text = (RIVALS / "nginx.conf").read_text()
    servers = "\n    ".join(_nginx_server(port_of("nginx", kind), body) for kind, body in bodies.items())
    path = folder() / "nginx.conf"
    path.write_text(text.replace("@FOLDER@", str(folder())).replace("@SERVERS@", servers))
    return path


def _nginx_server(port: int, body: str) -> str:
    """Return a server that answers with `body`, in as many words as it takes."""
    pieces = [body[start : start + LONGEST_WORD] for start in range(0, len(body), LONGEST_WORD)]
    words = [piece.replace("\\", "\\\\") for piece in pieces]
    sets = "".join(f"set $part{number} '{word}'; " for number, word in enumerate(words))
    whole = "".join(f"${{part{number}}}" for number in range(len(words)))
    answer = f"return 200 '{words[0]}';" if len(words) == 1 else f'{sets}return 200 "{whole}";'
    return f"server {{ listen 127.0.0.1:{port}; location / {{ {answer} }} }}"
