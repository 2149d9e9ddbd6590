"""AWS as the service meets it: moto behind a door that keeps account of every call."""

from __future__ import annotations

import json
import socket
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

import boto3

from scripts.stage.aws import CREDENTIALS, REGION, Door, SampleAws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Call(NamedTuple):
    """One call: `signed` is the Authorization header, which names key and region."""

    action: str
    payload: dict[str, Any]
    signed: str


class Made(NamedTuple):
    """A secret that was made for a test."""

    name: str
    arn: str
    version: str

    @property
    def partial_arn(self) -> str:
        """The ARN without its random suffix."""
        return self.arn[:-7]


class Upstream:
    """Moto, and `calls`: what came in, in its order. Every name it makes is new."""

    def __init__(self, aws: SampleAws) -> None:
        """Open a door of our own."""
        self.calls: list[Call] = []
        self._aws = aws
        self._numbers = count(1)
        self._clients: dict[tuple[str, str], Any] = {}
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._door = Door(listener, self._record)

    def close(self) -> None:
        """Close the door."""
        self._door.close()

    def _record(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()} if not target else {}
        payload = json.loads(body) if target else form
        action = target.rpartition(".")[2] or form.get("Action", "")
        self.calls.append(Call(action, payload, environ.get("HTTP_AUTHORIZATION", "")))
        answer: Iterable[bytes] = self._aws._application(environ, start_response)
        return answer

    def client(self, service: str, region: str = REGION) -> Any:
        """Return a boto3 client, whose calls are not counted; making one takes longer than most tests."""
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self._aws.endpoint,
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            )
        return self._clients[service, region]

    def new_name(self) -> str:
        """Return a name that nobody has had."""
        return f"service/case-{next(self._numbers)}"

    def secret(self, value: str | bytes, region: str = REGION) -> Made:
        """Make a secret."""
        kind = "SecretString" if isinstance(value, str) else "SecretBinary"
        made = self.client("secretsmanager", region).create_secret(Name=self.new_name(), **{kind: value})
        return Made(made["Name"], made["ARN"], made["VersionId"])

    def rotate(self, made: Made, value: str) -> str:
        """Give a secret its next version, and return that one's id."""
        client = self.client("secretsmanager")
        return str(client.put_secret_value(SecretId=made.name, SecretString=value)["VersionId"])

    def parameter(self, value: str, kind: str = "String", name: str = "") -> str:
        """Make a parameter, or its next version, and return its name."""
        name = name or f"/{self.new_name()}"
        self.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)
        return name

    def about(self, *ids: str) -> list[str]:
        """Return the actions that were called for any of these ids, in their order."""
        return [call.action for call in self.calls if any(_names(call.payload, one) for one in ids)]


def _names(payload: dict[str, Any], one: str) -> bool:
    said = [payload.get(key) for key in ("SecretId", "Name", "Path", "RoleArn")]
    return one in said or one in payload.get("SecretIdList", ()) or one in payload.get("Names", ())
