"""References: one grammar for prefetch, `/value`, `/values` and the configuration file.

    secretsmanager://<name or ARN>[?versionStage=…|versionId=…&roleArn=…&region=…][#json.key]
    ssm://<name or ARN>[?version=…|label=…&withDecryption=…&roleArn=…&region=…][#json.key]
    ssm-path:///app/prod/[?recursive=…&withDecryption=…&roleArn=…&region=…]

The same checks serve the query parameters of the endpoints. Law: messages name the part that is wrong and what is
allowed, and repeat nothing of the caller's text but names of parameters.
"""

from __future__ import annotations

from extension.core.errors import RequestError
from extension.core.identity import REFERENCE_PREFIX
from extension.core.model import DEFAULT_STAGE, Query
from extension.core.percent import decode
from extension.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

MAX_ID_BYTES = 2048
MAX_LABEL_CHARACTERS = 100
_SCHEMES = ("secretsmanager", "ssm", "ssm-path")
_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
_DIGITS = frozenset("0123456789")
_LABEL = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_") | _DIGITS
_ROLE = _LABEL | frozenset("+=,@/")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_OPTIONS = {
    "secretsmanager": ("versionStage", "versionId", "roleArn", "region"),
    "ssm": ("version", "label", "withDecryption", "roleArn", "region"),
    "ssm-path": ("recursive", "withDecryption", "roleArn", "region"),
}


class Reference(Record):
    """A query, the JSON key to take out of its value, and the text that it was written as."""

    text: str
    query: Query
    json_key: str | None = None


def parse_reference(text: str) -> Reference:
    """Return the parsed reference, or raise RequestError with what is wrong and what is allowed."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme not in _SCHEMES:
        allowed = ", ".join(f"{name}://" for name in _SCHEMES)
        msg = f"a reference starts with one of {allowed}"
        raise RequestError(msg)
    rest, hashed, json_key = rest.partition("#")
    name, _, options = rest.partition("?")
    if hashed and (not json_key or scheme == "ssm-path"):
        msg = "after # stands a JSON key (not for ssm-path://)"
        raise RequestError(msg)
    query = build_query(scheme, _decoded(name), _options(scheme, options))
    return Reference(text=text.strip(), query=query, json_key=_decoded(json_key) if hashed else None)


def split_references(text: str) -> list[str]:
    """Split a comma-separated list; a piece without `://` belongs to the one before it (`region=a,b`)."""
    parts: list[str] = []
    for piece in text.split(","):
        if parts and "://" not in piece and "region=" in parts[-1]:
            parts[-1] += f",{piece}"
        elif piece.strip():
            parts.append(piece.strip())
    return parts


def _decoded(text: str) -> str:
    try:
        return decode(text.encode())
    except ValueError as error:
        msg = "a reference has a % that no two hex digits of UTF-8 follow"
        raise RequestError(msg) from error


def _options(scheme: str, text: str) -> dict[str, str]:
    """Parse what follows the `?` of a reference."""
    found: dict[str, str] = {}
    for part in text.split("&") if text else ():
        name, separator, value = part.partition("=")
        if name not in _OPTIONS[scheme] or not separator or name in found:
            msg = f"after ? of {scheme}:// stand {', '.join(_OPTIONS[scheme])}, each once as name=value"
            raise RequestError(msg)
        found[name] = _decoded(value)
    return found


def build_query(scheme: str, identifier: str, options: Mapping[str, str]) -> Query:
    """Build the query for an id and its options, whoever gave them; RequestError for what is not allowed."""
    shared: dict[str, Any] = {
        "role_arn": optional(options, "roleArn", _role_arn),
        "regions": optional(options, "region", _region_list) or (),
    }
    if scheme == "secretsmanager":
        return _secret_query(identifier, options, shared)
    shared["decrypt"] = flag(options, "withDecryption", default=True)
    if scheme == "ssm-path":
        recursive = flag(options, "recursive", default=True)
        return Query(service="ssm-path", id=check_path(identifier), recursive=recursive, **shared)
    name, inline = _split_selector(check_id(identifier, "name"))
    return Query(service="ssm", id=name, selector=_selector(options) or inline, **shared)


def _secret_query(identifier: str, options: Mapping[str, str], shared: dict[str, Any]) -> Query:
    version_id = optional(options, "versionId", _plain)
    stage = optional(options, "versionStage", _plain)
    if version_id is None and stage == DEFAULT_STAGE:
        stage = None
    name = check_id(identifier, "secretId")
    return Query(service="secretsmanager", id=name, version_id=version_id, version_stage=stage, **shared)


def optional(options: Mapping[str, str], name: str, parse: Callable[[str, str], Any]) -> Any:
    """Return the parsed option, or None where it is not given."""
    return parse(options[name], name) if name in options else None


def flag(options: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a true/false option."""
    value = _FLAGS.get(options[name].lower()) if name in options else default
    if value is None:
        msg = f"invalid {name} value: true, false, 1 and 0 are allowed"
        raise RequestError(msg)
    return value


