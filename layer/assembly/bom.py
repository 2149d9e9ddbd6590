"""The bill of materials, in CycloneDX's JSON: every package and wheel with version, hash and licence.

Law: it says the same for the same lock; so it carries neither time nor random serial number.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from layer.assembly import REPOSITORY
from layer.assembly.licences import package_terms, wheel_terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layer.assembly.lock import Locked
    from layer.assembly.tree import Parts

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sidekey:layer")


def version() -> str:
    """Return the project's version."""
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])


def bill(entries: Iterable[Locked], parts: Parts) -> dict[str, Any]:
    """Return the bill of one architecture's layer."""
    carried = sorted((entry for entry in entries if entry.kind != "tool"), key=lambda entry: (entry.kind, entry.name))
    identity = "".join(entry.sha256 for entry in carried)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(_NAMESPACE, f"{version()} {identity}").urn,
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": "sidekey", "name": "sidekey", "version": version()}
        },
        "components": [_component(entry, parts) for entry in carried],
    }


def render(document: dict[str, Any]) -> str:
    """Return the document's text."""
    return json.dumps(document, indent=2) + "\n"


def _component(entry: Locked, parts: Parts) -> dict[str, Any]:
    is_package = entry.kind == "package"
    terms = (
        package_terms(parts.root, entry.name) if is_package else wheel_terms(parts.wheels, entry.name, entry.version)
    )
    address = _package_address(entry, parts.platform.debian) if is_package else f"pkg:pypi/{entry.name}@{entry.version}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": entry.name,
        "version": entry.version,
        "purl": address,
        "hashes": [{"alg": "SHA-256", "content": entry.sha256}],
        "licenses": [{"license": {"name": term}} for term in terms],
    }


def _package_address(entry: Locked, architecture: str) -> str:
    named = "all" if entry.architecture == "all" else architecture
    return f"pkg:deb/debian/{entry.name}@{quote(entry.version, safe='')}?arch={named}&distro=debian-13"
