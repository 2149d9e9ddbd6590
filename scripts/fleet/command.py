"""The command: simulate a fleet under each policy, print the figures, write them and the plot."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scripts.fleet.policies import policies
from scripts.fleet.scenario import QUOTAS, Scenario
from scripts.fleet.simulation import Simulation
from scripts.stage.paint import Paint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from scripts.fleet.measures import Measures

HEAD = (
    "policy", "first peak/s", "throttled", "50 % ready", "all ready", "then mean/s", "peak/s", "s over quota",
    "throttled", "reads waited", "mean age", "p99",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = _options(arguments)
    begun = time.monotonic()
    paint = Paint.of(sys.stdout, os.environ)
    runs: dict[str, dict[str, Measures]] = {
        scenario.service: simulate(scenario, sys.stderr) for scenario in scenarios(options)
    }
    for measures in runs.values():
        print("\n".join(report(measures, paint)))
    from scripts.fleet.plot import draw

    paths = [*draw(runs["secretsmanager"], options.out), _write(runs, options.out)]
    print(f"{', '.join(paths)} written in {time.monotonic() - begun:.0f} s")
    return 0


def scenarios(options: argparse.Namespace) -> list[Scenario]:
    """Return the fleets to simulate: one that reads secrets, and one that reads parameters where there are any."""
    shared = {
        name: getattr(options, name)
        for name in ("environments", "hours", "seed", "invocations_per_second", "arrivals", "start_seconds")
    }
    secrets = Scenario(items=options.secrets, **shared)
    return [secrets] + ([Scenario(items=options.parameters, service="ssm", **shared)] if options.parameters else [])


def simulate(scenario: Scenario, terminal: TextIO) -> dict[str, Measures]:
    """Return what each policy does to the fleet; a terminal sees how far it is."""
    found = {}
    for policy in policies(scenario):
        found[policy.name] = Simulation(scenario, policy).run(_progress(f"{policy.name}, {scenario.service}", terminal))
    return found


def _progress(name: str, terminal: TextIO) -> Callable[[float], None]:
    """Return what shows the progress on one line of a terminal, and nothing elsewhere."""
    if not terminal.isatty():
        return lambda _share: None
    return lambda share: print(f"\r\x1b[K{name}: {share:4.0%}", end="\r", file=terminal, flush=True)


def report(measures: dict[str, Measures], paint: Paint) -> list[str]:
    """Return the lines to print for one fleet."""
    scenario = next(iter(measures.values())).scenario
    title = (
        f"{scenario.environments:,} environments, {scenario.items} items of {scenario.service}, {scenario.hours:g} h"
    )
    rows = [_row(name, each.figures(), scenario) for name, each in measures.items()]
    return [paint(title, "bold"), *paint.table([HEAD, *rows]), ""]


def _row(name: str, figures: dict[str, Any], scenario: Scenario) -> list[str]:
    first, after, age = figures["cold_start"], figures["after"], figures["age_seconds"]
    calls = (first["operations"][scenario.single], after["operations"][scenario.single])
    numbers = [
        calls[0]["peak_per_second"], calls[0]["throttled"], first["seconds_until_complete_p50"],
        first["seconds_until_complete_all"], calls[1]["mean_per_second"], calls[1]["peak_per_second"],
        calls[1]["seconds_above_quota"], calls[1]["throttled"], after["reads_that_waited"], age["mean"], age["p99"],
    ]  # fmt: skip
    return [name, *("never" if number is None else f"{number:,}" for number in numbers)]


def _write(runs: dict[str, dict[str, Measures]], folder: str) -> str:
    """Write fleet.json; return its path."""
    path = os.path.join(folder, "fleet.json")
    fleets = {
        service: {
            "scenario": asdict(next(iter(measures.values())).scenario),
            "policies": {name: each.figures() for name, each in measures.items()},
        }
        for service, measures in runs.items()
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"quotas_per_second": QUOTAS, "fleets": fleets}, file, indent=2)
        file.write("\n")
    return path


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="simulate_fleet", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--environments", type=_whole(1, 100_000), default=10_000, help="execution environments")
    parser.add_argument("--secrets", type=_whole(1, 200), default=20, help="secrets that each of them reads")
    parser.add_argument("--parameters", type=_whole(0, 200), default=0, help="parameters, as a fleet of its own")
    parser.add_argument("--hours", type=_number(0.01, 48), default=2.0, help="how long they live")
    parser.add_argument("--seed", type=_whole(0, 2**32), default=1, help="the same seed gives the same figures")
    parser.add_argument(
        "--invocations-per-second", type=_number(0.0001, 10), default=1.0, help="of each environment, on average"
    )
    parser.add_argument("--arrivals", choices=("poisson", "constant"), default="poisson", help="their pattern")
    parser.add_argument(
        "--start-seconds", type=_number(0, 3600), default=1.0, help="within which all of them cold-start"
    )
    parser.add_argument("--out", type=_folder, default="docs", help="an existing folder for the plot and the figures")
    return parser.parse_args(arguments)


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser for whole numbers in a range."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            msg = f"{text!r} is not a whole number from {low} to {high}"
            raise argparse.ArgumentTypeError(msg)
        return int(text)

    return parse


def _number(low: float, high: float) -> Callable[[str], float]:
    """Return a parser for numbers in a range."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            msg = f"{text!r} is not a number from {low:g} to {high:g}"
            raise argparse.ArgumentTypeError(msg)
        return number

    return parse


def _folder(text: str) -> str:
    if not os.path.isdir(text):
        msg = f"{text!r} is not an existing folder"
        raise argparse.ArgumentTypeError(msg)
    return text
