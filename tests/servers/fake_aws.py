"""A small AWS of our own: secrets and parameters over JSON 1.1, for a `ScriptedServer` to play.

It answers as the documentation says where moto does otherwise (400 for what does not exist, selectors repeated), and
can deny any action, for all resources or for one.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from tests.servers.scripted import reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.scripted import Wire

ACCOUNT = "123456789012"
EPOCH = 1_668_586_960.499


class AwsError(Exception):
    """An answer that is an error: code and sentence."""


class FakeAws:
    """A step for a scripted server. Put things in, deny things, look at `calls`."""

    def __init__(self, region: str = "eu-west-1") -> None:
        """Start empty."""
        self.region = region
        self.calls: list[str] = []
        self.denied: set[tuple[str, str]] = set()
        self.secrets: dict[str, dict[str, Any]] = {}
        self.parameters: dict[str, list[dict[str, Any]]] = {}
        self.page_size = 10

    def __call__(self, wire: Wire) -> None:
        """Answer one request."""
        action = wire.request.headers["x-amz-target"].rpartition(".")[2]
        self.calls.append(action)
        handler: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"_{action}")
        try:
            answer = reply(json.dumps(handler(json.loads(wire.request.body))).encode())
        except AwsError as error:
            body = {"__type": f"com.amazonaws#{error.args[0]}", "message": error.args[1]}
            answer = reply(json.dumps(body).encode(), "400 Bad Request")
        wire.socket.sendall(answer)

    def put_secret(self, name: str, **value: str) -> str:
        """Store a secret (`SecretString=` or `SecretBinary=`, base64) and return its ARN; a second time rotates it."""
        arn = f"arn:aws:secretsmanager:{self.region}:{ACCOUNT}:secret:{name}-AbCdEf"
        secret = self.secrets.setdefault(arn, {"ARN": arn, "Name": name, "versions": {}, "stages": {}})
        version = str(uuid.UUID(int=len(secret["versions"])))
        secret["versions"][version] = value
        previous = secret["stages"].get("AWSCURRENT")
        secret["stages"] = {"AWSCURRENT": version} | ({"AWSPREVIOUS": previous} if previous else {})
        return arn

    def put_parameter(self, name: str, value: str, kind: str = "String") -> str:
        """Store a parameter's next version and return its ARN."""
        arn = f"arn:aws:ssm:{self.region}:{ACCOUNT}:parameter/{name.lstrip('/')}"
        versions = self.parameters.setdefault(name, [])
        fields = {"ARN": arn, "Name": name, "Type": kind, "Value": value, "Version": len(versions) + 1}
        versions.append(fields | {"DataType": "text", "LastModifiedDate": EPOCH})
        return arn

    def deny(self, action: str, resource: str = "*") -> None:
        """Refuse an action from now on, for one resource or for all."""
        self.denied.add((action, resource))

    def _check(self, action: str, resource: str) -> None:
        if {(action, "*"), (action, resource)} & self.denied:
            code, sentence = (
                "AccessDeniedException",
                f"User: arn:x is not authorized to perform: {action} on {resource}",
            )
            raise AwsError(code, sentence)

    def _find(self, identifier: str) -> dict[str, Any]:
        for arn, secret in self.secrets.items():
            if identifier in (arn, arn[:-7], secret["Name"]):
                return secret
        code, sentence = "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
        raise AwsError(code, sentence)

    def _GetSecretValue(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 (AWS's name)
        self._check("secretsmanager:GetSecretValue", payload["SecretId"])
        secret = self._find(payload["SecretId"])
        stage = payload.get("VersionStage", "AWSCURRENT")
        version = payload.get("VersionId") or secret["stages"].get(stage)
        if version not in secret["versions"]:
            code, sentence = "ResourceNotFoundException", "Secrets Manager can't find the specified secret value"
            raise AwsError(code, sentence)
        stages = [name for name, held in secret["stages"].items() if held == version]
        known = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version, "VersionStages": stages}
        return {**known, "CreatedDate": EPOCH, **secret["versions"][version]}

    def _BatchGetSecretValue(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._check("secretsmanager:BatchGetSecretValue", "*")
        answer: dict[str, Any] = {"SecretValues": [], "Errors": []}
        for identifier in payload["SecretIdList"]:
            try:
                answer["SecretValues"].append(self._GetSecretValue({"SecretId": identifier}))
            except AwsError as error:
                code, message = error.args
                answer["Errors"].append({"SecretId": identifier, "ErrorCode": code, "Message": message})
        return answer

    def _DescribeSecret(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._check("secretsmanager:DescribeSecret", payload["SecretId"])
        secret = self._find(payload["SecretId"])
        stages = {version: [stage] for stage, version in secret["stages"].items()}
        known = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionIdsToStages": stages}
        return {**known, **secret.get("rotation", {})}

    def _select(self, text: str) -> dict[str, Any] | None:
        for name, versions in self.parameters.items():
            for known in (name, versions[0]["ARN"]):
                if text == known:
                    return versions[-1]
                if text.startswith(f"{known}:") and text[len(known) + 1 :] in map(str, range(1, len(versions) + 1)):
                    selector = text[len(known) :]
                    return versions[int(selector[1:]) - 1] | {"Selector": selector}
        return None

    def _GetParameter(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._check("ssm:GetParameter", payload["Name"])
        found = self._select(payload["Name"])
        if found is None:
            code, sentence = "ParameterNotFound", ""
            raise AwsError(code, sentence)
        return {"Parameter": found}

    def _GetParameters(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for name in payload["Names"]:
            self._check("ssm:GetParameters", name)
        found = {name: self._select(name) for name in payload["Names"]}
        return {
            "Parameters": [parameter for parameter in found.values() if parameter],
            "InvalidParameters": [name for name, parameter in found.items() if not parameter],
        }

    def _GetParametersByPath(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        path = payload["Path"].rstrip("/") + "/"
        self._check("ssm:GetParametersByPath", path)
        below = [versions[-1] for name, versions in sorted(self.parameters.items()) if name.startswith(path)]
        deep = payload["Recursive"]
        found = [fields for fields in below if deep or "/" not in fields["Name"].removeprefix(path)]
        start = int(payload.get("NextToken", 0))
        end = start + self.page_size
        return {"Parameters": found[start:end]} | ({"NextToken": str(end)} if end < len(found) else {})
