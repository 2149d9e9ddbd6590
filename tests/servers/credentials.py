"""A container credential endpoint (as under SnapStart and on ECS) that gives new credentials whenever it is told to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.servers.scripted import ScriptedServer, reply

if TYPE_CHECKING:
    from typing import Self

    from tests.servers.scripted import Wire

AUTHORIZATION = "sample-container-token"


class CredentialEndpoint:
    """Use as a context manager; `asked` counts the calls, `rotate` makes the next answers others."""

    def __init__(self) -> None:
        """Begin with the first credentials."""
        self.generation = 1
        self.asked = 0
        self._server = ScriptedServer([self._answer])

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.__exit__(*exception)

    @property
    def environment(self) -> dict[str, str]:
        """What Lambda sets under SnapStart: no keys, but where to ask for them."""
        return {
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_SESSION_TOKEN": "",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._server.url}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": AUTHORIZATION,
        }

    @property
    def key(self) -> str:
        """The access key id of now."""
        return f"AKIASAMPLE{self.generation}"

    @property
    def token(self) -> str:
        """The session token of now."""
        return f"sample-session-{self.generation}"

    def rotate(self) -> None:
        """Give others from now on."""
        self.generation += 1

    def _answer(self, wire: Wire) -> None:
        self.asked += 1
        refused = wire.request.headers.get("authorization") != AUTHORIZATION
        given = {
            "AccessKeyId": self.key,
            "SecretAccessKey": f"sample-secret-key-{self.generation}",
            "Token": self.token,
            "Expiration": "2100-01-01T00:00:00Z",
        }
        wire.socket.sendall(reply(b"", "403 Forbidden") if refused else reply(json.dumps(given).encode()))
