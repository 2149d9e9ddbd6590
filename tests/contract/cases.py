"""What must be refused, and how: bytes on a new connection, the status, and words of the sentence.

These hold for every shell, whatever application stands behind it.
"""

from __future__ import annotations

HOST = b"Host: localhost\r\n"

REFUSED: dict[str, tuple[bytes, int, str]] = {
    "two Host headers": (b"GET /ping HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, "more than one Host"),
    "no Host header": (b"GET /ping HTTP/1.1\r\n\r\n", 400, "requires a Host"),
    "two tokens": (b"GET / HTTP/1.1\r\n" + HOST + b"X-Vault-Token: a\r\n" * 2 + b"\r\n", 400, "more than one token"),
    "absolute target": (b"GET http://localhost/ping HTTP/1.1\r\n" + HOST + b"\r\n", 400, "begins with a slash"),
    "asterisk target": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400, "begins with a slash"),
    "fragment": (b"GET /ping#a HTTP/1.1\r\n" + HOST + b"\r\n", 400, "percent-encoded"),
    "body": (b"POST /ping HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", 400, "no body"),
    "large body": (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999\r\n\r\n" + b"x" * 99999, 400, "no body"),
    "chunked": (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "no body"),
    "expectation": (b"GET / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n\r\n", 417, "Expect"),
    "17 KiB head": (b"GET /ping HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 17408 + b"\r\n\r\n", 431, "16384 bytes"),
    "bare LF": (b"GET /ping HTTP/1.1\nHost: localhost\n\n", 400, "bare LF"),
    "bare CR": (b"GET /ping HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400, "bare CR"),
    "NUL": (b"GET /ping HTTP/1.1\r\nHost: a\0\r\n\r\n", 400, "NUL"),
    "folded header": (b"GET /ping HTTP/1.1\r\n" + HOST + b" more\r\n\r\n", 400, "folded"),
    "blank before colon": (b"GET /ping HTTP/1.1\r\nHost : a\r\n\r\n", 400, "before its colon"),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version of HTTP"),
    "TLS": (bytes.fromhex("16030100c8010000c40303"), 400, "control character"),
}
