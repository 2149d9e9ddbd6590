"""A Lambda function in Python: reads a password while it initialises, and again in every event."""

import json
import os
import time
from http.client import HTTPConnection

SIDEKEY = HTTPConnection("127.0.0.1", 2773)
TOKEN = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]}


def read_password(secret_id: str) -> dict[str, object]:
    """Ask Sidekey, over a connection that stays open."""
    asked_at, begun = time.time(), time.perf_counter()
    SIDEKEY.request("GET", f"/secretsmanager/get?secretId={secret_id}", headers=TOKEN)
    secret = json.loads(json.load(SIDEKEY.getresponse())["SecretString"])
    return {"value": secret["password"], "asked_at": asked_at, "seconds": time.perf_counter() - begun}


INIT = read_password("demo/database")


def handler(_event: object, _context: object) -> dict[str, object]:
    """Answer what was read while initialising, and what is read now."""
    return {"init": INIT, "event": read_password("demo/database")}
