"""A small Extensions API: records what an extension asks, and hands out events one by one."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, Self


class RuntimeApi:
    """Lambda, as an extension sees it; `asked` gets (path, headers, body) of every call, `events` feeds `next`."""

    def __init__(self) -> None:
        self.asked: Queue[tuple[str, dict[str, str], Any]] = Queue()
        self.events: Queue[dict[str, Any]] = Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def __enter__(self) -> Self:
        """Serve from the start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def invoke(self, seconds: float = 60.0, now: float = 0.0) -> None:
        """Hand out an INVOKE."""
        self.events.put({"eventType": "INVOKE", "deadlineMs": int((now + seconds) * 1000), "requestId": "r"})

    def shut_down(self, now: float = 0.0) -> None:
        """Hand out a SHUTDOWN."""
        self.events.put({"eventType": "SHUTDOWN", "shutdownReason": "spindown", "deadlineMs": int((now + 2) * 1000)})

    def next_call(self) -> tuple[str, dict[str, str], Any]:
        """Return the next call that an extension has made."""
        return self.asked.get(timeout=20)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                api.asked.put((self._path(), dict(self.headers), body))
                self._answer({"functionName": "f", "functionVersion": "1", "handler": "h", "accountId": "123456789012"})

            def do_GET(self) -> None:
                api.asked.put((self._path(), dict(self.headers), None))
                self._answer(api.events.get())

            def _path(self) -> str:
                return self.path.removeprefix("/2020-01-01/extension")

            def _answer(self, said: dict[str, Any]) -> None:
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Lambda-Extension-Identifier", "the-identifier")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
