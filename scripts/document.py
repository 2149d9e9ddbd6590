"""README's generated parts, each between `<!-- name:begin -->` and `<!-- name:end -->`.

Law: a part is a function of something that the code or a measurement says; nobody edits it by hand, and a test
compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from extension.core.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from extension.core.variables import Variable

ROOT = Path(__file__).resolve().parent.parent


def settings_table() -> str:
    """Return the table of all settings."""
    rows = [f"| `{each.name}` | {_default(each)} | {each.allowed} | {each.about} |" for each in VARIABLES]
    return "\n".join(["| variable | default | allowed | what it does |", "|---|---|---|---|", *rows])


def _default(variable: Variable) -> str:
    return f"`{variable.default}`" if variable.default else "–"


def faults_table() -> str:
    """Return the table of what a function sees when something is wrong, as the fault suite saw it."""
    rows = json.loads((ROOT / "docs" / "faults.json").read_text(encoding="utf-8"))
    lines = [" | ".join(row.values()) for row in rows]
    heads = "AWS, or we | nothing cached | an expired value cached | waits at most | recovers"
    return "\n".join([f"| {heads} |", "|---|---|---|---|---|", *[f"| {line} |" for line in lines]])


PARTS: dict[str, Callable[[], str]] = {"settings": settings_table, "faults": faults_table}


def filled(text: str) -> str:
    """Return `text` with every part as it should be."""
    for name, render in PARTS.items():
        pattern = re.compile(f"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        body = render()
        text = pattern.sub(lambda match, body=body: f"{match[1]}{body}\n{match[2]}", text)  # type: ignore[misc]
    return text


def main(arguments: Sequence[str]) -> int:
    """Write README, or with `--check` tell whether it is as it should be."""
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = filled(old)
    if "--check" in arguments:
        return int(old != new)
    readme.write_text(new, encoding="utf-8")
    return 0
