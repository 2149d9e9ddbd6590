"""The function under test: reads while it initialises, and does in an event what the event says."""

from __future__ import annotations

import os
import time
from http.client import HTTPConnection
from typing import Any


def read(target: str) -> dict[str, Any]:
    """Ask the extension as any function would."""
    connection = HTTPConnection("127.0.0.1", 2773)
    connection.request("GET", target, headers={"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]})
    answer = connection.getresponse()
    return {"status": answer.status, "body": answer.read().decode()}


INIT = read(os.environ["PROBE_INIT"]) if "PROBE_INIT" in os.environ else None


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Sleep, crash or read."""
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "crash" in event:
        os._exit(event["crash"])
    return {"init": INIT, "read": read(event["read"]) if "read" in event else None}
