"""A Python function's way to ask: `http_client.py PORT TOKEN COUNT keep|new` prints microseconds, one a line."""

from __future__ import annotations

import sys
import time
from http.client import HTTPConnection

port, token, count, way = sys.argv[1:]
connection = HTTPConnection("127.0.0.1", int(port))
for _ in range(int(count)):
    begun = time.perf_counter()
    connection.request("GET", "/secretsmanager/get?secretId=bench/0", headers={"X-Aws-Parameters-Secrets-Token": token})
    connection.getresponse().read()
    if way == "new":
        connection.close()
    print(round((time.perf_counter() - begun) * 1e6, 1))
