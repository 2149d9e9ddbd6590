"""The same job in aiohttp.web: check the token, look the secret up, write its JSON or its bare value."""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from pathlib import Path

from aiohttp import web

port, token, secrets_file = sys.argv[1:]
secrets = json.loads(Path(secrets_file).read_text())


def allowed(request: web.Request) -> bool:
    """Compare the token."""
    return request.headers.get("X-Aws-Parameters-Secrets-Token") == token


async def get(request: web.Request) -> web.Response:
    """Answer with the secret."""
    if not allowed(request):
        return web.Response(status=401)
    return web.json_response(secrets[request.query["secretId"]])


async def value(request: web.Request) -> web.Response:
    """Answer with what is in it."""
    if not allowed(request):
        return web.Response(status=401)
    secret = secrets[request.query["ref"].removeprefix("secretsmanager://")]
    if secret["SecretString"] is None:
        return web.Response(body=b64decode(secret["SecretBinary"]))
    return web.Response(text=secret["SecretString"])


application = web.Application()
application.router.add_get("/secretsmanager/get", get)
application.router.add_get("/value", value)
web.run_app(application, host="127.0.0.1", port=int(port), access_log=None, print=None)
