"""The same job in aiohttp.web: check the token, look the secret up, write its JSON."""

from __future__ import annotations

import json
import sys

from aiohttp import web

port, token, body = sys.argv[1:]
secrets = {"bench/0": json.loads(body)}


async def get(request: web.Request) -> web.Response:
    """Answer with the secret."""
    if request.headers.get("X-Aws-Parameters-Secrets-Token") != token:
        return web.Response(status=401)
    return web.json_response(secrets[request.query["secretId"]])


application = web.Application()
application.router.add_get("/secretsmanager/get", get)
web.run_app(application, host="127.0.0.1", port=int(port), access_log=None, print=None)
