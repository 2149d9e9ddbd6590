"""The design one would write first: boto3, aiohttp.web on uvloop, the prefetch in ten threads, `register` last.

It prefetches what SIDEKEY_PREFETCH lists and answers /secretsmanager/get; no more than the benchmark asks of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import uvloop
from aiohttp import web

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension"
TOKEN = os.environ["AWS_SESSION_TOKEN"]
NAMES = [each.partition("://")[2] for each in os.environ["SIDEKEY_PREFETCH"].split(",") if each]


def prefetch() -> dict[str, dict[str, Any]]:
    """Fetch all in parallel with one client."""
    client = boto3.client("secretsmanager")
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda name: client.get_secret_value(SecretId=name), NAMES))
    return dict(zip(NAMES, found, strict=True))


def call(path: str, headers: dict[str, str], body: bytes | None = None) -> str:
    """Call the Extensions API, and return the identifier it gave."""
    request = urllib.request.Request(f"{API}/{path}", body, headers)  # noqa: S310 - Lambda's own http
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(answer.headers["Lambda-Extension-Identifier"])


async def serve() -> None:
    """Fetch, listen, register, and take events."""
    secrets = prefetch()

    async def get(request: web.Request) -> web.Response:
        if request.headers.get("X-Aws-Parameters-Secrets-Token") != TOKEN:
            return web.Response(status=401)
        found = secrets[request.query["secretId"]]
        return web.json_response({**found, "CreatedDate": found["CreatedDate"].isoformat(), "ResponseMetadata": {}})

    application = web.Application()
    application.router.add_get("/secretsmanager/get", get)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 2773).start()
    name = {"Lambda-Extension-Name": "naive"}
    identifier = call("register", name, json.dumps({"events": ["INVOKE", "SHUTDOWN"]}).encode())
    loop = asyncio.get_running_loop()
    while True:
        await loop.run_in_executor(None, call, "event/next", {"Lambda-Extension-Identifier": identifier})


if __name__ == "__main__":
    uvloop.run(serve())
