"""Routes: what a request target asks for, decided from its bytes alone.

    /secretsmanager/get                     one secret           secretId, versionStage, versionId
    /v1/<secret id>                         the same, the agent's way
    /systemsmanager/parameters/get          one parameter        name, version or label, withDecryption
    /systemsmanager/parameters/by-path      all below a path     path, recursive, withDecryption
    /value  /values                         by reference         ref
    /ping   /ready   /status   /metrics

Law: a parameter that is not listed, or given twice, is an error that names it; nothing is guessed.
"""

from __future__ import annotations

from extension.core.errors import RequestError
from extension.core.percent import decode, parse_query
from extension.core.record import Record
from extension.core.reference import Reference, build_query, check_id, flag, parse_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from extension.core.model import Query

    Kind = Literal["secret", "parameter", "tree", "value", "values", "ping", "ready", "status", "metrics"]
    Shape = Literal["extension", "agent"]

MAX_REFERENCES = 100
_SHARED = ("roleArn", "region", "refreshNow", "failedVersionId")
_SECRET = ("secretId", "versionStage", "versionId", *_SHARED)
_V1 = _SECRET[1:]
_PARAMETER = ("name", "version", "label", "withDecryption", *_SHARED)
_TREE = ("path", "recursive", "withDecryption", "roleArn", "region", "refreshNow")
_REFERENCES = ("ref", "refreshNow", "failedVersionId")
_NOT_FOUND = (
    "Not found: there is /secretsmanager/get, /systemsmanager/parameters/get, /systemsmanager/parameters/by-path, "
    "/value, /values, /v1/<secret id>, /ping, /ready, /status and /metrics"
)
_PLAIN = {b"/ping": "ping", b"/ready": "ready", b"/status": "status", b"/metrics": "metrics"}


class Operation(Record):
    """What is asked: `kind`, the references it reads, and how the answer looks."""

    kind: Kind
    references: tuple[Reference, ...] = ()
    shape: Shape = "extension"
    refresh: bool = False
    failed_version: str | None = None

    @property
    def query(self) -> Query:
        """The query of an operation that reads one thing."""
        return self.references[0].query


def route(target: bytes, dialect: Shape) -> Operation:
    """Return the operation of a request target, or raise RequestError with what is wrong."""
    path, _, raw = target.partition(b"?")
    if path in _PLAIN:
        _parameters(raw, ())
        return Operation(kind=_PLAIN[path])  # type: ignore[arg-type]
    if path == b"/secretsmanager/get" or path == b"/secretsmanager/get/":  # noqa: PLR1714 (no tuple on the way of every read)
        return _secret(None, _parameters(raw, _SECRET), dialect)
    if path.startswith(b"/v1/"):
        return _secret(_text(path[4:]), _parameters(raw, _V1), "agent")
    if path.rstrip(b"/") == b"/systemsmanager/parameters/get":
        return _parameter(_parameters(raw, _PARAMETER))
    if path.rstrip(b"/") == b"/systemsmanager/parameters/by-path":
        return _tree(_parameters(raw, _TREE))
    if path in (b"/value", b"/values"):
        return _by_reference(path, raw)
    raise RequestError(_NOT_FOUND, code="NotFound", status=404)


def _text(raw: bytes) -> str:
    try:
        return decode(raw)
    except ValueError as error:
        msg = "a % stands in the address that no two hex digits of UTF-8 follow"
        raise RequestError(msg) from error


def _pairs(raw: bytes, allowed: tuple[str, ...]) -> list[tuple[str, str]]:
    try:
        pairs = parse_query(raw)
    except ValueError as error:
        msg = "a % stands in the parameters that no two hex digits of UTF-8 follow"
        raise RequestError(msg) from error
    for name, _ in pairs:
        if name not in allowed:
            shown = name if name.isidentifier() and len(name) <= 64 else "(not a name)"  # noqa: PLR2004
            msg = f"unknown parameter: {shown}" + (
                f"; allowed: {', '.join(allowed)}" if allowed else "; there is none here"
            )
            raise RequestError(msg)
    return pairs


def _parameters(raw: bytes, allowed: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters in their order, each at most once."""
    return _once(_pairs(raw, allowed)) if raw else {}


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for position, (name, _) in enumerate(pairs) if name in dict(pairs[:position]))
        msg = f"parameter given twice: {twice}"
        raise RequestError(msg)
    return found


def _secret(identifier: str | None, found: dict[str, str], shape: Shape) -> Operation:
    if identifier == "":
        msg = "missing secret ID"
        raise RequestError(msg)
    name = identifier if identifier is not None else found.get("secretId", "")
    return _read("secret", "secretsmanager", name, found, shape)


def _parameter(found: dict[str, str]) -> Operation:
    options = {"withDecryption": "false"} | found
    ordered = {name: options[name] for name in (*found, "withDecryption")}
    return _read("parameter", "ssm", found.get("name", ""), ordered, "extension")


def _tree(found: dict[str, str]) -> Operation:
    if "path" not in found:
        msg = "missing parameter path"
        raise RequestError(msg)
    options = {"withDecryption": "false", "recursive": "false"} | found
    return _read("tree", "ssm-path", found["path"], options, "extension")


def _read(kind: Kind, scheme: str, identifier: str, found: dict[str, str], shape: Shape) -> Operation:

    query = build_query(scheme, identifier, found)
    return Operation(
        kind=kind,
        references=(Reference(text=query.label, query=query),),
        shape=shape,
        refresh=flag(found, "refreshNow", default=False),
        failed_version=_failed_version(found),
    )


def _failed_version(found: dict[str, str]) -> str | None:
    return check_id(found["failedVersionId"], "failedVersionId") if "failedVersionId" in found else None


def _by_reference(path: bytes, raw: bytes) -> Operation:
    pairs = _pairs(raw, _REFERENCES) if raw else []
    texts = [value for name, value in pairs if name == "ref"]
    found = _once([pair for pair in pairs if pair[0] != "ref"])
    if not texts or len(texts) > (1 if path == b"/value" else MAX_REFERENCES):
        msg = "/value takes one ref" if path == b"/value" else f"/values takes 1 to {MAX_REFERENCES} times ref"
        raise RequestError(msg)
    return Operation(
        kind="value" if path == b"/value" else "values",
        references=tuple(dict.fromkeys(parse_reference(text) for text in texts)),
        refresh=flag(found, "refreshNow", default=False),
        failed_version=_failed_version(found),
    )
