"""What surrounds an extension, as short as it can be: Lambda's Extensions API, and an AWS of a set latency over TLS.

Law: it does as little as possible per request, in this process, so that what is measured is the other one. Every
moment is taken here, on one monotonic clock.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import time
from typing import TYPE_CHECKING, Any

import trustme

if TYPE_CHECKING:
    from collections.abc import Callable

API_PORT = 9001
AWS_PORTS = {5: 4405, 15: 4415, 30: 4430}
"""Upstream latency in milliseconds, and the port that has it."""
SIDEKEY_PORT = 2773
TOKEN = "benchmark-session-token-" + "x" * 1000  # as long as AWS makes them
LARGE = "x" * 60_000
STAMP = 1_700_000_000.25


def secret(name: str) -> dict[str, Any]:
    """Return what GetSecretValue says of a name: `large…` is 60 KB, `binary…` is octets, the rest short."""
    value: dict[str, Any] = {"SecretString": f'{{"user":"app","password":"sample-{name}"}}'}
    if name.startswith("large"):
        value = {"SecretString": LARGE}
    if name.startswith("binary"):
        value = {"SecretBinary": base64.b64encode(bytes(range(256)) * 4).decode()}
    return {
        "ARN": arn(name),
        "Name": name,
        "VersionId": "11111111-2222-3333-4444-555555555555",
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": STAMP,
        **value,
    }


def arn(name: str) -> str:
    """Return the ARN of a sample secret."""
    return f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-AbCdEf"


def answer(action: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Answer one call to Secrets Manager."""
    if action.endswith("BatchGetSecretValue"):
        return {"SecretValues": [secret(name) for name in asked["SecretIdList"]], "Errors": []}
    name = asked["SecretId"]
    found = secret(name.rpartition(":")[2][:-7] if name.startswith("arn:") else name)
    if action.endswith("DescribeSecret"):
        return {"ARN": found["ARN"], "Name": found["Name"], "VersionIdsToStages": {"a-new-version": ["AWSCURRENT"]}}
    return found


class Aws(asyncio.Protocol):
    """One connection to the AWS; its answers wait `latency_seconds` from the request's last byte."""

    def __init__(self, latency_seconds: float, cloud: Cloud, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for requests."""
        self._loop = loop
        self._latency = latency_seconds
        self._cloud = cloud
        self._heard = b""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport
        self._cloud.connections += 1

    def data_received(self, data: bytes) -> None:
        """Answer what has become whole, later."""
        self._heard += data
        while (end := self._heard.find(b"\r\n\r\n") + 4) > 3:  # noqa: PLR2004 - found
            head = self._heard[:end].lower()
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
            if len(self._heard) < end + length:
                return
            action = head.partition(b"x-amz-target: ")[2].split(b"\r\n")[0].decode()
            body, self._heard = self._heard[end : end + length], self._heard[end + length :]
            self._cloud.calls += 1
            self._loop.call_later(self._latency, self._answer, action, body, time.monotonic())

    def _answer(self, action: str, body: bytes, asked_at: float) -> None:
        said = json.dumps(answer(_spelled(action), json.loads(body))).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {len(said)}\r\n\r\n"
        self._transport.write(head.encode() + said)
        self._cloud.latencies.append(time.monotonic() - asked_at)


def _spelled(action: str) -> str:
    return {
        "secretsmanager.getsecretvalue": "GetSecretValue",
        "secretsmanager.batchgetsecretvalue": "BatchGetSecretValue",
        "secretsmanager.describesecret": "DescribeSecret",
    }[action]


class ExtensionsApi(asyncio.Protocol):
    """One connection to Lambda's Extensions API: `register` is answered at once, `next` when there is an invocation."""

    def __init__(self, cloud: Cloud) -> None:
        """Wait for calls."""
        self._cloud = cloud

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Note the moment of each call."""
        now = time.monotonic()
        if b"/register " in data:
            body = b'{"functionName":"f","functionVersion":"1","handler":"h","accountId":"123456789012"}'
            head = f"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: i\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)
            self._cloud.note("registered", now)
        elif b"/event/next " in data:
            self._cloud.note("next", now)
            self._cloud.waiting = self

    def invoke(self) -> None:
        """Answer `next` with an INVOKE that has a minute."""
        body = json.dumps({"eventType": "INVOKE", "deadlineMs": int((time.time() + 60) * 1000), "requestId": "r"})
        self._transport.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


class Cloud:
    """Both services on loopback; `note` is called with each moment."""

    def __init__(self, folder: str) -> None:
        """Make a certificate, whose authority is written to `authority`."""
        self.loop = asyncio.get_running_loop()
        self.note: Callable[[str, float], None] = lambda _what, _when: None
        self.latencies: list[float] = []
        self.connections = 0
        self.calls = 0
        self.waiting: ExtensionsApi | None = None
        self.authority = os.path.join(folder, "authority.pem")
        maker = trustme.CA()
        maker.cert_pem.write_to_path(self.authority)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        maker.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(self._tls)

    async def open(self) -> None:
        """Listen, on both families as `localhost` may mean either."""
        await self.loop.create_server(lambda: ExtensionsApi(self), "127.0.0.1", API_PORT)
        for milliseconds, port in AWS_PORTS.items():
            for host in ("127.0.0.1", "::1"):
                await self.loop.create_server(self._maker(milliseconds / 1000), host, port, ssl=self._tls, backlog=512)

    def _maker(self, latency_seconds: float) -> Callable[[], Aws]:
        return lambda: Aws(latency_seconds, self, self.loop)

    def environment(self, latency: int, secrets: int, **more: str) -> dict[str, str]:
        """Return the environment of an extension or a function that prefetches so many secrets."""
        return {
            "AWS_ACCESS_KEY_ID": "AKIASAMPLESAMPLESAMP",
            "AWS_CA_BUNDLE": self.authority,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": f"https://localhost:{AWS_PORTS[latency]}",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{API_PORT}",
            "AWS_REGION": "eu-central-1",
            "AWS_SECRET_ACCESS_KEY": "sample-secret-access-key",
            "AWS_SESSION_TOKEN": TOKEN,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "SIDEKEY_PREFETCH": ",".join(f"secretsmanager://bench/{index}" for index in range(secrets)),
            **more,
        }