def check_id(text: str, name: str) -> str:
    """Return a secret or parameter id that can be sent on."""
    if not text:
        msg = f"missing parameter {name}"
        raise RequestError(msg)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
        msg = f"{name} is over {MAX_ID_BYTES} bytes"
        raise RequestError(msg)
    if not text.isprintable():
        msg = f"{name} has control characters"
        raise RequestError(msg)
    return text


def check_path(text: str) -> str:
    """Return a parameter path: `/` and names between slashes."""
    path = check_id(text, "path")
    if not path.startswith("/") or "//" in path or " " in path:
        msg = "path is a parameter path: it starts with / and has no empty part, as /app/prod/"
        raise RequestError(msg)
    return path


def _plain(text: str, name: str) -> str:
    return check_id(text, name)


def _split_selector(identifier: str) -> tuple[str, str | None]:
    """Split `name:selector` (also of an ARN) into the name and `:selector`."""
    colons = 5 if identifier.startswith("arn:") else 0
    parts = identifier.split(":")
    if len(parts) == colons + 1:
        return identifier, None
    if len(parts) != colons + 2:
        msg = "name has more colons than a name, an ARN or one of both with :version or :label"
        raise RequestError(msg)
    name, selector = ":".join(parts[:-1]), parts[-1]
    check_id(parts[-2], "name")
    if not (selector and name.startswith(REFERENCE_PREFIX)):  # to a secret, whose versions have ids and stages
        _version(selector, "version") if selector.isdigit() else _label(selector, "label")
    return name, f":{selector}"


def _selector(options: Mapping[str, str]) -> str | None:
    """Return `:version` or `:label`; of both the first given counts (as in AWS's extension)."""
    for name in options:
        if name == "version":
            return f":{_version(options[name], name)}"
        if name == "label":
            return f":{_label(options[name], name)}"
    return None


def _version(text: str, name: str) -> str:
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 19 and int(text) > 0):  # noqa: PLR2004 (a 64-bit count)
        msg = f"{name} is a whole number from 1 on"
        raise RequestError(msg)
    return text


def _label(text: str, name: str) -> str:
    low = text.lower()
    if not 0 < len(text) <= MAX_LABEL_CHARACTERS or not _LABEL.issuperset(text) or low[0] in _DIGITS:
        msg = f"{name} has 1 to {MAX_LABEL_CHARACTERS} letters, digits, dots, dashes and underscores, no digit first"
        raise RequestError(msg)
    return text


def check_region(text: str) -> bool:
    """Tell whether `text` can be a region's name (it becomes part of a host name)."""
    parts = text.split("-")
    fits = len(parts) >= 3 and all(parts) and len(text) <= 32  # noqa: PLR2004 (us-east-1 has three)
    return fits and (_LOWER | _DIGITS | {"-"}).issuperset(text) and text[0] in _LOWER


def _region_list(text: str, name: str) -> tuple[str, ...]:
    regions = tuple(text.split(","))
    if not all(check_region(region) for region in regions):
        msg = f"{name} is one region or several with commas, as eu-west-1,eu-central-1"
        raise RequestError(msg)
    return regions


def _role_arn(text: str, _name: str) -> str:
    parts = text.split(":", 5)
    fits = len(parts) == 6 and parts[0] == "arn" and parts[2:4] == ["iam", ""] and parts[5].startswith("role/")  # noqa: PLR2004
    if not fits or not _is_role(parts[1], parts[4], parts[5].removeprefix("role/")):
        msg = "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"
        raise RequestError(msg)
    return text


def _is_role(partition: str, account: str, path: str) -> bool:
    known = partition.startswith("aws") and (_LOWER | {"-"}).issuperset(partition)
    number = len(account) == 12 and _DIGITS.issuperset(account)  # noqa: PLR2004 (AWS account ids)
    return known and number and bool(path) and all(path.split("/")) and _ROLE.issuperset(path)
