"""README's generated parts, each between `<!-- name:begin -->` and `<!-- name:end -->`.

Law: a part is a function of something that the code or a measurement says; nobody edits it by hand, and a test
compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extension.core.variables import VARIABLES
from scripts.bench.table import render

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


_FLEET = """\
{environments:,} environments with {items} secrets each start within {start_seconds:g} s, take
{invocations_per_second:g} invocation/s each and live for {hours:g} h; after one, everything is rotated. `make fleet`
simulates them with the project's own policy functions against AWS's quota of 10,000 calls/s:

![calls, throttles and ages of values over time, for three policies](docs/fleet.png)

| policy | all have all after | later calls/s: mean | peak | seconds over the quota | throttled | reads that waited |
|---|---|---|---|---|---|---|
{rows}

After the start, Sidekey stays under the quota, and the two others do not. In the start itself nobody can: so many
values take 20 s at 10,000 calls/s, and Sidekey is no better there than the others. At Lambda's own scaling rate (1,000
environments per 10 s) nothing is throttled. Parameter Store allows 40 calls/s, so parameters go in tens, and those that
are soon due go along with one that is."""


def fleet_part() -> str:
    """Return what the simulation of a fleet has found, with its plot."""
    fleet = json.loads((ROOT / "docs" / "fleet.json").read_text(encoding="utf-8"))["fleets"]["secretsmanager"]
    rows = [f"| {name} | {_fleet_row(figures)} |" for name, figures in fleet["policies"].items()]
    return _FLEET.format(rows="\n".join(rows), **fleet["scenario"])


def _fleet_row(figures: dict[str, dict[str, Any]]) -> str:
    """Return one policy's cells."""
    start, later = figures["cold_start"], figures["after"]
    calls = later["operations"]["secret"]
    counts = [calls["peak_per_second"], calls["seconds_above_quota"], calls["throttled"], later["reads_that_waited"]]
    cells = [f"{start['seconds_until_complete_all']:.0f} s", f"{calls['mean_per_second']:,.0f}"]
    return " | ".join([*cells, *(f"{count:,}" for count in counts)])


def bench_part() -> str:
    """Return what the benchmark has measured, with its pictures."""
    return render(json.loads((ROOT / "docs" / "bench.json").read_text(encoding="utf-8")))


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "faults": faults_table,
    "fleet": fleet_part,
    "bench": bench_part,
}


def filled(text: str) -> str:
    """Return `text` with every part as it should be."""
    for name, part in PARTS.items():
        pattern = re.compile(f"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        body = part()
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
