"""Dialects: how values and errors look to a client.

Shapes are those of AWS's extension and of its agent (recorded responses; AWS's Java sample cuts the text after
`"SecretString":"`, so no blank may follow a colon). Law: a value is revealed here and nowhere else, into the body.
"""

from __future__ import annotations

from binascii import a2b_base64

from extension.core.errors import RequestError, Throttled
from extension.core.instant import rfc3339
from extension.core.jsontext import dumps, loads
from extension.core.model import Parameter, ParameterTree, Secret
from extension.core.refusals import refusal
from extension.core.wire import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from extension.core.cache import Entry
    from extension.core.errors import SidekeyError
    from extension.core.model import Value
    from extension.core.reference import Reference
    from extension.core.routes import Operation

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
OCTETS = "application/octet-stream"


def plain(text: str, status: int = 200) -> Response:
    """Return a short text."""
    return Response(status, text.encode(), content_type=TEXT)


def marks(state: str, fetched_at: float | None = None, reason: str | None = None) -> tuple[tuple[str, str], ...]:
    """Return the headers that say how an answer came, when it was fetched, and why it is stale."""
    given = (
        ("X-Sidekey-Cache", state),
        ("X-Sidekey-Fetched-At", None if fetched_at is None else rfc3339(fetched_at)),
        ("X-Sidekey-Stale-Reason", reason),
    )
    return tuple([(name, value) for name, value in given if value is not None])


def failure(error: SidekeyError, state: str | None = None) -> Response:
    """Return an error: its true status, `__type` and the sentence; `state` where a read has failed."""
    extra = marks(state) if state else ()
    if isinstance(error, Throttled):
        extra += (("Retry-After", str(max(1, round(error.retry_after_seconds or 1)))),)
    elif error.status == 405:  # noqa: PLR2004 (Method Not Allowed must name the methods)
        extra += (("Allow", "GET, HEAD" if "HEAD" in error.message else "GET"),)
    return refusal(error, *extra)


def success(operation: Operation, entry: Entry, state: str, reason: str | None) -> Response:
    """Return one value in the operation's shape; a hit may be answered so again while the entry stands."""
    body, content_type = _body(operation, entry)
    extra = marks(state, entry.times.fetched_at, reason)
    lease = entry if state == "hit" and entry.current else None
    return Response(200, body, content_type=content_type, headers=extra, lease=lease)


def _body(operation: Operation, entry: Entry) -> tuple[bytes, str]:
    if operation.kind == "value":
        return _bare(operation.references[0], entry.value)
    if isinstance(entry.value, Secret):
        shape = agent_secret if operation.shape == "agent" else extension_secret
        return dumps(shape(entry.value)), JSON
    if isinstance(entry.value, Parameter):
        return dumps({"Parameter": parameter(entry.value), "ResultMetadata": {}}), JSON
    return dumps({"Parameters": [parameter(each) for each in entry.value.parameters]}), JSON


def extension_secret(secret: Secret) -> dict[str, Any]:
    """Return a secret as AWS's extension shows it: every key present."""
    return {
        "ARN": secret.arn,
        "CreatedDate": None if secret.created_at is None else rfc3339(secret.created_at),
        "Name": secret.name,
        "SecretBinary": secret.binary and secret.binary.reveal(),
        "SecretString": secret.text and secret.text.reveal(),
        "VersionId": secret.version_id,
        "VersionStages": list(secret.stages),
        "ResultMetadata": {},
    }


def agent_secret(secret: Secret) -> dict[str, Any]:
    """Return a secret as AWS's agent shows it: what is absent is omitted, the date is a text of epoch seconds."""
    shown = {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": secret.version_id,
        "SecretString": secret.text and secret.text.reveal(),
        "SecretBinary": secret.binary and secret.binary.reveal(),
        "VersionStages": list(secret.stages),
        "CreatedDate": None if secret.created_at is None else f"{secret.created_at:.3f}".rstrip("0").rstrip("."),
    }
    return {key: value for key, value in shown.items() if value is not None}


def parameter(found: Parameter) -> dict[str, Any]:
    """Return a parameter as AWS's extension shows it."""
    return {
        "ARN": found.arn,
        "DataType": found.data_type,
        "LastModifiedDate": None if found.modified_at is None else rfc3339(found.modified_at),
        "Name": found.name,
        "Selector": found.selector,
        "SourceResult": found.source_result and found.source_result.reveal(),
        "Type": found.type,
        "Value": found.value and found.value.reveal(),
        "Version": found.version,
    }


def _bare(reference: Reference, value: Value) -> tuple[bytes, str]:
    """Return the bare value: octets for a binary secret, else text."""
    if isinstance(value, Secret) and value.binary is not None and reference.json_key is None:
        return a2b_base64(value.binary.reveal()), OCTETS
    found = pick(reference, value)
    if isinstance(found, str):
        return found.encode("utf-8", "backslashreplace"), TEXT
    return dumps(found), JSON if reference.json_key is None else TEXT


def pick(reference: Reference, value: Value) -> Any:
    """Return what `reference` means: the text (binary: base64), a JSON key's value, or a tree as an object."""
    if isinstance(value, ParameterTree):
        return {each.name: each.value and each.value.reveal() for each in value.parameters}
    sealed = value.value if isinstance(value, Parameter) else value.text or value.binary
    if sealed is None and isinstance(value, Parameter):
        msg = f"{reference.query.label} refers to a binary secret, which has no text here; use secretsmanager://"
        raise RequestError(msg, code="NoText")
    text = sealed.reveal() if sealed is not None else ""
    return text if reference.json_key is None else _json_key(reference, text)


def _json_key(reference: Reference, text: str) -> Any:
    """Return the value at a JSON key: the whole key first (keys may hold dots), then by parts."""
    name = reference.query.label
    try:
        document = loads(text)
    except ValueError:
        msg = f"{name} is not JSON, so it has no key to pick"
        raise RequestError(msg, code="NotJson") from None
    found, missing = document, object()
    key = reference.json_key or ""
    if not (isinstance(document, dict) and key in document):
        for part in key.split("."):
            found = _member(found, part, missing)
    else:
        found = document[key]
    if found is missing:
        msg = f"{name} is JSON, but has no such key"
        raise RequestError(msg, code="NoSuchKey")
    return found


def _member(container: Any, part: str, missing: object) -> Any:
    if isinstance(container, dict):
        return container.get(part, missing)
    if isinstance(container, list) and _is_index(part) and int(part) < len(container):
        return container[int(part)]
    return missing


def _is_index(part: str) -> bool:
    """Tell whether `part` is the one spelling of a position: 00 and the like would be endless names for one value."""
    return part.isascii() and part.isdigit() and len(part) < 6 and str(int(part)) == part  # noqa: PLR2004 (64 KB of JSON)


def several(
    operation: Operation,
    values: dict[str, Any],
    errors: dict[str, SidekeyError],
    headers: tuple[tuple[str, str], ...],
) -> Response:
    """Return the values and the errors of a `/values`, by reference; `headers` are its marks."""
    shown = {text: {"__type": error.code, "message": error.message} for text, error in errors.items()}
    ordered = [reference.text for reference in operation.references]
    body = dumps(
        {
            "values": {text: values[text] for text in ordered if text in values},
            "errors": {text: shown[text] for text in ordered if text in shown},
        }
    )
    return Response(200, body, content_type=JSON, headers=headers)
